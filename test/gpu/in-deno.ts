// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Run by Deno: deno run in-deno.ts MODULE SECTION, two files. Prints what each
// case of the suite threw, as JSON; null without a GPU.

import { readFileSync } from "node:fs";
import process from "node:process";
import { runAll } from "./all-cases.ts";

const [module, section] = process.argv.slice(2) as [string, string];
const hasGpu = (await navigator.gpu.requestAdapter()) !== null;
console.log(JSON.stringify(hasGpu ? await runAll(readFileSync(module), readFileSync(section, "utf8")) : null));
process.exit(0);
