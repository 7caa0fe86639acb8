// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Run by Deno: deno run in-deno.ts MODULE SECTION, two files. Prints what each
// case of the suite threw, as JSON; null without a GPU.

import { readFileSync } from "node:fs";
import process from "node:process";
import * as nncc from "../../runtime/web/dist/index.js";
import { cases } from "./conformance.ts";
import { withSection } from "./section.ts";

const [module, section] = process.argv.slice(2).map((file) => readFileSync(file));
const program = JSON.parse(new TextDecoder().decode(section)) as object;
const variant = (changes: object): Uint8Array<ArrayBuffer> =>
  withSection(module!, "nncc.webgpu", JSON.stringify({ ...program, ...changes }));

if ((await navigator.gpu.requestAdapter()) === null) {
  console.log("null");
  process.exit(0);
}
const thrown: Record<string, string> = {};
for (const { name, run } of cases) {
  try {
    await run({ nncc, module: variant({}), variant });
    thrown[name] = "";
  } catch (error) {
    thrown[name] = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}
console.log(JSON.stringify(thrown));
process.exit(0);
