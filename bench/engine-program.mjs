// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Runs a job (engine.mjs) in Node, Deno or Bun: engine-program.mjs FOLDER
// Reads FOLDER/job.json and prints the result as JSON.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as runtime from "../runtime/web/dist/index.js";
import { measureJob } from "./engine.mjs";

const folder = process.argv[2];
const job = JSON.parse(readFileSync(join(folder, "job.json"), "utf8"));
const result = await measureJob(runtime, job, (name) => Uint8Array.from(readFileSync(join(folder, name))));
console.log(JSON.stringify(result));
process.exit(0);
