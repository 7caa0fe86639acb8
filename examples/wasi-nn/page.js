// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Runs programs for WASI and wasi-nn in a page: the WASI is that of
// @bjorn3/browser_wasi_shim, the wasi-nn that of nncc.

import { ConsoleStdout, File, OpenFile, WASI } from "./wasi/index.js";
import { loadModel } from "./nncc/index.js";
import { createWasiNN } from "./nncc/wasi-nn/index.js";

/** What the guest prints when `input` is its standard input. */
async function run(guest, models, input) {
  const lines = [];
  const out = ConsoleStdout.lineBuffered((line) => lines.push(line));
  const stdin = new OpenFile(new File(new TextEncoder().encode(input)));
  const wasi = new WASI([], [], [stdin, out, out]);
  const nn = createWasiNN({ models });
  const imports = { wasi_snapshot_preview1: wasi.wasiImport, ...nn.imports };
  const instance = await WebAssembly.instantiate(guest, imports);
  nn.attach(instance);
  wasi.start(instance);
  return lines.join(", ");
}

/** Connects the form `name` with NAME.guest.wasm and NAME.wasm. */
async function connect(name, example) {
  const form = document.getElementById(name);
  const [input, output] = [form.querySelector("textarea"), form.querySelector("output")];
  input.value = await (await fetch(example)).text();
  const model = await loadModel(`${name}.wasm`);
  const guest = await WebAssembly.compileStreaming(fetch(`${name}.guest.wasm`));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    output.value = await run(guest, { [name]: model }, input.value);
  });
  form.dataset.ready = "yes";
}

await Promise.all([connect("digits", "digit.pgm"), connect("languages", "sentence.txt")]);
