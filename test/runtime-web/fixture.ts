// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withSection } from "../gpu/section.ts";

const source = join(import.meta.dirname, "Inputs", "affine.c");

export const signature = {
  abi: 1,
  compiler: "by hand",
  features: [],
  source: { name: "affine", sha256: "" },
  symbols: [{ name: "n", min: 1, max: null }],
  inputs: [{ name: "x", dtype: "f32", shape: ["n", 2] }],
  outputs: [
    { name: "y", dtype: "f32", shape: ["n", 2] },
    { name: "mask", dtype: "bool", shape: ["n", 2] },
  ],
  arena_bytes: null,
  weight_bytes: 8,
  kernels: 1,
  weights: "embedded" as unknown,
};

/** The bytes of the hand-made module, with `json` as its signature. */
export function makeModule(json: object = signature, external = false, defines: string[] = []): Uint8Array<ArrayBuffer> {
  const define = external ? ["-DEXTERNAL", ...defines] : defines;
  return withSection(compileC(source, define), "nncc.signature", JSON.stringify(json));
}

/** A module made of one C file. */
export function compileC(file: string, flags: string[]): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), "nncc-test-"));
  try {
    const object = join(folder, "module.o");
    const wasm = join(folder, "module.wasm");
    execFileSync("clang-19", ["--target=wasm32", "-O1", "-nostdlib", ...flags, "-c", file, "-o", object]);
    execFileSync("wasm-ld-19", ["--no-entry", "--export-memory", object, "-o", wasm]);
    return readFileSync(wasm);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
