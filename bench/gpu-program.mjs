// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Runs a job (gpu-race.mjs) in Node, on Dawn: gpu-program.mjs FOLDER
// Reads FOLDER/job.json and prints the result as JSON.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openGpu } from "../test/gpu/dawn.mjs";
import { readJob, runJob } from "./gpu-race.mjs";

const folder = process.argv[2];
const root = join(import.meta.dirname, "..");
Object.defineProperty(navigator, "gpu", { value: await openGpu() });
const runtimes = {
  nncc: join(root, "runtime/web/dist/index.js"),
  ort: join(root, "node_modules/onnxruntime-web/dist/ort.webgpu.min.mjs"),
};
const read = (name) => readFileSync(join(folder, name));
const job = await readJob(read);
const files = { module: join(folder, job.module ?? ""), network: () => read(job.network) };
console.log(JSON.stringify(await runJob({ ...job, ...files, runtimes })));
process.exit(0);
