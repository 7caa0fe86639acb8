// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Matches what the caller gave with what the signature wants.

import { NnccError } from "./errors.js";
import type { GpuInput } from "./gpu/tensor.js";
import type { ImageInput } from "./image.js";
import type { Dim, Signature, TensorType } from "./signature.js";
import { arrayClass, checkData, checkElements, elementCount, typeText } from "./tensor.js";
import type { Tensor, TypedArray } from "./tensor.js";

/**
 * Numbers for an input. A bare array is enough where the shape follows from
 * the signature, a bare GPUBuffer where the signature has all sizes.
 */
export type PlainInput = Tensor | TypedArray | GpuInput | GPUBuffer;

/** Inputs by name; run() takes pictures too. */
export type PlainInputs = Readonly<Record<string, PlainInput>>;
export type Inputs = Readonly<Record<string, PlainInput | ImageInput | ImageBitmap | VideoFrame>>;

/** An input with its shape. */
export type BoundInput = Tensor | GpuInput;

type Symbols = Map<string, { value: number; input: string }>;

/**
 * The inputs as tensors in the order of the signature. Throws `unknown-input`,
 * `missing-input`, `wrong-dtype` and `wrong-shape`, each naming the input.
 */
export function bindInputs(signature: Signature, inputs: PlainInputs): BoundInput[] {
  const known = signature.inputs.map((input) => input.name);
  for (const name of Object.keys(inputs)) {
    if (!known.includes(name)) {
      throw new NnccError("unknown-input", `the model has no input '${name}'; it has ${quoted(known)}`);
    }
  }
  const symbols: Symbols = new Map();
  const given = signature.inputs.map((type) => {
    const value = Object.hasOwn(inputs, type.name) ? inputs[type.name] : undefined;
    if (value === undefined || value === null) {
      throw new NnccError("missing-input", `input '${type.name}' ${typeText(type.dtype, type.shape)} was not given`);
    }
    return { type, value };
  });
  // Tensors first: the sizes that they fix help to shape the bare arrays.
  for (const { type, value } of given) if (isBound(value)) checkTensor(type, value, symbols, signature);
  return given.map(({ type, value }) => {
    if (isBound(value)) return value;
    const tensor = shaped(type, value, symbols);
    checkTensor(type, tensor, symbols, signature);
    return tensor;
  });
}

function isBound(value: PlainInput): value is BoundInput {
  return !ArrayBuffer.isView(value) && "shape" in value;
}

/** A bare array or buffer with the shape that the signature gives it. */
function shaped(type: TensorType, value: TypedArray | GPUBuffer, symbols: Symbols): BoundInput {
  const { dtype } = type;
  if (ArrayBuffer.isView(value)) {
    checkData(dtype, value, `input '${type.name}'`);
    return { dtype, shape: deduceShape(type, value.length, symbols), data: value };
  }
  const shape = knownSizes(type, symbols);
  if (!shape.every((dim) => dim !== undefined)) {
    const hint = "give { dtype, shape, buffer }";
    throw new NnccError("wrong-shape", `input '${type.name}' ${typeText(dtype, type.shape)} has open sizes: ${hint}`);
  }
  return { dtype, shape, buffer: value };
}

function checkTensor(type: TensorType, tensor: BoundInput, symbols: Symbols, signature: Signature): void {
  const where = `input '${type.name}'`;
  if (tensor.dtype !== type.dtype) {
    throw new NnccError("wrong-dtype", `${where}: the model wants ${type.dtype}, not ${tensor.dtype}`);
  }
  if ("data" in tensor) checkElements(tensor.dtype, tensor.shape, tensor.data, where);
  if (tensor.shape.length !== type.shape.length) {
    throw shapeError(type, tensor.shape, `rank ${type.shape.length} is needed`);
  }
  type.shape.forEach((dim, i) => checkDim(type, tensor.shape, i, dim, symbols, signature));
}

function checkDim(
  type: TensorType, shape: readonly number[], index: number, dim: Dim, symbols: Symbols, signature: Signature,
): void {
  const size = shape[index]!;
  if (typeof dim === "number") {
    if (size !== dim) throw shapeError(type, shape, `dimension ${index} must be ${dim}`);
    return;
  }
  // What is not a plain symbol is an expression; the module checks those.
  const symbol = signature.symbols.find((candidate) => candidate.name === dim);
  if (symbol === undefined) return;
  const bound = symbols.get(dim);
  if (bound !== undefined && bound.value !== size) {
    throw shapeError(type, shape, `'${dim}' is ${size} here but ${bound.value} in input '${bound.input}'`);
  }
  if (!(size >= symbol.min) || size % 1 || (symbol.max !== null && size > symbol.max)) {
    const reason = symbol.node && ` for node '${symbol.node}'`;
    throw shapeError(type, shape, `'${dim}' must be within ${symbol.min}..${symbol.max ?? ""}${reason}`);
  }
  symbols.set(dim, { value: size, input: type.name });
}

function knownSizes({ shape }: TensorType, symbols: Symbols): (number | undefined)[] {
  return shape.map((dim) => (typeof dim === "number" ? dim : symbols.get(dim)?.value));
}

/** The shape of `count` elements, with at most one size left open by the signature. */
function deduceShape(type: TensorType, count: number, symbols: Symbols): number[] {
  const shape = knownSizes(type, symbols);
  const rest = elementCount(shape.map((dim) => dim ?? 1));
  const open = shape.filter((dim) => dim === undefined).length;
  if (open > 1 || (open === 1 && (rest === 0 || count % rest !== 0)) || (open === 0 && rest !== count)) {
    const hint = open > 1 ? "; give a tensor with its shape" : "";
    throw new NnccError(
      "wrong-shape",
      `input '${type.name}': ${count} elements do not fit ${typeText(type.dtype, type.shape)}${hint}`,
    );
  }
  return shape.map((dim) => dim ?? count / rest);
}

function shapeError(type: TensorType, shape: readonly number[], why: string): NnccError {
  return new NnccError(
    "wrong-shape",
    `input '${type.name}': the model wants ${typeText(type.dtype, type.shape)}, not [${shape.join(",")}]: ${why}`,
  );
}

function quoted(names: readonly string[]): string {
  return names.length === 0 ? "none" : names.map((name) => `'${name}'`).join(", ");
}

/** An array of zeros for `type`, its open sizes taken from `sizes` or else 1. */
export function zeros(type: TensorType, sizes: Readonly<Record<string, number>> = {}): Tensor {
  const shape = type.shape.map((dim) => (typeof dim === "number" ? dim : (sizes[dim] ?? 1)));
  return { dtype: type.dtype, shape, data: new (arrayClass(type.dtype))(elementCount(shape)) };
}
