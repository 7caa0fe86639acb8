// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The driver in Node, on Dawn.

import { test } from "node:test";
import * as nncc from "nncc";
import { cases } from "./conformance.ts";
import { noAdapter } from "./node.ts";
import { makeGpuModule, program } from "./program.ts";

const place = {
  nncc,
  module: makeGpuModule(),
  variant: (changes: object) => makeGpuModule({ ...program, ...changes }),
};

for (const { name, run } of cases) test(name, { skip: noAdapter }, () => run(place));
