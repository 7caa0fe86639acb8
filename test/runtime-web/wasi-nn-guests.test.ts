// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Guests of wasi-nn in C and Rust, beside two implementations of WASI.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { WASI } from "node:wasi";
import { loadModel } from "nncc";
import { createWasiNN } from "nncc/wasi-nn";
import { buildC, inFolder, runOnShim } from "./c-guest.ts";
import { makeModule } from "./fixture.ts";

const inputs = join(import.meta.dirname, "Inputs");
const demo = await loadModel(makeModule());
const EXPECTED = "12 24";

/** The guest, or why it cannot be built here. */
function buildRust(): Uint8Array<ArrayBuffer> | string {
  return inFolder((folder) => {
    const manifest = join(inputs, "rust-guest", "Cargo.toml");
    const options = ["--quiet", "--locked", "--target=wasm32-wasip1", `--target-dir=${folder}`];
    const built = spawnSync("cargo", ["build", ...options, `--manifest-path=${manifest}`], { encoding: "utf8" });
    if (built.error !== undefined) return "there is no cargo";
    if (built.status !== 0) {
      // Without the target or the network, that is no fault of the host.
      const missing = /can't find crate for `(core|std)`|failed to (download|get|fetch)|not be installed/;
      if (missing.test(built.stderr)) return "cargo lacks the target wasm32-wasip1 or the crates";
      throw new Error(built.stderr);
    }
    return Uint8Array.from(readFileSync(join(folder, "wasm32-wasip1", "debug", "guest.wasm")));
  });
}

function runOnNode(guest: Uint8Array<ArrayBuffer>): string {
  return inFolder((folder) => {
    const path = join(folder, "stdout");
    const stdout = openSync(path, "w");
    const wasi = new WASI({ version: "preview1", stdout });
    const nn = createWasiNN({ models: { demo } });
    const imports = { ...(wasi.getImportObject() as WebAssembly.Imports), ...nn.imports };
    const instance = new WebAssembly.Instance(new WebAssembly.Module(guest), imports);
    nn.attach(instance);
    assert.equal(wasi.start(instance), 0);
    closeSync(stdout);
    return readFileSync(path, "utf8").trim();
  });
}

test("a C guest runs beside node:wasi and browser_wasi_shim", async () => {
  const guest = buildC();
  assert.equal(runOnNode(guest), EXPECTED);
  assert.equal(await runOnShim(guest, { demo }), EXPECTED);
});

test("a Rust guest on the crate wasi-nn runs too", async (t) => {
  const guest = buildRust();
  if (typeof guest === "string") return t.skip(guest);
  assert.equal(runOnNode(guest), EXPECTED);
  assert.equal(await runOnShim(guest, { demo }), EXPECTED);
});
