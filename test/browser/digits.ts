// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

export const root = join(import.meta.dirname, "..", "..");

/** The folder that `compileDigits` fills. */
export const folder = join(root, "build", "test-browser");

/** Compiles the demo's network to `folder`/`name` with further flags; trains it first if need be. */
export function compileDigits(name: string, ...flags: string[]): string {
  const model = join(folder, "digits.onnx");
  if (!existsSync(model)) {
    execFileSync(join(root, ".venv/bin/python"), [join(root, "demo/train_digits.py"), folder]);
  }
  const module = join(folder, name);
  execFileSync(join(root, "build/bin/nncc"), [model, ...flags, "-o", module]);
  return module;
}
