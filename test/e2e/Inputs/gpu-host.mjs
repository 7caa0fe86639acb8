// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Runs modules on WebGPU for gpu.py: each line of standard input names modules,
// which run side by side, and for each run of one a folder with input_N.pb;
// output_N.npy go there, and a line of JSON says whether that went well. With the
// argument --plain, WGSL has no language features, and so kernels use no subgroups.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { keepAdapter, openGpu } from "../../gpu/dawn.mjs";
import { loadModel } from "../../../runtime/web/dist/index.js";
import { inputsFromFolder } from "../../../tools/nncc-run/dist/inputs.js";
import { writeNpy } from "../../../tools/nncc-run/dist/npy.js";

const gpu = await openGpu();
const plain = { requestAdapter: (options) => gpu.requestAdapter(options), wgslLanguageFeatures: new Set() };
Object.defineProperty(navigator, "gpu", { value: process.argv.includes("--plain") ? plain : gpu });
const adapter = await keepAdapter(gpu);
console.log(JSON.stringify({ error: adapter === null ? "WebGPU finds no GPU" : "" }));

async function run({ module, folders }) {
  const model = await loadModel(module, { device: "gpu" });
  try {
    for (const folder of folders) {
      const outputs = await model.run(inputsFromFolder(folder, model.signature));
      Object.values(outputs).forEach((tensor, i) => writeFileSync(join(folder, `output_${i}.npy`), writeNpy(tensor)));
    }
  } finally {
    model.dispose();
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  try {
    await Promise.all(JSON.parse(line).map(run));
    console.log(JSON.stringify({ error: "" }));
  } catch (error) {
    console.log(JSON.stringify({ error: error.message }));
  }
}
process.exit(0);
