// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/** What went wrong, as a word that a program can compare with. */
export type NnccErrorCode =
  /** The source could not be read or fetched. */
  | "load-failed"
  /** The bytes are not a WebAssembly module that this engine accepts. */
  | "bad-module"
  /** A WebAssembly module, but nncc did not make it or its signature is damaged. */
  | "not-nncc"
  /** The module speaks another version of the module format. */
  | "abi-mismatch"
  /** The external weight file is missing, has the wrong size or the wrong hash. */
  | "bad-weights"
  /** No number of threads. */
  | "bad-threads"
  /** A worker thread did not start, or is gone. */
  | "worker-failed"
  /** The module calls a function that was not given. */
  | "missing-function"
  /** The device asked for cannot run this module. */
  | "unsupported-device"
  /** An input name that the model does not have. */
  | "unknown-input"
  /** An input that the model needs was not given. */
  | "missing-input"
  /** An output name that the model does not have. */
  | "unknown-output"
  | "wrong-dtype"
  | "wrong-shape"
  /** An integer of an input that the device's type cannot hold. */
  | "out-of-range"
  | "out-of-memory"
  /** The module itself refused the call or trapped. */
  | "run-failed"
  /** A run was begun before the last one ended. */
  | "busy"
  /** The GPU or its driver went away, and with it what was kept there. */
  | "device-lost"
  /** An input is not on the device that the model runs on, or cannot be read there. */
  | "wrong-device"
  /** The GPU refused what the model asked for. */
  | "gpu-error"
  /** Another thread did not answer. */
  | "timed-out"
  /** The caller's signal ended it. */
  | "aborted"
  /** The model was used after dispose(). */
  | "disposed";

/** Every error that this package throws on purpose. */
export class NnccError extends Error {
  readonly code: NnccErrorCode;

  constructor(code: NnccErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "NnccError";
    this.code = code;
  }

  /** What was thrown, with what it means in front. */
  static of(code: NnccErrorCode, what: string, cause: unknown): NnccError {
    return new NnccError(code, `${what}: ${messageOf(cause)}`, { cause });
  }
}

/** What profiles, which is imported when it is asked for. Throws `load-failed`, as in service workers, which import nothing then. */
export async function profilingPart<T>(part: Promise<T>): Promise<T> {
  try {
    return await part;
  } catch (error) {
    throw NnccError.of("load-failed", "the part that profiles cannot be loaded here", error);
  }
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
