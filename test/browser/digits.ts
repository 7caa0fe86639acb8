// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

export const root = join(import.meta.dirname, "..", "..");

/** The folder that `compileDigits` fills. */
export const folder = join(root, "build", "test-browser");

const compiler = join(root, "build/bin/nncc");

/** Why nothing is compiled for a GPU here, or false: what node:test takes as `skip`. */
export const noGpuTarget: string | false =
  !execFileSync(compiler, ["--help"], { encoding: "utf8" }).includes("webgpu") && "built without the target webgpu";

/** Compiles a network to `folder`/`name`. */
export function compile(network: string, name: string, ...flags: string[]): string {
  const module = join(folder, name);
  execFileSync(compiler, [network, ...flags, "-o", module]);
  return module;
}

/** Compiles the demo's network to `folder`/`name` with further flags; trains it first if need be. */
export function compileDigits(name: string, ...flags: string[]): string {
  const model = join(folder, "digits.onnx");
  if (!existsSync(model)) {
    execFileSync(join(root, ".venv/bin/python"), [join(root, "demo/train_digits.py"), folder]);
  }
  return compile(model, name, ...flags);
}
