// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Times the first result of a network: how long loading takes, and with the first run.
//
// usage: node first-result.mjs nncc|ort FILE INPUTS.json
//
// The runtime is imported before that. Prints one JSON object.

import { importRuntime, readInputs } from "./runtimes.mjs";

const [name, path, inputsPath] = process.argv.slice(2);
const inputs = readInputs(inputsPath);
const open = await importRuntime[name]();
const begin = performance.now();
const { run } = await open(path, inputs);
const loaded = performance.now();
await run();
console.log(JSON.stringify({ load_ms: loaded - begin, first_ms: performance.now() - begin }));
process.exit(0);
