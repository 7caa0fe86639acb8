// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import { NnccError, type NnccErrorCode } from "../errors.js";

/** The result of every call, as wasi-nn's witx file numbers them. */
export const Errno = {
  Success: 0,
  InvalidArgument: 1,
  InvalidEncoding: 2,
  MissingMemory: 3,
  Busy: 4,
  RuntimeError: 5,
  UnsupportedOperation: 6,
  TooLarge: 7,
  NotFound: 8,
} as const;

export type Errno = (typeof Errno)[keyof typeof Errno];

/** What a call fails with inside the host; guests see only its number. */
export class WasiNNError extends Error {
  readonly errno: Errno;

  constructor(errno: Errno, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "WasiNNError";
    this.errno = errno;
  }
}

const ERRNO_OF: Partial<Record<NnccErrorCode, Errno>> = {
  "bad-module": Errno.InvalidEncoding,
  "not-nncc": Errno.InvalidEncoding,
  "abi-mismatch": Errno.InvalidEncoding,
  "unknown-input": Errno.InvalidArgument,
  "wrong-dtype": Errno.InvalidArgument,
  "wrong-shape": Errno.InvalidArgument,
  "unsupported-device": Errno.UnsupportedOperation,
  "out-of-memory": Errno.TooLarge,
};

/** The number for anything that was thrown. */
export function errnoOf(error: unknown): Errno {
  if (error instanceof WasiNNError) return error.errno;
  if (error instanceof NnccError) return ERRNO_OF[error.code] ?? Errno.RuntimeError;
  return Errno.RuntimeError;
}
