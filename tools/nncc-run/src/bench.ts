// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import { loadModel, type LoadOptions, type Model, type RunOutput, type Tensor } from "nncc";

export interface Measurement {
  readonly msMedian: number;
  readonly msMin: number;
  readonly loadMs: number;
  readonly runs: number;
  /** Null when the module does not say how many operations a run takes. */
  readonly gflops: number | null;
}

const WARM_UP_SECONDS = 0.3;
const LEAST_RUNS = 5;

/** Milliseconds to compile and instantiate the module, the best of three. */
export async function measureLoad(bytes: Uint8Array, path: string, options: LoadOptions): Promise<number> {
  let best = Infinity;
  for (let i = 0; i < 3; ++i) {
    const start = performance.now();
    // By path when the weights are beside the module, so that they are found.
    const model = await loadModel(options.weights === undefined ? bytes : path, options);
    best = Math.min(best, performance.now() - start);
    model.dispose();
  }
  return best;
}

/** One run, on a GPU until its outputs are here; they are `into` again if that is given. */
export function runOnce(
  model: Model, inputs: Record<string, Tensor>, into?: Record<string, RunOutput>,
): Promise<Record<string, Tensor>> | Record<string, Tensor> {
  return model.device === "gpu" ? model.run(inputs, { into }) : model.runSync(inputs, { into });
}

/** Runs `model` for `seconds` into the same arrays, after a warm-up that lets the engine optimise it. */
export async function measure(
  model: Model, inputs: Record<string, Tensor>, seconds: number, loadMs: number,
): Promise<Measurement> {
  const warm = performance.now() + 1000 * Math.min(WARM_UP_SECONDS, seconds);
  let outputs: Record<string, Tensor>;
  do outputs = await runOnce(model, inputs);
  while (performance.now() < warm);
  const times: number[] = [];
  const end = performance.now() + 1000 * seconds;
  while (times.length < LEAST_RUNS || performance.now() < end) {
    const start = performance.now();
    outputs = await runOnce(model, inputs, outputs);
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  const msMedian = times[times.length >> 1]!;
  const { flops } = model.signature;
  return { msMedian, msMin: times[0]!, loadMs, runs: times.length, gflops: flops === null ? null : flops / msMedian / 1e6 };
}
