// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/**
 * Whether Node's own modules are there, as in Deno and Bun. They are not imported: the first import() of
 * a process takes Node some milliseconds, and bundlers for pages would look for them.
 */
export const IS_NODE = typeof process === "object" && typeof process.getBuiltinModule === "function";
