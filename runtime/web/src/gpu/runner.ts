// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Runs a model on a GPU, and on the next one when that is lost.

import type { CallFrame } from "../abi.js";
import type { BoundInput } from "../bind.js";
import { NnccError, profilingPart } from "../errors.js";
import type { Place, RunOutput } from "../outputs.js";
import type { GpuProfiler } from "../profile/gpu-profiler.js";
import type { Runner } from "../runner.js";
import type { Signature, TensorType } from "../signature.js";
import { elementCount, typeText, type DType } from "../tensor.js";
import { storageBytes, toStorage } from "./convert.js";
import { openDevice, type Needs } from "./device.js";
import type { GpuProgram, Storage } from "./program.js";
import { Session, type Plan, type Segment } from "./session.js";
import { readStream, type HostRead } from "./stream.js";
import { GpuTensor, type GpuInput } from "./tensor.js";
import type { Upload, WeightBytes } from "./workspace.js";

/** What a runner needs of its model. */
export interface GpuModel {
  readonly signature: Signature;
  readonly program: GpuProgram;
  readonly needs: Needs;
  readonly memory: WebAssembly.Memory;
  readonly frame: CallFrame;
  readonly weights: Promise<WeightBytes>;
  /** The caller's own. */
  readonly device: GPUDevice | undefined;
  /** Whether a run is repeated when the device is lost. */
  readonly retry: boolean;
  readonly profile: boolean;
}

/** Choices of sizes whose commands are kept. */
const MOST_PLANS = 64;

export class GpuRunner implements Runner {
  readonly device = "gpu";
  readonly profiler: GpuProfiler | undefined;
  readonly #model: GpuModel;
  readonly #plans = new Map<string, Plan>();
  #session: Session;
  #busy = false;
  #disposed = false;

  private constructor(model: GpuModel, session: Session, profiler: GpuProfiler | undefined) {
    this.#model = model;
    this.#session = session;
    this.profiler = profiler;
  }

  /** Throws `unsupported-device`, `gpu-error`, `out-of-memory`. */
  static async open(model: GpuModel): Promise<GpuRunner> {
    const profiling = model.profile ? await profilingPart(import("../profile/gpu-profiler.js")) : undefined;
    return new GpuRunner(model, await openSession(model), profiling && new profiling.GpuProfiler(model.program));
  }

  get gpu(): GPUDevice {
    return this.#session.device;
  }

  get memoryBytes(): number {
    return this.#model.memory.buffer.byteLength + this.#session.bytes;
  }

  /** Throws `busy`, `out-of-range`, `wrong-device`, `wrong-shape` and what Session.run does. */
  async run(inputs: readonly BoundInput[], places: readonly Place[]): Promise<RunOutput[]> {
    if (this.#busy) {
      throw new NnccError("busy", "the model is running: await that run, or load the model twice");
    }
    this.#busy = true;
    try {
      if (this.#session.isLost) await this.#renew();
      const uploads = inputs.map((input, i) => this.#uploadOf(i, input));
      // Each try begins with the first segment.
      const start = (): Promise<RunOutput[]> =>
        this.#session.run({ plan: this.#planFor(inputs), uploads, places, resume: this.#resume, profiler: this.profiler });
      return await this.#runWithRetry(start, uploads.every(ArrayBuffer.isView));
    } finally {
      this.#busy = false;
    }
  }

  dispose(): void {
    this.#disposed = true;
    this.#plans.clear();
    this.#session.destroy();
  }

  async #runWithRetry(start: () => Promise<RunOutput[]>, hasInputs: boolean): Promise<RunOutput[]> {
    try {
      return await start();
    } catch (error) {
      if (this.#disposed) throw new NnccError("disposed", "the model was disposed of in the run", { cause: error });
      const lost = error instanceof NnccError && error.code === "device-lost";
      // What was on the GPU is gone with it.
      if (!lost || !this.#model.retry || !hasInputs) throw error;
      await this.#renew();
      return start();
    }
  }

  /** Everything again on another device. Throws `unsupported-device` where there is none. */
  async #renew(): Promise<void> {
    if (this.#model.device !== undefined) {
      throw new NnccError("device-lost", "the given device was lost: load the model with a new one");
    }
    this.#session.destroy();
    try {
      this.#session = await openSession(this.#model);
    } catch (error) {
      throw NnccError.of("unsupported-device", "the GPU was lost and there is no other", error);
    }
    if (this.#disposed) this.#session.destroy();
  }

  #planFor(inputs: readonly BoundInput[]): Plan {
    const key = inputs.map(({ shape }) => shape.join()).join(";");
    let plan = this.#plans.get(key);
    if (plan === undefined) {
      plan = this.#makePlan(inputs);
      if (this.#plans.size >= MOST_PLANS) this.#plans.delete(this.#plans.keys().next().value!);
      // The module goes on from the plan that it made last.
      if (plan.stream.reads === undefined) this.#plans.set(key, plan);
    }
    this.profiler?.start();
    return plan;
  }

  readonly #resume = (reads: readonly HostRead[], bytes: readonly Uint8Array[]): Segment => {
    const { frame, memory } = this.#model;
    reads.forEach(({ address }, i) => new Uint8Array(memory.buffer).set(bytes[i]!, address));
    return this.#segmentAt(frame.resume());
  };

  /** Asks the module. Throws `run-failed` and `out-of-memory` with its words. */
  #makePlan(inputs: readonly BoundInput[]): Plan {
    const { frame, program } = this.#model;
    inputs.forEach(({ dtype, shape }, i) => frame.setGpuInput(i, dtype, shape));
    return {
      ...this.#segmentAt(frame.plan(this.#outputTypes)),
      inputBytes: inputs.map(({ shape }, i) => storageBytes(program.inputs[i]!.storage, elementCount(shape))),
    };
  }

  get #outputTypes(): DType[] {
    return this.#model.signature.outputs.map(({ dtype }) => dtype);
  }

  /** What the module has just written. */
  #segmentAt(address: number): Segment {
    const { frame, memory, program } = this.#model;
    const outputs = this.#outputTypes.map((dtype, i) => {
      const { shape, offset } = frame.gpuOutput(i);
      return { dtype, shape, count: elementCount(shape), storage: program.outputs[i]!.storage, offset };
    });
    return { stream: readStream(memory, address), outputs };
  }

  #uploadOf(index: number, input: BoundInput): Upload {
    const type = this.#model.signature.inputs[index]!;
    const { storage } = this.#model.program.inputs[index]!;
    if (!("buffer" in input)) return toStorage(input.dtype, input.data, storage, `input '${type.name}'`);
    this.#checkGpuInput(input, type, storage);
    return { buffer: input.buffer, offset: input.offset ?? 0 };
  }

  #checkGpuInput(input: GpuInput, type: TensorType, storage: Storage): void {
    const where = `input '${type.name}'`;
    if (input instanceof GpuTensor) {
      if (input.keeper.isLost) throw new NnccError("device-lost", `${where} was on a GPU that was lost: compute it again`);
      if (!input.keeper.holds(input.buffer)) throw new NnccError("disposed", `${where} was destroyed, or its model`);
      if (input.keeper.device !== this.#session.device) {
        throw new NnccError("wrong-device", `${where} is on another device: load both models with the same 'gpu'`);
      }
      if (input.storage !== storage) {
        throw new NnccError("wrong-dtype", `${where} is stored as ${input.storage}, the model wants ${storage}`);
      }
    }
    const { shape, offset = 0 } = input;
    const bytes = storageBytes(storage, elementCount(shape));
    const has = input.buffer.size - offset;
    if (!(has >= bytes && offset >= 0) || offset % 4) {
      const text = `${where}: ${typeText(storage, shape)} takes ${bytes} bytes, the buffer has ${has} at byte ${offset}`;
      throw new NnccError("wrong-shape", text);
    }
    if ((input.buffer.usage & GPUBufferUsage.COPY_SRC) === 0) {
      throw new NnccError("wrong-device", `${where}: the buffer needs the usage COPY_SRC`);
    }
  }
}

async function openSession({ needs, device, program, weights }: GpuModel): Promise<Session> {
  return Session.open(await openDevice(needs, device), program, weights);
}
