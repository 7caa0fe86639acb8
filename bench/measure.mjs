// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Measures one network in both runtimes, in turns within one process.
//
// usage: node measure.mjs MODEL.onnx MODULE.wasm INPUTS.json SECONDS PEAK.wasm [PEAK-RELAXED.wasm]
//
// INPUTS.json: [{name, dtype, shape, file}], the files raw. Prints one JSON object.

import { readFileSync } from "node:fs";
import { loadModel, makeTensor, arrayClass } from "nncc";
import * as ort from "onnxruntime-web";
import { measurePeak } from "./engine.mjs";

const [modelPath, modulePath, inputsPath, seconds, ...peakPaths] = process.argv.slice(2);
const ORT_TYPES = {
  f32: "float32", f64: "float64", i8: "int8", u8: "uint8", i16: "int16", u16: "uint16",
  i32: "int32", u32: "uint32", i64: "int64", u64: "uint64", bool: "bool",
};

const median = (times) => times.sort((a, b) => a - b)[times.length >> 1];

async function timed(run, milliseconds, times) {
  const end = performance.now() + milliseconds;
  do {
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
  } while (performance.now() < end);
}

const inputs = JSON.parse(readFileSync(inputsPath, "utf8")).map((input) => {
  const bytes = Uint8Array.from(readFileSync(input.file));
  return { ...input, data: new (arrayClass(input.dtype))(bytes.buffer) };
});

const loadStart = performance.now();
const model = await loadModel(modulePath);
const nnccLoad = performance.now() - loadStart;
const tensors = Object.fromEntries(inputs.map((i) => [i.name, makeTensor(i.dtype, i.shape, i.data)]));

ort.env.wasm.numThreads = 1;
ort.env.logLevel = "error";
const ortStart = performance.now();
const session = await ort.InferenceSession.create(readFileSync(modelPath), {
  executionProviders: ["wasm"], graphOptimizationLevel: "all", logSeverityLevel: 3,
});
const ortLoad = performance.now() - ortStart;
const feeds = Object.fromEntries(
  inputs.map((i) => [i.name, new ort.Tensor(ORT_TYPES[i.dtype], i.data, i.shape)]),
);

const runNncc = () => model.runSync(tensors);
const runOrt = () => session.run(feeds);
// Engines compile hot code in the background: warm both up first.
await timed(runNncc, 500, []);
await timed(runOrt, 500, []);
const nnccTimes = [];
const ortTimes = [];
const ROUNDS = 6;
const peaks = peakPaths.map(() => 0);
for (let round = 0; round < ROUNDS; ++round) {
  peakPaths.forEach((path, i) => (peaks[i] = Math.max(peaks[i], measurePeak(readFileSync(path)))));
  await timed(runNncc, (1000 * seconds) / ROUNDS, nnccTimes);
  await timed(runOrt, (1000 * seconds) / ROUNDS, ortTimes);
}
console.log(
  JSON.stringify({
    nncc_ms: median(nnccTimes), ort_ms: median(ortTimes), nncc_load_ms: nnccLoad, ort_load_ms: ortLoad,
    runs: nnccTimes.length, peak_mul_add: peaks[0], peak_madd: peaks[1] || null, flops: model.signature.flops,
  }),
);
process.exit(0);
