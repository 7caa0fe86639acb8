// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Runs a core guest of wasi-nn: guest-host.mjs NAME=model.wasm guest.wasm ARGUMENTS...

import { readFileSync } from "node:fs";
import { WASI } from "node:wasi";
import { loadModel } from "nncc";
import { createWasiNN } from "nncc/wasi-nn";

const [given, guest, ...args] = process.argv.slice(2);
const [name, model] = given.split("=");
const wasi = new WASI({ version: "preview1", args: [guest, ...args] });
const nn = createWasiNN({ models: { [name]: await loadModel(model) } });
const imports = { ...wasi.getImportObject(), ...nn.imports };
const { instance } = await WebAssembly.instantiate(readFileSync(guest), imports);
nn.attach(instance);
process.exitCode = wasi.start(instance);
