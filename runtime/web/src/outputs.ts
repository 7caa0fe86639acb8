// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Where the outputs of a run go.

import { NnccError } from "./errors.js";
import type { GpuTensor } from "./gpu/tensor.js";
import type { Signature } from "./signature.js";
import { arrayClass, checkData, type DType, type Tensor, type TypedArray } from "./tensor.js";

export type RunOutput = Tensor | GpuTensor;

/** The caller's memory for so many elements of an output. Throws `wrong-shape` when it is too small. */
export type Room = (count: number) => TypedArray;

/** Where an output goes: into the caller's memory, or it stays on the GPU. */
export type Place = Room | "gpu";

export interface IntoOptions {
  /**
   * Arrays that take the outputs of these names, instead of new ones: what an earlier
   * run returned, or arrays as large as the outputs or larger. They may be inputs of
   * the run, but must not overlap each other.
   */
  readonly into?: Readonly<Record<string, RunOutput | TypedArray>> | undefined;
}

export interface RunOptions extends IntoOptions {
  /** Outputs that stay on the GPU: all, or those that are named. The caller destroys them. */
  readonly keep?: "gpu" | readonly string[];
}

/** Places by the order of the signature. Throws `unknown-output` and `wrong-dtype`. */
export function placesOf({ outputs }: Signature, { keep = [], into = {} }: RunOptions): Place[] {
  const kept = keep === "gpu" ? outputs.map(({ name }) => name) : keep;
  for (const name of [...kept, ...Object.keys(into)]) {
    if (outputs.some((output) => output.name === name)) continue;
    throw new NnccError("unknown-output", `the model has no output '${name}'`);
  }
  return outputs.map(({ name, dtype }) => {
    if (kept.includes(name)) return "gpu";
    return Object.hasOwn(into, name) ? roomIn(into[name]!, dtype, `into: output '${name}'`) : newRoom(dtype);
  });
}

/** The same where nothing stays on the GPU. */
export function roomsOf(signature: Signature, { into }: IntoOptions): Room[] {
  return placesOf(signature, { into }) as Room[];
}

/** An array of its own. */
export function newRoom(dtype: DType): Room {
  return (count) => new (arrayClass(dtype))(count);
}

function roomIn(given: RunOutput | TypedArray, dtype: DType, where: string): Room {
  const array = (given as Tensor | undefined)?.data ?? (given as TypedArray);
  checkData(dtype, array, where);
  // Only the run tells how many elements there are, and who else has the array may detach it until then.
  return (count) => {
    if (array.length === count) return array;
    if (array.length > count) return array.subarray(0, count);
    throw new NnccError("wrong-shape", `${where} has ${count} elements, the array holds ${array.length}`);
  };
}
