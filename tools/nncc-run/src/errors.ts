// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/** An error of the user's: printed as one line, exit status 2. */
export class UserError extends Error {}
