// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The second forms of kernels: used where they are wanted and there, with the same
// results but for the rounding of floats, on threads too.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { loadModel, type LoadOptions } from "../../runtime/web/dist/index.js";
import { compileNetwork } from "./compiled.ts";

const folder = mkdtempSync(join(tmpdir(), "nncc-relaxed-"));
let single = "";
let threaded = "";
let quantised = "";
let threadedQuantised = "";

before(() => {
  single = compileNetwork(folder, "convs", "single.wasm");
  threaded = compileNetwork(folder, "convs", "threaded.wasm", "--threads");
  quantised = compileNetwork(folder, "quantised", "quantised.wasm");
  threadedQuantised = compileNetwork(folder, "quantised", "threaded-quantised.wasm", "--threads");
});

after(() => rmSync(folder, { recursive: true }));

interface Result {
  readonly relaxed: boolean;
  readonly y: Float32Array;
  /** Of all bits of y: arrays of this size are slow to compare. */
  readonly hash: string;
}

async function run(module: string, options: LoadOptions): Promise<Result> {
  const model = await loadModel(module, options);
  const channels = Number(model.signature.inputs[0]!.shape[1]);
  const data = Float32Array.from({ length: channels * 50 * 50 }, (_, i) => 1 + 2 * Math.sin(i));
  const [y] = Object.values(await model.run({ x: { dtype: "f32", shape: [1, channels, 50, 50], data } }));
  const { relaxed } = model;
  model.dispose();
  const values = y!.data as Float32Array;
  return { relaxed, y: values, hash: createHash("sha256").update(values).digest("hex") };
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}

test("both forms agree but for rounding", async () => {
  const plain = await run(single, { relaxed: false });
  const relaxed = await run(single, { relaxed: true });
  assert.equal(plain.relaxed, false);
  assert.equal(relaxed.relaxed, true);
  const difference = largestDifference(plain.y, relaxed.y);
  assert.ok(difference > 0 && difference < 1e-5, String(difference));
});

test("workers use the same form", async () => {
  for (const relaxed of [true, false]) {
    const { hash } = await run(single, { relaxed });
    for (const threads of [1, 3]) {
      const result = await run(threaded, { relaxed, threads });
      assert.equal(result.relaxed, relaxed);
      assert.equal(result.hash, hash);
    }
  }
});

test("by default a measurement decides, once", async () => {
  const first = await run(single, {});
  assert.equal((await run(single, { relaxed: first.relaxed })).hash, first.hash);
  assert.equal((await run(single, {})).hash, first.hash);
});

test("an engine without relaxed SIMD runs the plain form", async (context) => {
  const { compile } = WebAssembly;
  context.mock.method(WebAssembly, "compile", (source: BufferSource) => {
    // Sections are such buffers, files are not.
    if (source instanceof ArrayBuffer) return Promise.reject(new WebAssembly.CompileError("relaxed SIMD"));
    return compile(source);
  });
  const { relaxed } = await run(single, { relaxed: true });
  assert.equal(relaxed, false);
});

test("products of bytes have the same bits", async (context) => {
  const plain = await run(quantised, { relaxed: false });
  assert.ok(new Set(plain.y).size > 100, "all kinds of numbers");
  for (const relaxed of [true, undefined]) {
    const result = await run(quantised, { relaxed });
    if (!result.relaxed) context.diagnostic("this engine has no exact dot products of bytes");
    assert.equal(result.hash, plain.hash);
  }
  assert.equal((await run(threadedQuantised, { relaxed: true, threads: 3 })).hash, plain.hash);
});

test("profiles show the plain form", async () => {
  assert.equal((await run(single, { relaxed: true, profile: true })).relaxed, false);
});
