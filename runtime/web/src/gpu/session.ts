// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What a model holds on one device. When the device is lost, all of it is.

import { NnccError, messageOf } from "../errors.js";
import type { GpuProfiler } from "../profile/gpu-profiler.js";
import { newRoom, type Place, type Room } from "../outputs.js";
import { elementCount, type Tensor } from "../tensor.js";
import { StagingRing, checked, makeStorage, submit } from "./buffers.js";
import { fromStorage, storageBytes } from "./convert.js";
import type { OpenedDevice } from "./device.js";
import { compileKernels, describeKernel, type CompiledKernel } from "./pipelines.js";
import type { GpuProgram } from "./program.js";
import { Readback, outputBytes, type PlannedOutput } from "./readback.js";
import { Recording } from "./recording.js";
import type { CommandStream, HostRead } from "./stream.js";
import { GpuTensor, type Keeper } from "./tensor.js";
import { uploadWeights, Workspace, type Upload, type WeightBytes } from "./workspace.js";

/** Commands, and where the last ones of a run leave the outputs. */
export interface Segment {
  readonly stream: CommandStream;
  readonly outputs: readonly PlannedOutput[];
}

/** The first segment for one choice of input sizes. */
export interface Plan extends Segment {
  /** As they are stored. */
  readonly inputBytes: readonly number[];
}

/** One run: output i goes to `places[i]`. */
export interface Job {
  readonly plan: Plan;
  readonly uploads: readonly Upload[];
  readonly places: readonly Place[];
  /** Hands the module the bytes that it wanted to read; the next segment. */
  readonly resume: (reads: readonly HostRead[], bytes: readonly Uint8Array[]) => Segment;
  readonly profiler?: GpuProfiler | undefined;
}

/** Encodes what is done beside the dispatches of a segment. */
type Encode = (encoder: GPUCommandEncoder) => void;

/** For how long after a failure the news that the device is lost may come, in milliseconds. */
const LOSS_NEWS = 200;
/** Choices of sizes whose bind groups are kept. */
const MOST_RECORDINGS = 16;

export class Session implements Keeper {
  readonly device: GPUDevice;
  readonly name: string;
  readonly #owned: boolean;
  readonly #program: GpuProgram;
  readonly #kernels: readonly CompiledKernel[];
  readonly #workspace: Workspace;
  readonly #staging: StagingRing;
  readonly #kept = new Set<GPUBuffer>();
  readonly #recordings = new Map<string, Recording>();
  #loss: string | undefined;
  #destroyed = false;

  private constructor(
    opened: OpenedDevice, program: GpuProgram, kernels: readonly CompiledKernel[], weights: readonly GPUBuffer[],
  ) {
    ({ device: this.device, name: this.name, owned: this.#owned } = opened);
    this.#program = program;
    this.#kernels = kernels;
    this.#workspace = new Workspace(this.device, weights, program.arenaPage);
    this.#staging = new StagingRing(this.device);
    void this.device.lost.then(({ reason, message }) => (this.#loss = message || reason));
  }

  /** Compiles the kernels while the weights arrive. Throws `gpu-error`, `out-of-memory` and what `weights` does. */
  static async open(opened: OpenedDevice, program: GpuProgram, weights: Promise<WeightBytes>): Promise<Session> {
    const buffers: GPUBuffer[] = [];
    const work = [
      compileKernels(opened.device, opened.features, program),
      uploadWeights(opened.device, program, weights, buffers),
    ] as const;
    try {
      const [kernels] = await Promise.all(work);
      return new Session(opened, program, kernels, buffers);
    } catch (error) {
      // The other may be under way still, and make more.
      await Promise.allSettled(work);
      for (const buffer of buffers) buffer.destroy();
      if (opened.owned) opened.device.destroy();
      throw error;
    }
  }

  get isLost(): boolean {
    return this.#loss !== undefined;
  }

  /** Of GPU memory. */
  get bytes(): number {
    return this.#workspace.bytes;
  }

  /** Throws `device-lost`, `gpu-error`, which names the kernel, and `out-of-memory`. */
  async run(job: Job): Promise<(Tensor | GpuTensor)[]> {
    try {
      let segment: Segment = job.plan;
      const given = segment.stream.reads && readGiven(segment.stream, job.uploads);
      if (given) segment = job.resume(segment.stream.reads!, given);
      this.#workspace.forget();
      let before = (encoder: GPUCommandEncoder): void =>
        this.#workspace.upload(job.uploads, job.plan.inputBytes, encoder);
      while (segment.stream.reads) {
        segment = await this.#executeSegment(job, segment.stream, segment.stream.reads, before);
        before = () => undefined;
      }
      return await this.#executeLast(job, segment, before);
    } catch (error) {
      throw await this.#explain(error);
    }
  }

  async read({ dtype, shape, storage, buffer }: GpuTensor): Promise<Tensor> {
    if (!this.holds(buffer)) throw new NnccError("disposed", "the tensor, or its model, was disposed of");
    const count = elementCount(shape);
    const bytes = storageBytes(storage, count);
    const staging = this.#staging.take(bytes);
    try {
      submit(this.device, (encoder) => encoder.copyBufferToBuffer(buffer, 0, staging, 0, bytes));
      const convert = (mapped: ArrayBuffer): Tensor =>
        ({ dtype, shape, data: fromStorage(storage, mapped, 0, dtype, newRoom(dtype)(count)) });
      return await this.#staging.read(staging, bytes, convert);
    } catch (error) {
      throw await this.#explain(error);
    }
  }

  holds(buffer: GPUBuffer): boolean {
    return this.#kept.has(buffer);
  }

  release(buffer: GPUBuffer): void {
    if (this.#kept.delete(buffer)) buffer.destroy();
  }

  destroy(): void {
    this.#destroyed = true;
    this.#workspace.destroy();
    this.#staging.destroy();
    for (const recording of this.#recordings.values()) recording.destroy();
    for (const buffer of this.#kept) buffer.destroy();
    this.#recordings.clear();
    this.#kept.clear();
    if (this.#owned) this.device.destroy();
  }

  /** With buffers that are large enough and bind groups that fit them. */
  async #recordingOf(stream: CommandStream, plan: Plan): Promise<Recording> {
    const recording = this.#recordings.get(stream.key) ?? new Recording(this.device, stream);
    this.#recordings.delete(stream.key);
    try {
      if (!recording.fits(this.#workspace)) await this.#prepare(recording, stream, plan);
      if (this.#destroyed) throw new NnccError("disposed", "the model was disposed of in the run");
    } catch (error) {
      recording.destroy();
      throw error;
    }
    // At the end: the first is then the one that was not used for longest.
    this.#recordings.set(stream.key, recording);
    for (const [key, first] of this.#recordings) {
      if (this.#recordings.size <= MOST_RECORDINGS) break;
      this.#recordings.delete(key);
      first.destroy();
    }
    return recording;
  }

  async #prepare(recording: Recording, stream: CommandStream, { inputBytes }: Plan): Promise<void> {
    try {
      await checked(this.device, "the buffers of the run", () => {
        this.#workspace.fit(stream.arenaBytes, inputBytes);
        recording.makeBuffers();
      });
    } catch (error) {
      // Some may be there in name only.
      this.#workspace.clear();
      throw error;
    }
    try {
      await checked(this.device, "the commands", () => recording.bind(this.#workspace, this.#kernels));
    } catch (error) {
      await recording.findFault(this.#workspace, this.#kernels, this.#program);
      throw error;
    }
  }

  /** Runs a segment, with what comes before and after it; what `read` then makes of it. */
  async #execute<T>(
    job: Job, stream: CommandStream, before: Encode, after: Encode, read: (submitted: Promise<void>) => Promise<T>,
  ): Promise<T> {
    const recording = await this.#recordingOf(stream, job.plan);
    const timer = job.profiler?.timerFor(this.device, stream);
    try {
      const submitted = checked(this.device, "the run", () => {
        recording.submit(stream, this.#workspace, before, after, timer);
      });
      const result = await read(submitted);
      if (timer !== undefined) await job.profiler!.listen(stream, timer, this.#staging);
      return result;
    } finally {
      timer?.destroy();
    }
  }

  async #executeSegment(
    job: Job, stream: CommandStream, reads: readonly HostRead[], before: Encode,
  ): Promise<Segment> {
    let total = 0;
    const places = reads.map(({ bytes }) => (total += bytes) - bytes);
    let staging: GPUBuffer;
    const after = (encoder: GPUCommandEncoder): void => {
      staging = this.#staging.take(total);
      reads.forEach(({ space, offset, bytes }, i) =>
        this.#workspace.copyOut(encoder, offset, staging, places[i]!, bytes, space));
    };
    const resume = (mapped: ArrayBuffer): Segment =>
      job.resume(reads, reads.map(({ bytes }, i) => new Uint8Array(mapped, places[i], bytes)));
    return this.#execute(job, stream, before, after, (submitted) => this.#staging.read(staging, total, resume, submitted));
  }

  async #executeLast(
    job: Job, { stream, outputs }: Segment, upload: Encode,
  ): Promise<(Tensor | GpuTensor)[]> {
    const { places } = job;
    const readback = new Readback(outputs.filter((_, i) => places[i] !== "gpu"), this.#staging, this.#program.arenaPage);
    const keptOutputs = outputs.filter((_, i) => places[i] === "gpu");
    const rooms = places.filter((place): place is Room => place !== "gpu");
    const kept: GpuTensor[] = [];
    const before = (encoder: GPUCommandEncoder): void => {
      for (const output of keptOutputs) kept.push(this.#makeKept(output));
      upload(encoder);
    };
    const after = (encoder: GPUCommandEncoder): void => {
      readback.encode(encoder, this.#workspace);
      keptOutputs.forEach((output, i) =>
        this.#workspace.copyOut(encoder, output.offset, kept[i]!.buffer, 0, outputBytes(output)));
    };
    try {
      const read = await this.#execute(job, stream, before, after, (submitted) => readback.read(rooms, submitted));
      return places.map((place) => (place === "gpu" ? kept : read).shift()!);
    } catch (error) {
      for (const { buffer } of kept) this.release(buffer);
      throw error;
    }
  }

  #makeKept(output: PlannedOutput): GpuTensor {
    const buffer = makeStorage(this.device, "kept", outputBytes(output));
    this.#kept.add(buffer);
    return new GpuTensor(output.dtype, output.shape, output.storage, buffer, this);
  }

  /** What a failure means: the loss of the device, or an error of the kernel that its message names. */
  async #explain(error: unknown): Promise<unknown> {
    if (!this.isLost && !(error instanceof NnccError)) {
      await Promise.race([this.device.lost, new Promise((resolve) => setTimeout(resolve, LOSS_NEWS))]);
    }
    if (this.isLost) return new NnccError("device-lost", `the GPU was lost: ${this.#loss}`, { cause: error });
    const message = messageOf(error);
    const kernel = this.#program.kernels.find(({ name }) => message.includes(`"${name}"`));
    const isNamed = kernel === undefined || message.includes(describeKernel(kernel));
    if (error instanceof NnccError && isNamed) return error;
    const code = error instanceof NnccError ? error.code : "gpu-error";
    const where = kernel === undefined ? "" : ` (${describeKernel(kernel)})`;
    return new NnccError(code, `${message}${where}`, { cause: error });
  }
}

/** What a segment without any work wants to read of inputs that never left the CPU, if it is one. */
function readGiven({ submits, reads }: CommandStream, uploads: readonly Upload[]): Uint8Array[] | undefined {
  const sources = reads!.map(({ space }) => space.kind === "input" && uploads[space.index]);
  const isIdle = submits.every(({ writes, dispatches }) => !writes.length && !dispatches.length);
  if (!isIdle || !sources.every((source) => ArrayBuffer.isView(source))) return undefined;
  return sources.map(({ buffer, byteOffset }, i) => new Uint8Array(buffer, byteOffset, reads![i]!.bytes));
}
