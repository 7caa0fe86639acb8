// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Finds a GPU that can run a program, or says why there is none.

import { NnccError } from "../errors.js";
import type { GpuProgram } from "./program.js";

/** What the program asks of a device. */
export interface Needs {
  readonly features: readonly GPUFeatureName[];
  /** Used where the device has them. */
  readonly optional: readonly GPUFeatureName[];
  readonly limits: Readonly<Record<string, number>>;
  /** Limits of which the program takes what there is, since its sizes are open. */
  readonly most: readonly (keyof GPUSupportedLimits)[];
}

export interface OpenedDevice {
  readonly device: GPUDevice;
  /** Whether it is ours, to destroy when the model goes. */
  readonly owned: boolean;
  /** The GPU's name, as far as it tells. */
  readonly name: string;
  /** Of the device and of its WGSL. */
  readonly features: ReadonlySet<string>;
}

export function needsOf(program: GpuProgram, hasOpenSizes: boolean, profile: boolean): Needs {
  const variants = program.kernels.flatMap((kernel) => kernel.variants.flatMap((variant) => variant.features));
  return {
    features: [...program.features, ...(profile ? (["timestamp-query"] as const) : [])],
    optional: [...new Set(variants)],
    limits: program.limits,
    most: hasOpenSizes ? ["maxBufferSize", "maxStorageBufferBindingSize"] : [],
  };
}

/** A device that has what is needed: the caller's `given` or a new one. Throws `unsupported-device`. */
export async function openDevice(needs: Needs, given: GPUDevice | undefined): Promise<OpenedDevice> {
  if (given !== undefined) {
    const why = whatLacks(given, needs);
    if (why !== undefined) throw new NnccError("unsupported-device", `the device that was given ${why}`);
    return { device: given, owned: false, name: nameOf(given.adapterInfo), features: featuresOf(given) };
  }
  const adapter = await findAdapter();
  const why = whatLacks(adapter, needs);
  if (why !== undefined) throw new NnccError("unsupported-device", `the GPU ${nameOf(adapter.info)} ${why}`);
  const requiredLimits = { ...needs.limits };
  for (const limit of needs.most) requiredLimits[limit] = adapter.limits[limit] as number;
  const requiredFeatures = [...needs.features, ...needs.optional.filter((name) => adapter.features.has(name))];
  try {
    const device = await adapter.requestDevice({ label: "nncc", requiredFeatures, requiredLimits });
    adapters.set(device, adapter);
    return { device, owned: true, name: nameOf(adapter.info), features: featuresOf(device) };
  } catch (error) {
    throw NnccError.of("unsupported-device", "the GPU gives no device", error);
  }
}

function featuresOf({ features }: GPUDevice): Set<string> {
  return new Set([...features, ...(globalThis.navigator?.gpu?.wgslLanguageFeatures ?? [])]);
}

/** The npm package webgpu crashes when an adapter is collected before its device. */
const adapters = new WeakMap<GPUDevice, GPUAdapter>();

async function findAdapter(): Promise<GPUAdapter> {
  const gpu = (globalThis.navigator as Navigator | undefined)?.gpu as GPU | undefined;
  if (gpu === undefined) {
    const why = globalThis.isSecureContext === false ? ": the page needs https or localhost" : "";
    throw new NnccError("unsupported-device", `no WebGPU here (navigator.gpu)${why}`);
  }
  try {
    const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
    if (adapter !== null) return adapter;
  } catch (error) {
    throw NnccError.of("unsupported-device", "WebGPU does not work here", error);
  }
  throw new NnccError("unsupported-device", "WebGPU finds no GPU");
}

function whatLacks(gpu: GPUAdapter | GPUDevice, needs: Needs): string | undefined {
  const missing = needs.features.filter((name) => !gpu.features.has(name));
  if (missing.length > 0) return `has no ${missing.join(", ")}`;
  for (const [name, value] of Object.entries(needs.limits)) {
    const has = gpu.limits[name as keyof GPUSupportedLimits] as number | undefined;
    if (has === undefined || has < value) return `has ${name} ${has ?? "unknown"}, the model needs ${value}`;
  }
  return undefined;
}

function nameOf(info: GPUAdapterInfo | undefined): string {
  return info?.description || [info?.vendor, info?.architecture].filter(Boolean).join(" ") || "of unknown name";
}
