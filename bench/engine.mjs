// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Times modules in the engine that runs this: Node, Deno, Bun or a page.

/** Register-only GFLOP/s of a peak kernel (peak.c); 0 where the engine lacks its instructions. */
export function measurePeak(bytes) {
  if (!WebAssembly.validate(bytes)) return 0;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  const count = 1e6;
  let best = Infinity;
  for (let i = 0; i < 12; ++i) {
    const start = performance.now();
    exports.peak(count, 1e-9);
    best = Math.min(best, performance.now() - start);
  }
  return (96 * count) / best / 1e6;
}

/** Numbers in [-1, 1) for inputs of fixed sizes. */
function fill({ makeTensor }, signature) {
  const tensors = signature.inputs.map(({ name, dtype, shape }) => {
    const size = shape.map(Number).reduce((a, b) => a * b, 1);
    const data = Float32Array.from({ length: size }, (_, i) => (((i * 7919) % 2003) - 1001) / 1001);
    return [name, makeTensor(dtype, shape.map(Number), data)];
  });
  return Object.fromEntries(tensors);
}

/** The least milliseconds of a run into the same arrays; the first tenth of the time warms up. */
function measureRun(model, inputs, seconds) {
  const start = performance.now();
  let best = Infinity;
  let outputs;
  for (let now = start, next; now < start + 1000 * seconds; now = next) {
    outputs = model.runSync(inputs, { into: outputs });
    next = performance.now();
    if (now > start + 100 * seconds) best = Math.min(best, next - now);
  }
  return best;
}

/**
 * `job`: {seconds, peaks, modules}, names of files that `read` gives.
 * Returns {peak: GFLOP/s, runs: {[module]: {ms, flops, relaxed}}}.
 */
export async function measureJob(runtime, job, read) {
  const peaks = await Promise.all(job.peaks.map(read));
  let peak = 0;
  const runs = {};
  for (const name of job.modules) {
    peak = Math.max(peak, ...peaks.map(measurePeak));
    const model = await runtime.loadModel(await read(name));
    const ms = measureRun(model, fill(runtime, model.signature), job.seconds);
    runs[name] = { ms, flops: model.signature.flops };
    model.dispose();
  }
  return { peak, runs };
}
