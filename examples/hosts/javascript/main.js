// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Runs a model on files, in Node, Deno or Bun: node main.js model.wasm x.f32 ...

import { readFile } from "node:fs/promises";
import process from "node:process";
import { runOnFiles } from "./lines.js";

const [module, ...files] = await Promise.all(process.argv.slice(2).map((path) => readFile(path)));
if (module === undefined) throw new Error("usage: main.js model.wasm x.f32 ...");
const buffers = files.map((file) => new Uint8Array(file).buffer);
for (const line of await runOnFiles(new Uint8Array(module), buffers)) console.log(line);
