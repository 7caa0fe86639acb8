// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What main.js and page.html have in common: files in, lines of bits out.

import { Model } from "./model.js";

/**
 * Runs the module on one file of f32 numbers for each input, in order; open
 * sizes are 1. Gives a line for each output (README.md).
 * @param {BufferSource} module
 * @param {ArrayBuffer[]} files
 */
export async function runOnFiles(module, files) {
  const model = await Model.load(module);
  if (files.length !== model.inputs.length) throw new RangeError(`the model has ${model.inputs.length} inputs`);
  const inputs = model.inputs.map(({ name, shape }, i) => {
    const sizes = shape.map((size) => (typeof size === "string" ? 1 : size));
    return [name, { shape: sizes, data: new Float32Array(files[i] ?? []) }];
  });
  return Object.entries(model.run(Object.fromEntries(inputs))).map(([name, { shape, data }]) => {
    const words = new Uint32Array(data.buffer, data.byteOffset, data.length);
    const bits = Array.from(words, (word) => word.toString(16).padStart(8, "0"));
    return [name, shape.join("x") || "scalar", ...bits].join(" ");
  });
}
