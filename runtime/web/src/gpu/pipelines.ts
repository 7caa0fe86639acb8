// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The pipelines of a program: all that can be compiled before the sizes are known.

import { NnccError, messageOf } from "../errors.js";
import type { GpuKernel, GpuProgram, Space, Variant } from "./program.js";

const BUFFER_TYPES: Readonly<Record<Space, GPUBufferBindingType>> = {
  // The arena is written somewhere in nearly every dispatch, and a buffer may
  // not be bound for reading and for writing in one.
  arena: "storage",
  input: "read-only-storage",
  weight: "read-only-storage",
  symbols: "uniform",
};

export interface CompiledKernel {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** Compiles all kernels at once. Throws `gpu-error` with the kernel and its ONNX nodes. */
export function compileKernels(
  device: GPUDevice, features: ReadonlySet<string>, program: GpuProgram,
): Promise<CompiledKernel[]> {
  // Kernels of one interface share a layout, so that bind groups fit them all.
  const layouts = new Map<string, GPUBindGroupLayout>();
  const layoutOf = ({ bindings }: GpuKernel): GPUBindGroupLayout => {
    const key = bindings.join();
    const layout = layouts.get(key) ?? makeLayout(device, bindings);
    layouts.set(key, layout);
    return layout;
  };
  return Promise.all(program.kernels.map(async (kernel) => {
    const layout = layoutOf(kernel);
    const pipeline = await compileKernel(device, kernel, chooseVariant(kernel, features), layout);
    return { pipeline, layout };
  }));
}

function makeLayout(device: GPUDevice, bindings: readonly Space[]): GPUBindGroupLayout {
  const entries = bindings.map((space, binding) => ({
    binding,
    visibility: GPUShaderStage.COMPUTE,
    buffer: { type: BUFFER_TYPES[space] },
  }));
  return device.createBindGroupLayout({ label: bindings.join(" "), entries });
}

function chooseVariant(kernel: GpuKernel, features: ReadonlySet<string>): Variant {
  const variant = kernel.variants.find((candidate) => candidate.features.every((name) => features.has(name)));
  if (variant === undefined) {
    throw new NnccError("unsupported-device", `no code for this GPU of ${describeKernel(kernel)}`);
  }
  return variant;
}

async function compileKernel(
  device: GPUDevice, kernel: GpuKernel, { code }: Variant, layout: GPUBindGroupLayout,
): Promise<GPUComputePipeline> {
  const label = kernel.name;
  // What is wrong with it comes with the pipeline.
  device.pushErrorScope("validation");
  const module = device.createShaderModule({ label, code });
  device.popErrorScope().catch(() => undefined);
  try {
    return await device.createComputePipelineAsync({
      label,
      layout: device.createPipelineLayout({ label, bindGroupLayouts: [layout] }),
      compute: { module, entryPoint: kernel.name },
    });
  } catch (error) {
    const { messages } = await module.getCompilationInfo();
    const texts = messages.map(({ lineNum, message }) => `line ${lineNum}: ${message}`);
    const why = [messageOf(error).trim(), ...texts].join("; ");
    throw new NnccError("gpu-error", `the GPU does not accept ${describeKernel(kernel)}: ${why}`, { cause: error });
  }
}

/** `kernel 'conv_3' of the ONNX nodes 'a', 'b'`, for messages. */
export function describeKernel({ name, nodes }: GpuKernel): string {
  return `kernel '${name}' of the ONNX nodes ${nodes.map((node) => `'${node}'`).join(", ") || "(none)"}`;
}
