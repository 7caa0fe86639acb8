// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Runs a core guest of wasi-nn as a page does, on browser_wasi_shim, with a copy of
// this folder's files in memory:
//
//     shim-host.mjs [--substitute] NAME=model.wasm guest.wasm ARGUMENTS...

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { ConsoleStdout, Directory, File, OpenFile, PreopenDirectory, WASI } from "@bjorn3/browser_wasi_shim";
import { loadModel } from "nncc";
import { createWasiNN } from "nncc/wasi-nn";

const words = process.argv.slice(2);
const stands = words[0] === "--substitute" && words.shift() !== undefined;
const [given, guest, ...args] = words;
const [name, model] = given.split("=");

function contentsOf(folder) {
  const entries = readdirSync(folder, { withFileTypes: true });
  return new Map(entries.map((entry) => {
    const path = join(folder, entry.name);
    return [entry.name, entry.isDirectory() ? new Directory(contentsOf(path)) : new File(readFileSync(path))];
  }));
}

const print = (stream) => ConsoleStdout.lineBuffered((line) => stream.write(`${line}\n`));
const files = [new OpenFile(new File([])), print(process.stdout), print(process.stderr)];
const wasi = new WASI([guest, ...args], [], [...files, new PreopenDirectory(".", contentsOf("."))], { debug: false });
const nn = createWasiNN({ models: { [name]: await loadModel(model) }, ...(stands ? { substitute: name } : {}) });
const { instance } = await WebAssembly.instantiate(readFileSync(guest), { wasi_snapshot_preview1: wasi.wasiImport, ...nn.imports });
nn.attach(instance);
process.exitCode = wasi.start(instance);
