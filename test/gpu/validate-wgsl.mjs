// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Compiles WGSL as a browser would, without a GPU, with the limits that every
// device has: node validate-wgsl.mjs FILE...
//
// A FILE is WGSL or a module of nncc, whose kernels are then compiled in all
// variants. Prints the compiler's messages; exit status 1 if any is an error.

import { readFileSync } from "node:fs";
import { keepAdapter, openGpu } from "./dawn.mjs";

const FEATURES = ["shader-f16", "subgroups"];
const ENTRY_POINT = /@compute\b[^{;]*?\bfn\s+(\w+)/g;

/** The texts in a file, each with a name for messages. */
async function textsOf(file) {
  if (!file.endsWith(".wasm")) return [{ name: file, code: readFileSync(file, "utf8") }];
  const [section] = WebAssembly.Module.customSections(await WebAssembly.compile(readFileSync(file)), "nncc.webgpu");
  if (section === undefined) throw new Error(`${file}: no section 'nncc.webgpu'`);
  const { kernels } = JSON.parse(new TextDecoder().decode(section));
  return kernels.flatMap(({ name, variants }) =>
    variants.map(({ features, code }) => ({ name: `${file}:${[name, ...features].join("+")}`, code })));
}

/** The messages about one text, each as {type, text}. */
async function validate(device, { name, code }) {
  device.pushErrorScope("validation");
  const module = device.createShaderModule({ code });
  const { messages } = await module.getCompilationInfo();
  const found = messages.map(({ type, lineNum, linePos, message }) =>
    ({ type, text: `${name}:${lineNum}:${linePos}: ${type}: ${message}` }));
  if (!found.some(({ type }) => type === "error")) {
    const entryPoints = [...code.matchAll(ENTRY_POINT)].map((match) => match[1]);
    if (entryPoints.length === 0) found.push({ type: "error", text: `${name}: error: no compute entry point` });
    for (const entryPoint of entryPoints) {
      try {
        await device.createComputePipelineAsync({ layout: "auto", compute: { module, entryPoint } });
      } catch (error) {
        found.push({ type: "error", text: `${name}: error: pipeline '${entryPoint}': ${error.message}` });
      }
    }
  }
  await device.popErrorScope();
  return found;
}

const adapter = await keepAdapter(await openGpu(["backend=null"]));
const device = await adapter.requestDevice({ requiredFeatures: FEATURES.filter((name) => adapter.features.has(name)) });
let count = 0;
let failed = 0;
for (const file of process.argv.slice(2)) {
  for (const text of await textsOf(file)) {
    const found = await validate(device, text);
    for (const message of found) console.log(message.text);
    ++count;
    if (found.some(({ type }) => type === "error")) ++failed;
  }
}
console.log(`${count - failed} of ${count} valid`);
// Not by falling off the end: Dawn crashes when its objects are collected then.
process.exit(failed > 0 ? 1 : 0);
