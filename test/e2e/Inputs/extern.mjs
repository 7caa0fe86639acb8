// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Serves the operators of test_extern.py: extern.mjs model.wasm prints what came of it.

import { readFile } from "node:fs/promises";
import { loadModel } from "nncc";
import operators from "./functions.mjs";

const module = await readFile(process.argv[2]);
const inputs = {
  x: { dtype: "f32", shape: [3, 4], data: Float32Array.from({ length: 12 }, (_, i) => i) },
  by: { dtype: "i64", shape: [], data: BigInt64Array.of(2n) },
};
const answer = {};

async function failureOf(changed) {
  try {
    const functions = { ...operators, ...changed };
    const model = await loadModel(module, { functions });
    changed.model = model;
    await model.run(inputs);
  } catch (error) {
    return error;
  }
}

const scale = (x, attributes) => {
  answer.attributes = attributes;
  return operators["my.domain::Scale"](x, attributes);
};
const model = await loadModel(module, { functions: { ...operators, "my.domain::Scale": scale } });
const { y, m } = await model.run(inputs);
answer.y = [...y.data];
answer.m = [...m.data].map(Number);

// The network itself is a function too: outputs are given as tensors to fill.
const main = model.function("main");
const room = { y: { ...y, data: new Float32Array(12) }, m: { ...m, data: new BigInt64Array(9) } };
main(inputs.x, inputs.by, room.y, room.m);
answer.again = [...(await model.run(inputs)).y.data];
main.dispose();

const missing = await failureOf({ "my.domain::DivMod": undefined });
answer.missing = `${missing.code}: ${missing.message}`;
const thrown = await failureOf({ "my.domain::Scale": () => { throw new RangeError("no such scale"); } });
answer.thrown = thrown.message;
answer.cause = thrown.cause.message;
const shape = await failureOf({ "my.domain::Scale": (x) => ({ ...x, shape: [4, 1], data: x.data.slice(0, 4) }) });
answer.shape = shape.message;
const nested = {};
nested["my.domain::Scale"] = () => nested.model.runSync(inputs).y;
answer.nested = (await failureOf(nested)).message;
console.log(JSON.stringify(answer));
