// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import { Errno, WasiNNError, errnoOf } from "./errno.js";
import { Context, type Graph, type GuestModel, type StatefulModel } from "./graph.js";
import { GuestMemory } from "./guest-memory.js";
import { Models } from "./models.js";
import { bytesOf, legacyByteLength, type GuestTensor } from "./tensor.js";

export interface WasiNNOptions {
  /** The models that guests open with `load_by_name`. */
  readonly models?: Readonly<Record<string, GuestModel | StatefulModel>>;
  /** The name of a model that stands for files of other formats that guests load, whatever is in them. */
  readonly substitute?: string;
  /**
   * Told why a call of the guest failed; the guest itself sees a number alone.
   * What it throws ends the guest.
   */
  readonly onError?: (error: Error, call: string) => void;
}

/** One i32 for each parameter, and the errno. */
export type HostFunction = (...args: number[]) => Errno;
/** One that is waited for. */
export type WaitingFunction = (...args: number[]) => Promise<Errno>;

const ONNX = 1;
const ENCODINGS = 7;
/** `autodetect` and `ggml`, of which different hosts have swapped the numbers. */
const AUTODETECT: readonly number[] = [5, 6];
const CPU = 0;
const AUTO = 3;
/** What a guest may have open at once, and the dimensions of a tensor. */
const MAX_HANDLES = 1024;
const MAX_RANK = 64;
const TENSOR_WORDS = 5;

/** Things that a guest knows by number. Numbers are not given twice. */
class Handles<T> {
  readonly #what: string;
  readonly #items = new Map<number, T>();
  #next = 0;

  constructor(what: string) {
    this.#what = what;
  }

  add(item: T): number {
    this.checkRoom();
    this.#items.set(this.#next, item);
    return this.#next++;
  }

  checkRoom(): void {
    if (this.#items.size >= MAX_HANDLES) throw new WasiNNError(Errno.TooLarge, `too many ${this.#what}s are open`);
  }

  get(handle: number): T {
    const item = this.#items.get(handle >>> 0);
    if (item === undefined) throw new WasiNNError(Errno.InvalidArgument, `there is no ${this.#what} ${handle >>> 0}`);
    return item;
  }

  remove(handle: number): void {
    this.get(handle);
    this.#items.delete(handle >>> 0);
  }
}

/** What the functions of both interfaces do, for one guest. */
export class Host {
  readonly memory: GuestMemory;
  readonly models: Models;
  readonly #graphs = new Handles<Graph>("graph");
  readonly #contexts = new Handles<Context>("execution context");
  readonly #onError: WasiNNOptions["onError"];

  constructor(memory: () => WebAssembly.Memory | undefined, options: WasiNNOptions) {
    this.memory = new GuestMemory(memory);
    this.#onError = options.onError;
    this.models = new Models(options);
  }

  /** `body`, a method, as a function for guests: whatever it throws becomes an errno. */
  guard(name: string, body: (this: Host, ...args: number[]) => void): HostFunction {
    return (...args) => {
      try {
        body.apply(this, args);
        return Errno.Success;
      } catch (error) {
        return this.#tell(error, name);
      }
    };
  }

  /** The same for what may wait: the guest is suspended meanwhile. */
  guardWaiting(name: string, body: (this: Host, ...args: number[]) => Promise<void>): WaitingFunction {
    return async (...args) => {
      try {
        await body.apply(this, args);
        return Errno.Success;
      } catch (error) {
        return this.#tell(error, name);
      }
    };
  }

  load(builders: number, count: number, encoding: number, target: number, out: number): void {
    this.memory.check(out, 4);
    this.#graphs.checkRoom();
    if (encoding >>> 0 >= ENCODINGS) throw new WasiNNError(Errno.InvalidEncoding, `${encoding} is not an encoding`);
    if (target >>> 0 > AUTO) throw new WasiNNError(Errno.InvalidArgument, `${target} is not an execution target`);
    if (target !== CPU && target !== AUTO) {
      throw new WasiNNError(Errno.UnsupportedOperation, "graphs from bytes run on the CPU alone");
    }
    // Other formats have a second file for the weights.
    if (count !== 1 && !(count === 2 && this.models.takesAnyFile)) {
      throw new WasiNNError(Errno.InvalidArgument, `a model is one builder, not ${count >>> 0}`);
    }
    const [address, length] = this.memory.readWords(builders, 2) as [number, number];
    this.memory.check(address, length);
    if (encoding !== ONNX && !AUTODETECT.includes(encoding) && !this.models.takesAnyFile) {
      throw new WasiNNError(Errno.InvalidEncoding, "only ONNX and what nncc made of it are known");
    }
    this.memory.writeU32(out, this.#graphs.add(this.models.fromBytes(this.memory.read(address, length))));
  }

  loadByName(address: number, length: number, out: number): void {
    this.memory.check(out, 4);
    this.memory.writeU32(out, this.#graphs.add(this.models.byName(this.memory.readText(address, length >>> 0))));
  }

  /** Compiled models have nothing to configure: the text is checked and left. */
  loadByNameWithConfig(address: number, length: number, config: number, configLength: number, out: number): void {
    this.memory.readText(config, configLength >>> 0);
    this.loadByName(address, length, out);
  }

  unload(graph: number): void {
    this.#graphs.remove(graph);
  }

  initExecutionContext(graph: number, out: number): void {
    this.memory.check(out, 4);
    this.memory.writeU32(out, this.#contexts.add(new Context(this.#graphs.get(graph))));
  }

  finalizeExecutionContext(context: number): void {
    this.#contexts.remove(context);
  }

  setInput(context: number, index: number, address: number): void {
    const [dims, rank, type, data, length] = this.memory.readWords(address, TENSOR_WORDS) as
      [number, number, number, number, number];
    const target = this.#contexts.get(context);
    // The type is one byte; what follows it is padding.
    target.setInput(index, { dims: this.#dims(dims, rank), type: type & 0xff, bytes: this.memory.read(data, length) });
  }

  /** The same in WAMR's layout: {pointer to {dims, rank}, type, data}. */
  setInputLegacy(context: number, index: number, address: number): void {
    const [shape, type, data] = this.memory.readWords(address, 3) as [number, number, number];
    const [dimsAt, rank] = this.memory.readWords(shape, 2) as [number, number];
    const target = this.#contexts.get(context);
    const dims = this.#dims(dimsAt, rank);
    const tensor: GuestTensor = { dims, type, bytes: this.memory.read(data, legacyByteLength(type, dims)) };
    target.setInput(index, tensor);
  }

  compute(context: number): void {
    this.#contexts.get(context).compute();
  }

  computeWaiting(context: number): Promise<void> {
    return this.#contexts.get(context).computeWaiting();
  }

  getOutput(context: number, index: number, buffer: number, size: number, written: number): void {
    const target = this.#contexts.get(context);
    this.memory.check(written, 4);
    this.memory.check(buffer, size >>> 0);
    const bytes = bytesOf(target.output(index));
    if (bytes.length > size >>> 0) {
      throw new WasiNNError(Errno.TooLarge, `output ${index} has ${bytes.length} bytes, the buffer ${size >>> 0}`);
    }
    this.memory.write(buffer, bytes);
    this.memory.writeU32(written, bytes.length);
  }

  reset(context: number): void {
    this.#contexts.get(context).reset();
  }

  #tell(error: unknown, call: string): Errno {
    this.#onError?.(error instanceof Error ? error : new Error(String(error)), call);
    return errnoOf(error);
  }

  #dims(address: number, rank: number): number[] {
    if (rank > MAX_RANK) throw new WasiNNError(Errno.InvalidArgument, `${rank} dimensions are too many`);
    return this.memory.readWords(address, rank);
  }
}
