// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What a GPU does in registers, in GFLOP/s of f32.

const THREADS = 256;
const CHAINS = 8;
const UNROLLED = 8;
const GROUPS = 4096;

const names = Array.from({ length: CHAINS }, (_, i) => `a${i}`);
const step = names.map((name) => `${name} = fma(${name}, by, plus);`).join(" ");

/** Chains that do not wait for each other, of numbers that the compiler does not know. */
const TEXT = `
struct Given { by: vec4f, plus: vec4f, turns: u32 }
@group(0) @binding(0) var<uniform> given: Given;
@group(0) @binding(1) var<storage, read_write> result: array<vec4f>;
@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let by = given.by;
  let plus = given.plus;
  ${names.map((name, i) => `var ${name} = vec4f(f32(id.x) * 1e-6 + ${i}.0);`).join("\n  ")}
  for (var i = 0u; i < given.turns; i++) {
    ${Array(UNROLLED).fill(step).join("\n    ")}
  }
  let sum = ${names.join(" + ")};
  // Never so, which only who knows the numbers can tell.
  if (sum.x == 12345.0) { result[0] = sum; }
}`;

const FLOPS_OF_TURN = 2 * 4 * CHAINS * UNROLLED * THREADS * GROUPS;

/** The best of several runs that take long enough to tell. */
export async function measurePeak(device) {
  const { run, destroy } = prepare(device);
  const enough = 20;
  let turns = 1;
  let ms = await run(turns);
  while ((ms = await run(turns)) < enough) turns *= 2;
  // What does not depend on the number of turns is the call's.
  let best = 0;
  for (let i = 0; i < 6; ++i) {
    const [half, whole] = [await run(turns), await run(2 * turns)];
    if (whole > half) best = Math.max(best, (turns * FLOPS_OF_TURN) / (whole - half) / 1e6);
  }
  destroy();
  return best;
}

function prepare(device) {
  const module = device.createShaderModule({ code: TEXT });
  const pipeline = device.createComputePipeline({ layout: "auto", compute: { module } });
  const given = device.createBuffer({ size: 48, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST });
  const result = device.createBuffer({ size: 16, usage: GPUBufferUsage.STORAGE });
  const entries = [given, result].map((buffer, binding) => ({ binding, resource: { buffer } }));
  const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
  const run = async (turns) => {
    const words = new Uint32Array(12);
    new Float32Array(words.buffer).set([1, 1, 1, 1, 1e-9, 1e-9, 1e-9, 1e-9]);
    words[8] = turns;
    device.queue.writeBuffer(given, 0, words);
    await device.queue.onSubmittedWorkDone();
    const begin = performance.now();
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(GROUPS);
    pass.end();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    return performance.now() - begin;
  };
  return { run, destroy: () => [given, result].forEach((buffer) => buffer.destroy()) };
}
