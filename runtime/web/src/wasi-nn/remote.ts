// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/**
 * Models in one thread and a guest of wasi-nn in another, which blocks until a model
 * has answered: for models on the GPU where guests cannot be suspended. Both have an
 * end of a MessageChannel, and the page is cross-origin isolated.
 *
 *     serveModels(port, { demo });                                      // where the models are
 *     const nn = createWasiNN({ models: await openModels(port) });      // in the guest's worker
 *
 * @module
 */

import type { PlainInputs } from "../bind.js";
import { NnccError, messageOf, type NnccErrorCode } from "../errors.js";
import type { Model } from "../model.js";
import type { Signature } from "../signature.js";
import { arrayClass, type DType, type Tensor } from "../tensor.js";
import type { GuestModel } from "./graph.js";

// The words of `control`: the state, and how many bytes the answer has.
const STATE = 0;
const BYTES = 1;
const WAITING = 0;
const NEEDS_ROOM = 1;
const ANSWERED = 2;
const ALIGNMENT = 8;
/** Milliseconds that the other thread has for an answer, unless the caller says how many. */
const TIME_LIMIT = 60_000;

/** A call: the answer goes into `room`, after `control` told its size. */
interface Call {
  readonly name: string;
  readonly inputs: PlainInputs;
  readonly control: Int32Array<SharedArrayBuffer>;
  readonly room: Uint8Array<SharedArrayBuffer>;
}

/** More room for the answer of the last call. */
type Room = Pick<Call, "control" | "room">;

interface TensorHead {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly bytes: number;
}

/** What an answer begins with, as JSON. */
interface Head {
  readonly error?: { readonly code: NnccErrorCode; readonly message: string };
  readonly tensors: readonly TensorHead[];
}

/** Answers the guest at the other end of `port`, until it is closed. */
export function serveModels(port: MessagePort, models: Readonly<Record<string, Model>>): void {
  let answer = new Uint8Array();
  port.onmessage = async ({ data }: MessageEvent<"open" | Call | Room>) => {
    if (data === "open") {
      port.postMessage(Object.entries(models).map(([name, { signature }]) => [name, signature]));
      return;
    }
    if ("name" in data) answer = await answerOf(models[data.name]!, data.inputs);
    const { control, room } = data;
    const fits = answer.length <= room.length;
    if (fits) room.set(answer);
    control[BYTES] = answer.length;
    Atomics.store(control, STATE, fits ? ANSWERED : NEEDS_ROOM);
    Atomics.notify(control, STATE);
  };
}

export interface RemoteOptions {
  /** Milliseconds after which a call fails whose answer did not come: the other thread may be gone. */
  readonly timeLimit?: number;
}

/** The models at the other end of `port`; only a worker may call them. */
export async function openModels(port: MessagePort, options: RemoteOptions = {}): Promise<Record<string, GuestModel>> {
  const limit = options.timeLimit ?? TIME_LIMIT;
  const list = await new Promise<[string, Signature][]>((resolve, reject) => {
    const timer = setTimeout(() => reject(lateness(limit)), limit);
    port.onmessage = ({ data }: MessageEvent<[string, Signature][]>) => {
      clearTimeout(timer);
      resolve(data);
    };
    port.postMessage("open");
  });
  return Object.fromEntries(list.map(([name, signature]) => [name, new RemoteModel(port, name, signature, limit)]));
}

function lateness(limit: number): NnccError {
  return new NnccError("timed-out", `the models' thread did not answer in ${limit} ms`);
}

class RemoteModel implements GuestModel {
  /** It need not be waited for here. */
  readonly device = "cpu";
  readonly signature: Signature;
  readonly #port: MessagePort;
  readonly #name: string;
  readonly #limit: number;
  #room = new Uint8Array(new SharedArrayBuffer(1 << 16));

  constructor(port: MessagePort, name: string, signature: Signature, limit: number) {
    this.#port = port;
    this.#name = name;
    this.signature = signature;
    this.#limit = limit;
  }

  runSync(inputs: PlainInputs): Record<string, Tensor> {
    const control = new Int32Array(new SharedArrayBuffer(8));
    this.#port.postMessage({ name: this.#name, inputs, control, room: this.#room } satisfies Call);
    this.#await(control);
    if (control[STATE] === NEEDS_ROOM) {
      this.#room = new Uint8Array(new SharedArrayBuffer(control[BYTES]!));
      control[STATE] = WAITING;
      this.#port.postMessage({ control, room: this.#room } satisfies Room);
      this.#await(control);
    }
    return decode(this.#room.slice(0, control[BYTES]));
  }

  #await(control: Int32Array<SharedArrayBuffer>): void {
    if (Atomics.wait(control, STATE, WAITING, this.#limit) !== "timed-out") return;
    // A late answer must not come between those of other calls.
    this.#room = new Uint8Array(new SharedArrayBuffer(this.#room.length));
    throw lateness(this.#limit);
  }

  async run(inputs: PlainInputs): Promise<Record<string, Tensor>> {
    return this.runSync(inputs);
  }
}

async function answerOf(model: Model, inputs: PlainInputs): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const outputs = Object.entries(await model.run(inputs));
    const tensors = outputs.map(([name, { dtype, shape, data }]) => ({ name, dtype, shape, bytes: data.byteLength }));
    return encode({ tensors }, outputs.map(([, { data }]) => data));
  } catch (error) {
    const code = error instanceof NnccError ? error.code : "run-failed";
    return encode({ error: { code, message: messageOf(error) }, tensors: [] }, []);
  }
}

const align = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/** The length of the head, the head, and the elements of each tensor. */
function encode(head: Head, tensors: readonly ArrayBufferView[]): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(JSON.stringify(head));
  let at = align(4 + text.length);
  const bytes = new Uint8Array(tensors.reduce((sum, { byteLength }) => sum + align(byteLength), at));
  new DataView(bytes.buffer).setUint32(0, text.length);
  bytes.set(text, 4);
  for (const { buffer, byteOffset, byteLength } of tensors) {
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += align(byteLength);
  }
  return bytes;
}

function decode(bytes: Uint8Array<ArrayBuffer>): Record<string, Tensor> {
  const length = new DataView(bytes.buffer).getUint32(0);
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length))) as Head;
  if (head.error !== undefined) throw new NnccError(head.error.code, head.error.message);
  let at = align(4 + length);
  return Object.fromEntries(head.tensors.map(({ name, dtype, shape, bytes: size }) => {
    const data = new (arrayClass(dtype))(bytes.buffer.slice(at, at + size));
    at += align(size);
    return [name, { dtype, shape, data }];
  }));
}
