// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Measures one network in both runtimes, in turns within one process.
//
// usage: node measure.mjs MODEL.onnx MODULE.wasm INPUTS.json SECONDS PEAK.wasm [PEAK-RELAXED.wasm]
//
// Prints one JSON object.

import { readFileSync } from "node:fs";
import { measurePeak } from "./engine.mjs";
import { importRuntime, readInputs } from "./runtimes.mjs";

const [modelPath, modulePath, inputsPath, seconds, ...peakPaths] = process.argv.slice(2);

const median = (times) => times.sort((a, b) => a - b)[times.length >> 1];

async function timed(run, milliseconds, times) {
  const end = performance.now() + milliseconds;
  do {
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
  } while (performance.now() < end);
}

const inputs = readInputs(inputsPath);
const [openNncc, openOrt] = [await importRuntime.nncc(), await importRuntime.ort()];
const loadStart = performance.now();
const nncc = await openNncc(modulePath, inputs);
const ortStart = performance.now();
const ort = await openOrt(modelPath, inputs);
const ortEnd = performance.now();

// Engines compile hot code in the background: warm both up first.
await timed(nncc.run, 500, []);
await timed(ort.run, 500, []);
const nnccTimes = [];
const ortTimes = [];
const ROUNDS = 6;
const peaks = peakPaths.map(() => 0);
for (let round = 0; round < ROUNDS; ++round) {
  peakPaths.forEach((path, i) => (peaks[i] = Math.max(peaks[i], measurePeak(readFileSync(path)))));
  await timed(nncc.run, (1000 * seconds) / ROUNDS, nnccTimes);
  await timed(ort.run, (1000 * seconds) / ROUNDS, ortTimes);
}
console.log(
  JSON.stringify({
    nncc_ms: median(nnccTimes), ort_ms: median(ortTimes), nncc_load_ms: ortStart - loadStart, ort_load_ms: ortEnd - ortStart,
    runs: nnccTimes.length, peak_mul_add: peaks[0], peak_madd: peaks[1] || null, flops: nncc.flops,
  }),
);
process.exit(0);
