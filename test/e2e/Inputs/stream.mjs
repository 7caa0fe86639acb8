// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Runs the model of test_streams.py frame by frame, as a stream and as a guest of
// wasi-nn does: stream.mjs model.wasm x.f32 prints y of every frame.

import { readFile } from "node:fs/promises";
import { loadModel } from "nncc";
import { createWasiNN } from "nncc/wasi-nn";

const [path, data] = process.argv.slice(2);
const sound = new Float32Array(new Uint8Array(await readFile(data)).buffer);
const model = await loadModel(path);
const frames = Array.from({ length: sound.length / 5 }, (_, i) => sound.subarray(5 * i, 5 * i + 5));

const stream = model.stream();
const answer = { stream: [], guest: [] };
for (const frame of frames) {
  const { y } = await stream.run({ x: { dtype: "f32", shape: [1, 5], data: frame } });
  answer.stream.push([...y.data]);
}

// A guest in JavaScript: what it would have in its memory lies at fixed places.
const memory = new WebAssembly.Memory({ initial: 1 });
const nn = createWasiNN({ models: { model } });
nn.attach({ exports: { memory } });
const calls = nn.imports.wasi_ephemeral_nn;
const [NAME, OUT, TENSOR, DIMS, ROOM] = [0, 16, 32, 64, 128];
const view = new DataView(memory.buffer);
const ok = (errno) => {
  if (errno !== 0) throw new Error(`errno ${errno}`);
};
new Uint8Array(memory.buffer).set(new TextEncoder().encode("model"), NAME);
ok(calls.load_by_name(NAME, 5, OUT));
ok(calls.init_execution_context(view.getUint32(OUT, true), OUT));
const context = view.getUint32(OUT, true);
[1, 5].forEach((size, i) => view.setUint32(DIMS + 4 * i, size, true));
[DIMS, 2, 1, ROOM, 20].forEach((word, i) => view.setUint32(TENSOR + 4 * i, word, true));
for (const frame of frames) {
  new Float32Array(memory.buffer, ROOM, 5).set(frame);
  ok(calls.set_input(context, 0, TENSOR));
  ok(calls.compute_single(context));
  ok(calls.get_output_single(context, 0, ROOM, 16, OUT));
  answer.guest.push([...new Float32Array(memory.buffer, ROOM, 4)]);
}
console.log(JSON.stringify(answer));
