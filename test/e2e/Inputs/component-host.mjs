// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Runs a component that uses wasi:nn, as jco makes a module of it in FOLDER; one
// that serves HTTP prints its port.
//
//     component-host.mjs NAME=model.wasm guest.wasm FOLDER

import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { transpile, writeFiles } from "@bytecodealliance/jco-transpile";
import { HTTPServer } from "@bytecodealliance/preview2-shim/http";
import { WASIShim } from "@bytecodealliance/preview2-shim/instantiation";
import { loadModel } from "nncc";
import { createWasiNNInterfaces } from "nncc/wasi-nn/component";

const [given, component, folder] = process.argv.slice(2);
const [name, model] = given.split("=");
const options = { name: "guest", outDir: folder, instantiation: { tag: "async" } };
await writeFiles((await transpile(component, options)).files);

const { instantiate } = await import(pathToFileURL(join(folder, "guest.js")));
const models = { [name]: await loadModel(model) };
const imports = { ...new WASIShim().getImportObject(), ...createWasiNNInterfaces({ models }) };
const guest = await instantiate((path) => WebAssembly.compile(readFileSync(join(folder, path))), imports);
if (guest.run !== undefined) {
  guest.run.run();
} else {
  const port = await freePort();
  new HTTPServer(guest.incomingHandler).listen(port, "127.0.0.1");
  console.log(port);
}

/** The shim's server does not tell which port it took. */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
