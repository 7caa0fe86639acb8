// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A guest of wasi-nn in C, which gives "demo" {{1, 2}} and prints what comes out,
// and the WASI of browsers for it.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConsoleStdout, File, OpenFile, WASI, WASIProcExit } from "@bjorn3/browser_wasi_shim";
import { createWasiNN, type WasiNNOptions } from "nncc/wasi-nn";

export function inFolder<T>(body: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "nncc-guest-"));
  try {
    return body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function buildC(): Uint8Array<ArrayBuffer> {
  return inFolder((folder) => {
    const [object, wasm] = [join(folder, "guest.o"), join(folder, "guest.wasm")];
    const [libraries, source] = ["/usr/lib/wasm32-wasi", join(import.meta.dirname, "Inputs", "guest.c")];
    const header = `-I${join(import.meta.dirname, "../../examples/wasi-nn/core")}`;
    execFileSync("clang-19", ["--target=wasm32-wasi", "-O1", header, "-c", source, "-o", object]);
    const runtime = join(libraries, "crt1-command.o");
    execFileSync("wasm-ld-19", [`-L${libraries}`, runtime, object, "-lc", "-o", wasm, "--allow-undefined"]);
    return Uint8Array.from(readFileSync(wasm));
  });
}

/** What a guest prints beside browser_wasi_shim. */
export async function runOnShim(guest: Uint8Array<ArrayBuffer>, models: WasiNNOptions["models"] & {}): Promise<string> {
  const lines: string[] = [];
  const out = ConsoleStdout.lineBuffered((line) => lines.push(line));
  const wasi = new WASI([], [], [new OpenFile(new File([])), out, out]);
  const nn = createWasiNN({ models });
  const imports = { wasi_snapshot_preview1: wasi.wasiImport, ...nn.imports };
  const instance = new WebAssembly.Instance(new WebAssembly.Module(guest), imports as WebAssembly.Imports);
  // What wasi.start does, but for waiting.
  wasi.inst = instance as WASI["inst"];
  await nn.run(instance).catch((error) => {
    if (!(error instanceof WASIProcExit)) throw error;
  });
  return lines.join("\n");
}
