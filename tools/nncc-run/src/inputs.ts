// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { arrayClass, bytesPerElement, elementCount, messageOf, typeText, zeros } from "nncc";
import type { Signature, Tensor, TensorType } from "nncc";
import { UserError } from "./errors.js";
import { isNpy, readNpy } from "./npy.js";
import { readTensorProto } from "./tensorproto.js";

/** Inputs by `NAME=FILE` arguments; the name may be left out when there is one input. */
export function inputsFromArguments(args: readonly string[], signature: Signature): Record<string, Tensor> {
  const inputs: Record<string, Tensor> = {};
  for (const arg of args) {
    const { type, file } = splitArgument(arg, signature);
    if (Object.hasOwn(inputs, type.name)) throw new UserError(`input '${type.name}' is given twice`);
    inputs[type.name] = readTensor(file, type);
  }
  return inputs;
}

function splitArgument(arg: string, signature: Signature): { type: TensorType; file: string } {
  // Names may hold '=' too, so look for the names that there are.
  const type = signature.inputs.find((input) => arg.startsWith(`${input.name}=`));
  if (type !== undefined) return { type, file: arg.slice(type.name.length + 1) };
  const [only] = signature.inputs;
  if (signature.inputs.length === 1 && (!arg.includes("=") || existsSync(arg))) return { type: only!, file: arg };
  const names = signature.inputs.map((input) => `'${input.name}'`).join(", ") || "none";
  if (!arg.includes("=")) throw new UserError(`--input ${arg}: write NAME=FILE; the model's inputs: ${names}`);
  throw new UserError(`the model has no input '${arg.slice(0, arg.indexOf("="))}'; it has ${names}`);
}

/** input_0.pb, input_1.pb, ... of a test data folder, in the order of the signature. */
export function inputsFromFolder(folder: string, signature: Signature): Record<string, Tensor> {
  if (!existsSync(folder)) throw new UserError(`${folder}: there is no such folder`);
  const entries = signature.inputs.map((type, i) => {
    const tensor = readTensor(join(folder, `input_${i}.pb`), type);
    return [type.name, isWrappedScalar(tensor, type) ? { ...tensor, shape: [] } : tensor];
  });
  return Object.fromEntries(entries) as Record<string, Tensor>;
}

/** Recorded data often holds a vector of one element for an input that is declared a scalar. */
function isWrappedScalar(tensor: Tensor, type: TensorType): boolean {
  return type.shape.length === 0 && elementCount(tensor.shape) === 1;
}

/** The expected outputs of a test data folder; undefined where a file is missing. */
export function expectedFromFolder(folder: string, signature: Signature): (Tensor | undefined)[] {
  const expected = signature.outputs.map((_, i) => {
    const file = join(folder, `output_${i}.pb`);
    return existsSync(file) ? readTensor(file) : undefined;
  });
  if (!expected.some((tensor) => tensor !== undefined)) {
    throw new UserError(`${folder}: there is no output_0.pb to compare with`);
  }
  return expected;
}

/** A tensor from an .npy file, a TensorProto or, when its `type` is known, raw bytes. */
function readTensor(file: string, type?: TensorType): Tensor {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new UserError(`cannot read ${file}: ${messageOf(error)}`);
  }
  try {
    if (isNpy(bytes)) return readNpy(bytes);
    if (file.endsWith(".npy")) throw new UserError("not an .npy file");
    if (file.endsWith(".pb") || type === undefined) return readTensorProto(bytes).tensor;
    return readRaw(bytes, type);
  } catch (error) {
    if (error instanceof UserError) throw new UserError(`${file}: ${error.message}`);
    throw error;
  }
}

function readRaw(bytes: Uint8Array, type: TensorType): Tensor {
  const open = type.shape.filter((dim) => typeof dim !== "number").length;
  const known = elementCount(type.shape.map((dim) => (typeof dim === "number" ? dim : 1)));
  const count = bytes.length / bytesPerElement(type.dtype);
  const rest = count / known;
  if (open > 1 || !Number.isInteger(count) || !Number.isInteger(rest) || (open === 0 && rest !== 1)) {
    throw new UserError(`${bytes.length} raw bytes do not fit ${typeText(type.dtype, type.shape)}`);
  }
  const shape = type.shape.map((dim) => (typeof dim === "number" ? dim : rest));
  return { dtype: type.dtype, shape, data: new (arrayClass(type.dtype))(new Uint8Array(bytes).buffer) };
}

/** Seeded inputs for measuring: floats within -1 and 1, zeros for the rest, open sizes 1. */
export function madeUpInputs(signature: Signature): Record<string, Tensor> {
  let state = 1;
  const sizes = Object.fromEntries(signature.symbols.map((symbol) => [symbol.name, Math.max(symbol.min, 1)]));
  const entries = signature.inputs.map((type) => {
    const tensor = zeros(type, sizes);
    if (tensor.data instanceof Float32Array || tensor.data instanceof Float64Array) {
      for (let i = 0; i < tensor.data.length; ++i) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        tensor.data[i] = state / 2 ** 31 - 1;
      }
    }
    return [type.name, tensor];
  });
  return Object.fromEntries(entries) as Record<string, Tensor>;
}
