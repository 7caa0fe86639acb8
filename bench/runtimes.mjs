// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The two runtimes on the CPU, one thread each, and the inputs of a network.

import { readFileSync } from "node:fs";
import { arrayClass, loadModel, makeTensor } from "nncc";

const ORT_TYPES = {
  f32: "float32", f64: "float64", i8: "int8", u8: "uint8", i16: "int16", u16: "uint16",
  i32: "int32", u32: "uint32", i64: "int64", u64: "uint64", bool: "bool",
};

/** `path`: a list [{name, dtype, shape, file}], the files raw. */
export function readInputs(path) {
  return JSON.parse(readFileSync(path, "utf8")).map((input) => {
    const bytes = Uint8Array.from(readFileSync(input.file));
    return { ...input, data: new (arrayClass(input.dtype))(bytes.buffer) };
  });
}

function named(inputs, convert) {
  return Object.fromEntries(inputs.map((input) => [input.name, convert(input)]));
}

async function openNncc(path, inputs) {
  const model = await loadModel(path);
  const tensors = named(inputs, ({ dtype, shape, data }) => makeTensor(dtype, shape, data));
  return { run: () => model.runSync(tensors), flops: model.signature.flops };
}

/** What opens a network in either runtime, which is imported now, and gives what runs it. */
export const importRuntime = {
  nncc: async () => openNncc,
  ort: async () => {
    const ort = await import("onnxruntime-web");
    ort.env.wasm.numThreads = 1;
    ort.env.logLevel = "error";
    return async (path, inputs) => {
      const session = await ort.InferenceSession.create(readFileSync(path), {
        executionProviders: ["wasm"], graphOptimizationLevel: "all", logSeverityLevel: 3,
      });
      const feeds = named(inputs, ({ dtype, shape, data }) => new ort.Tensor(ORT_TYPES[dtype], data, shape));
      return { run: () => session.run(feeds) };
    };
  },
};
