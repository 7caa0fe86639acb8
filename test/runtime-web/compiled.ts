// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import { execFileSync } from "node:child_process";
import { join } from "node:path";

const root = join(import.meta.dirname, "..", "..");

/** Compiles a network of Inputs/threads.py to folder/name; returns the module's path. */
export function compileNetwork(folder: string, network: string, name: string, ...flags: string[]): string {
  const model = join(folder, `${network}.onnx`);
  execFileSync(join(root, ".venv/bin/python"), [join(import.meta.dirname, "Inputs/threads.py"), network, model]);
  const module = join(folder, name);
  execFileSync(join(root, "build/bin/nncc"), [model, ...flags, "-o", module]);
  return module;
}
