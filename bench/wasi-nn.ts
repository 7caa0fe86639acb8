// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What the wasi-nn host costs for each inference, the model's work apart:
//
//     node bench/wasi-nn.ts
//
// The model gives two numbers back; the difference to calling it directly is
// what the interface adds.

import { loadModel } from "nncc";
import { AT, FakeGuest, floatBytes } from "../test/runtime-web/fake-guest.ts";
import { makeModule, signature } from "../test/runtime-web/fixture.ts";

const CALLS = 2000;
const ROUNDS = 30;

/** The best time of a call in microseconds. */
function microseconds(body: () => void): number {
  let best = Infinity;
  for (let round = 0; round < ROUNDS; ++round) {
    const begin = performance.now();
    for (let i = 0; i < CALLS; ++i) body();
    best = Math.min(best, (1000 * (performance.now() - begin)) / CALLS);
  }
  return best;
}

const demo = await loadModel(makeModule(signature, false, ["-DREUSE"]));
const guest = new FakeGuest({ demo });
const context = guest.open();
const tensor = guest.tensor([1, 2], 1, floatBytes(1, 2));
const x = { dtype: "f32", shape: [1, 2], data: new Float32Array([1, 2]) } as const;
const direct = microseconds(() => demo.runSync({ x }));
const throughWasiNN = microseconds(() => {
  guest.call("set_input", context, 0, tensor);
  guest.call("compute", context);
  guest.call("get_output", context, 0, AT.data, 8, AT.out);
});
console.log(`model.runSync                      ${direct.toFixed(2)} us`);
console.log(`set_input, compute and get_output  ${throughWasiNN.toFixed(2)} us`);
