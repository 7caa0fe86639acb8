// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What a module costs on the GPU, for gpu_costs.py:
//
//     node gpu-costs.mjs MODULE INPUTS.json SECONDS FLOPS
//
// prints one line of JSON: the adapter, milliseconds until the module is loaded
// and until its first answer, pipelines, and milliseconds of a run (the median)
// where the adapter is a GPU. One that computes on the CPU does not run what has
// more than some seconds of work (FLOPS; 0 if they are not known).

import { readFileSync } from "node:fs";
import { loadModel } from "nncc";
import { keepAdapter, openGpu } from "../test/gpu/dawn.mjs";

const [module, inputsFile, seconds, flops] = process.argv.slice(2);
const ARRAYS = {
  f32: Float32Array, f64: Float64Array, i64: BigInt64Array, i32: Int32Array, i8: Int8Array, u8: Uint8Array,
  bool: Uint8Array,
};

const inputs = Object.fromEntries(JSON.parse(readFileSync(inputsFile, "utf8")).map(({ name, dtype, shape, file }) => {
  const bytes = new Uint8Array(readFileSync(file));
  return [name, { dtype, shape, data: new ARRAYS[dtype](bytes.buffer) }];
}));

async function timed(work) {
  const begin = performance.now();
  const result = await work();
  return [performance.now() - begin, result];
}

const gpu = await openGpu();
Object.defineProperty(navigator, "gpu", { value: gpu });
const adapter = await keepAdapter(gpu);
if (adapter === null) throw new Error("WebGPU finds no adapter here");
const name = adapter.info.description || adapter.info.vendor;
const isSoftware = adapter.info.isFallbackAdapter || /swiftshader|llvmpipe/i.test(name);

const [load, model] = await timed(() => loadModel(module, { device: "gpu" }));
const MOST_FLOPS = 3e9;
const first = isSoftware && flops > MOST_FLOPS ? null : (await timed(() => model.run(inputs)))[0];
const runs = [];
// A software adapter says nothing about schedules.
for (let end = performance.now() + 1000 * seconds; !isSoftware && performance.now() < end;) {
  runs.push((await timed(() => model.run(inputs)))[0]);
}
runs.sort((a, b) => a - b);
const run = runs[Math.floor(runs.length / 2)] ?? null;
const section = WebAssembly.Module.customSections(model.module, "nncc.webgpu")[0];
const { kernels } = JSON.parse(new TextDecoder().decode(section));
console.log(JSON.stringify({ adapter: name, isSoftware, load, first, run, pipelines: kernels.length }));
process.exit(0);
