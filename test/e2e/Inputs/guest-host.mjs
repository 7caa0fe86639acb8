// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Runs a core guest of wasi-nn, which may open files of this folder:
//
//     guest-host.mjs [--substitute] NAME=model.wasm guest.wasm ARGUMENTS...

import { readFileSync } from "node:fs";
import { WASI } from "node:wasi";
import { loadModel } from "nncc";
import { createWasiNN } from "nncc/wasi-nn";

const words = process.argv.slice(2);
const stands = words[0] === "--substitute" && words.shift() !== undefined;
const [given, guest, ...args] = words;
const [name, model] = given.split("=");
const wasi = new WASI({ version: "preview1", args: [guest, ...args], preopens: { ".": "." } });
const nn = createWasiNN({ models: { [name]: await loadModel(model) }, ...(stands ? { substitute: name } : {}) });
const imports = { ...wasi.getImportObject(), ...nn.imports };
const { instance } = await WebAssembly.instantiate(readFileSync(guest), imports);
nn.attach(instance);
process.exitCode = wasi.start(instance);
