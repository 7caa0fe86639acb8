// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Runs networks on WebGPU in nncc and in onnxruntime-web, in Node or in a page.

import { count } from "./gpu-calls.mjs";
import { measurePeak } from "./gpu-peak.mjs";

const ORT_TYPES = {
  f32: "float32", f16: "float16", i8: "int8", u8: "uint8", i32: "int32", i64: "int64", bool: "bool",
};

/** Rounds of the runtimes in turns. */
const ROUNDS = 5;

/** Runs that one wait ends where nothing leaves the GPU. */
const TOGETHER = 8;

/**
 * A runtime with a network. `answer` takes the inputs from the CPU and gives the results to
 * it; `stay` is for inputs that are all f32: it makes what leaves them and the results on the
 * device, and gives what frees the results.
 */
async function openNncc({ runtimes, module, inputs }) {
  const { loadModel, makeTensor } = await import(runtimes.nncc);
  const model = await loadModel(module, { device: "gpu" });
  const given = named(inputs, ({ dtype, shape, data }) => makeTensor(dtype, shape, data));
  return {
    answer: () => model.run(given),
    stay: async () => {
      const device = model.gpu;
      const held = named(inputs, ({ dtype, shape, data }) => ({ dtype, shape, buffer: upload(device, data) }));
      const free = (output) => output.destroy();
      return { device, free, run: () => model.run(held, { keep: "gpu" }) };
    },
  };
}

async function openOrt({ runtimes, network, inputs }) {
  const ort = await import(runtimes.ort);
  ort.env.wasm.numThreads = 1;
  const open = (options) =>
    ort.InferenceSession.create(network(), { executionProviders: ["webgpu"], logSeverityLevel: 3, ...options });
  const session = await open({});
  const given = named(inputs, ({ dtype, shape, data }) => new ort.Tensor(ORT_TYPES[dtype], data, shape));
  return {
    answer: () => session.run(given),
    stay: async () => {
      const keeping = await open({ preferredOutputLocation: "gpu-buffer" });
      // The device goes with the last session.
      await session.release();
      const device = await ort.env.webgpu.device;
      const held = named(inputs, ({ shape: dims, data }) =>
        ort.Tensor.fromGpuBuffer(upload(device, data), { dataType: "float32", dims }));
      const free = (output) => output.dispose();
      return { device, free, run: () => keeping.run(held) };
    },
  };
}

function upload(device, data) {
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const buffer = device.createBuffer({ size: Math.ceil(data.byteLength / 4) * 4, usage });
  device.queue.writeBuffer(buffer, 0, data);
  return buffer;
}

const OPENERS = { nncc: openNncc, ort: openOrt };

const named = (inputs, make) => Object.fromEntries(inputs.map((input, i) => [input.name, make(input, i)]));

/** Milliseconds of a call. */
async function timed(work) {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

/** The GPU's name, and whether the CPU computes for it. */
export async function findAdapter() {
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) throw new Error("WebGPU finds no adapter here");
  const { vendor, architecture, device, description } = adapter.info;
  const name = description || [vendor, architecture, device].filter(Boolean).join(" ");
  const isSoftware = adapter.info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe/i.test(`${name} ${architecture}`);
  return { name, isSoftware: Boolean(isSoftware), adapter };
}

/** One runtime's start: milliseconds until the first answer, and what runs call of WebGPU. */
async function start(job, side) {
  const calls = count();
  let runtime;
  const load = await timed(async () => (runtime = await OPENERS[side](job)));
  if (!job.runs) return { load, ...calls.made() };
  const first = load + (await timed(runtime.answer));
  const { pipelines, bytes } = calls.made();
  const before = calls.made().dispatches;
  await runtime.answer();
  return { load, first, pipelines, bytes, dispatches: calls.made().dispatches - before };
}

const median = (times) => times.sort((a, b) => a - b)[times.length >> 1];

/** Medians of milliseconds of each call, in turns. */
async function inTurns(calls, seconds) {
  const times = calls.map(() => []);
  for (const call of calls) await call();
  for (let round = 0; round < ROUNDS; ++round) {
    for (const [i, call] of calls.entries()) {
      const end = performance.now() + (1000 * seconds) / ROUNDS;
      do times[i].push(await timed(call)); while (performance.now() < end);
    }
  }
  return times.map(median);
}

/** Runs whose tensors stay on the GPU: as many are submitted together before one waits. */
async function makeStaying(runtime) {
  const { device, free, run } = await runtime.stay();
  return async () => {
    const results = [];
    for (let i = 0; i < TOGETHER; ++i) results.push(...Object.values(await run()));
    await device.queue.onSubmittedWorkDone();
    results.forEach(free);
  };
}

/** Both runtimes' times in turns, and the GPU's register peak in GFLOP/s. */
async function race(job) {
  const runtimes = [await openNncc(job), await openOrt(job)];
  const answer = await inTurns(runtimes.map(({ answer }) => answer), job.seconds);
  const { adapter } = await findAdapter();
  const device = await adapter.requestDevice();
  const before = await measurePeak(device);
  if (!job.inputs.every(({ dtype }) => dtype === "f32")) return { answer, peak: before };
  const staying = [];
  for (const runtime of runtimes) staying.push(await makeStaying(runtime));
  const stay = (await inTurns(staying, job.seconds)).map((time) => time / TOGETHER);
  return { answer, stay, peak: Math.max(before, await measurePeak(device)) };
}

/**
 * `job`: {kind: "adapter" | "nncc" | "ort" | "race", runtimes: {nncc, ort} to import,
 * module to load, network() for what onnxruntime-web loads, inputs: [{name, dtype, shape, data}],
 * runs: whether the network runs, seconds: of each runtime in turns}.
 */
export async function runJob(job) {
  if (job.kind === "adapter") {
    const { name, isSoftware } = await findAdapter();
    return { name, isSoftware };
  }
  return job.kind === "race" ? race(job) : start(job, job.kind);
}

const ARRAYS = {
  f32: Float32Array, f64: Float64Array, i64: BigInt64Array, i32: Int32Array, i8: Int8Array, u8: Uint8Array,
  bool: Uint8Array,
};

/** The job of a folder's job.json, of whose files `read` gives the bytes. */
export async function readJob(read) {
  const job = JSON.parse(new TextDecoder().decode(await read("job.json")));
  const inputs = [];
  for (const { name, dtype, shape, file } of job.inputs ?? []) {
    const { buffer } = Uint8Array.from(await read(file));
    inputs.push({ name, dtype, shape, data: new ARRAYS[dtype](buffer) });
  }
  return { ...job, inputs };
}
