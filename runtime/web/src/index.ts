// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/**
 * Loads and runs WebAssembly modules compiled by nncc, in a browser or in Node.
 *
 *     const model = await loadModel("model.wasm");
 *     const { y } = await model.run({ x: new Float32Array(784) });
 *
 * @module
 */

export { zeros, type Inputs, type PlainInput, type PlainInputs } from "./bind.js";
export { NnccError, messageOf, type NnccErrorCode } from "./errors.js";
export { fromBFloat16, fromHalf, toHalf, toNumbers } from "./half.js";
export type { GpuInput, GpuTensor } from "./gpu/tensor.js";
export type { ImageInput, Picture } from "./image.js";
export { loadModel, type LoadOptions } from "./load.js";
export { Model } from "./model.js";
export type { IntoOptions, RunOptions, RunOutput } from "./outputs.js";
export { Handle, type PackedFunction, type PackedValue } from "./packed-values.js";
export type { Attributes, HostFunctions, ModuleFunction, OperatorFunction } from "./packed.js";
export type { Amount, KernelCall, KernelInfo, KernelTable, Profiler } from "./profile.js";
export { parseSignature, signatureOf } from "./signature.js";
export type { Dim, Signature, SymbolInfo, TensorType } from "./signature.js";
export type { RelaxedOptions } from "./relaxed.js";
export { Stream, type StatePairs, type StreamOptions } from "./state.js";
export type { Progress, Source } from "./source.js";
export type { Threading, ThreadOptions } from "./threads.js";
export { arrayClass, bytesPerElement, elementCount, isDType, makeTensor, typeText } from "./tensor.js";
export type { DType, Tensor, TypedArray } from "./tensor.js";
