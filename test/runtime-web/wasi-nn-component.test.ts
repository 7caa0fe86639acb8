// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The host of components, called as what jco makes calls it.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { loadModel } from "nncc";
import { createWasiNNInterfaces } from "nncc/wasi-nn/component";
import { makeModule, signature } from "./fixture.ts";

const onnx = Uint8Array.of(1, 2, 3);
const sha256 = createHash("sha256").update(onnx).digest("hex");
const demo = await loadModel(makeModule({ ...signature, source: { name: "affine", sha256 } }));
const interfaces = createWasiNNInterfaces({ models: { demo } });
const { load, loadByName } = interfaces["wasi:nn/graph"];
const { Tensor } = interfaces["wasi:nn/tensor"];
const { Error: NNError } = interfaces["wasi:nn/errors"];

const pair = () => new Tensor(Uint32Array.of(1, 2), "FP32", new Uint8Array(Float32Array.of(1, 2).buffer));
const floats = (bytes: Uint8Array) => [...new Float32Array(Uint8Array.from(bytes).buffer)];

/** Whether a call ends in an error resource of this code. */
function refuses(code: string, call: () => unknown, text = /./): void {
  assert.throws(call, (error: unknown) => {
    // What is a JavaScript error would end the guest.
    assert.ok(error instanceof NNError && !(error instanceof Error));
    assert.equal(error.code(), code);
    assert.match(error.data(), text);
    return true;
  });
}

test("inputs go by name or number, and all outputs come back", () => {
  const context = loadByName("demo").initExecutionContext();
  for (const name of ["x", "0"]) {
    const [[first, y], [second, mask]] = context.compute([[name, pair()]])!;
    assert.deepEqual([first, second], ["y", "mask"]);
    assert.deepEqual([y!.ty(), [...y!.dimensions()], floats(y!.data())], ["FP32", [1, 2], [12, 24]]);
    assert.deepEqual([mask!.ty(), [...mask!.data()]], ["U8", [1, 1]]);
  }
});

test("the older edition has a call for each tensor", () => {
  const context = loadByName("demo").initExecutionContext();
  refuses("runtime-error", () => context.compute(), /was not set/);
  context.setInput("x", pair());
  assert.equal(context.compute(), undefined);
  assert.deepEqual(floats(context.getOutput("0").data()), [12, 24]);
});

test("a model is also found by the ONNX file that it was compiled from", () => {
  assert.ok(load([onnx.subarray(0, 1), onnx.subarray(1)], "onnx", "cpu").initExecutionContext());
  refuses("invalid-encoding", () => load([onnx.subarray(1)], "autodetect", "cpu"));
  refuses("invalid-encoding", () => load([onnx], "openvino", "cpu"));
  refuses("unsupported-operation", () => load([onnx], "onnx", "gpu"));
  const others = createWasiNNInterfaces({ models: { demo }, substitute: "demo" });
  assert.ok(others["wasi:nn/graph"].load([onnx, onnx], "openvino", "cpu").initExecutionContext());
});

test("errors are resources", () => {
  refuses("not-found", () => loadByName("other"), /'other'/);
  const context = loadByName("demo").initExecutionContext();
  refuses("invalid-argument", () => context.compute([["z", pair()]]), /no input 'z'/);
  refuses("invalid-argument", () => context.compute([["1", pair()]]));
  refuses("invalid-argument", () => context.compute([["x", new Tensor(Uint32Array.of(1, 2), "I32", new Uint8Array(8))]]));
  refuses("runtime-error", () => context.compute([]), /'x' was not set/);
  assert.ok(context.compute([["x", pair()]]));
});

test("417 tensors are refused and do no harm", () => {
  const context = loadByName("demo").initExecutionContext();
  const shapes = [[1, 2], [1], [2], [1, 1], [1, 3], [2, 2], [0, 2], [1, 2, 1], [], [0xffffffff, 2], [0x80000001, 2], [1, 0x80000002]];
  let refused = 0;
  for (const shape of shapes) {
    for (const type of ["FP16", "FP32", "FP64", "BF16", "U8", "I32", "I64"] as const) {
      for (const bytes of [0, 4, 7, 8, 16]) {
        const isSound = type === "FP32" && shape.length === 2 && shape[1] === 2 && bytes === 8 * shape[0]!;
        const tensor = new Tensor(Uint32Array.from(shape), type, new Uint8Array(bytes));
        if (isSound) continue;
        refuses("invalid-argument", () => context.compute([["x", tensor]]));
        ++refused;
      }
    }
    assert.deepEqual(floats(context.compute([["x", pair()]])![0]![1].data()), [12, 24]);
  }
  assert.equal(refused, 417);
});
