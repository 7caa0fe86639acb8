// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The driver in Node, on Dawn.

import assert from "node:assert/strict";
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

// The same in two segments, with work of the host between them.
const inSegments = {
  nncc,
  module: makeGpuModule(program, ["-DSEGMENTS"]),
  variant: (changes: object) => makeGpuModule({ ...program, ...changes }, ["-DSEGMENTS"]),
};

for (const { name, run } of cases) test(`${name}, in segments`, { skip: noAdapter }, () => run(inSegments));

test("a module without CPU code says so", { skip: noAdapter }, async () => {
  const module = makeGpuModule(program, ["-DNO_MAIN"]);
  const lacking = makeGpuModule({ ...program, features: ["no-such-feature"] }, ["-DNO_MAIN"]);
  const refused = { code: "unsupported-device", message: /no CPU code/ };
  const model = await nncc.loadModel(module);
  assert.equal(model.device, "gpu");
  model.dispose();
  await assert.rejects(nncc.loadModel(module, { device: "cpu" }), refused);
  await assert.rejects(nncc.loadModel(lacking), { code: refused.code, message: /no-such-feature.*no CPU code/ });
});
