// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The commands of one choice of sizes as WebGPU objects: a run only encodes them.

import { NnccError } from "../errors.js";
import { checked, submit } from "./buffers.js";
import { describeKernel, type CompiledKernel } from "./pipelines.js";
import type { GpuProgram } from "./program.js";
import { dispatchesOf, type CommandStream, type Dispatch } from "./stream.js";
import type { Workspace } from "./workspace.js";

interface Step {
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly x: number;
  readonly y: number;
}

/** Gives each dispatch a pass of its own, to take its time. */
export interface PassTimer {
  passOf(dispatch: number): GPUComputePassDescriptor;
}

export class Recording {
  readonly #device: GPUDevice;
  readonly #stream: CommandStream;
  #symbols: GPUBuffer | undefined;
  #submits: Step[][] = [];
  #generation = -1;

  constructor(device: GPUDevice, stream: CommandStream) {
    this.#device = device;
    this.#stream = stream;
  }

  /** Makes the buffers that are not the workspace's. */
  makeBuffers(): void {
    this.#symbols ??= makeSymbols(this.#device, this.#stream.symbols);
  }

  /** Whether the bind groups are those of the workspace's buffers. */
  fits(workspace: Workspace): boolean {
    return this.#generation === workspace.generation;
  }

  /** Makes the bind groups anew. */
  bind(workspace: Workspace, kernels: readonly CompiledKernel[]): void {
    this.#submits = this.#stream.submits.map(({ dispatches }) =>
      dispatches.map((dispatch) => this.#bindDispatch(dispatch, workspace, kernels)));
    this.#generation = workspace.generation;
  }

  /** Throws for the first dispatch that the device refuses, with the kernel's name. */
  async findFault(workspace: Workspace, kernels: readonly CompiledKernel[], program: GpuProgram): Promise<void> {
    for (const dispatch of dispatchesOf(this.#stream)) {
      const what = describeKernel(program.kernels[dispatch.kernel]!);
      await checked(this.#device, what, () => this.#bindDispatch(dispatch, workspace, kernels));
    }
  }

  /** Submits everything, with the data of `stream`; `before` and `after` add copies at the two ends. */
  submit(
    { submits }: CommandStream, workspace: Workspace,
    before: (encoder: GPUCommandEncoder) => void, after: (encoder: GPUCommandEncoder) => void,
    timer: PassTimer | undefined,
  ): void {
    let dispatched = 0;
    this.#submits.forEach((steps, i) => {
      for (const write of submits[i]!.writes) workspace.write(write);
      submit(this.#device, (encoder) => {
        if (i === 0) before(encoder);
        if (timer === undefined) encodePass(encoder, steps);
        else for (const step of steps) encodePass(encoder, [step], timer.passOf(dispatched++));
        if (i === this.#submits.length - 1) after(encoder);
      });
    });
  }

  destroy(): void {
    this.#symbols?.destroy();
  }

  #bindDispatch(
    { kernel: index, x, y, bindings }: Dispatch, workspace: Workspace, kernels: readonly CompiledKernel[],
  ): Step {
    const kernel = kernels[index];
    if (kernel === undefined) throw new NnccError("run-failed", `the commands name kernel ${index}, which is not there`);
    const entries = bindings.map((range, binding) =>
      ({ binding, resource: workspace.bindingOf(range, binding, this.#symbols) }));
    const group = this.#device.createBindGroup({ label: kernel.pipeline.label, layout: kernel.layout, entries });
    return { pipeline: kernel.pipeline, group, x, y };
  }
}

function encodePass(encoder: GPUCommandEncoder, steps: readonly Step[], descriptor?: GPUComputePassDescriptor): void {
  const pass = encoder.beginComputePass(descriptor);
  let current: GPUComputePipeline | undefined;
  for (const { pipeline, group, x, y } of steps) {
    if (pipeline !== current) pass.setPipeline((current = pipeline));
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(x, y);
  }
  pass.end();
}

/** Whole vec4s, as uniform buffers are read. */
function makeSymbols(device: GPUDevice, symbols: Uint32Array<ArrayBuffer>): GPUBuffer {
  const size = 16 * Math.max(1, Math.ceil(symbols.length / 4));
  const buffer = device.createBuffer({ label: "symbols", size, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST });
  device.queue.writeBuffer(buffer, 0, symbols);
  return buffer;
}
