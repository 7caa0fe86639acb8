// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The driver in Deno, on wgpu: another implementation of WebGPU than Chromium's.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { cases } from "./conformance.ts";
import { chooseDriver } from "./dawn.mjs";
import { makeBareModule, program } from "./program.ts";

const DENO = join(import.meta.dirname, "../../node_modules/@deno/linux-x64-glibc/deno");

/** In milliseconds; the cases take seconds. */
const LIMIT = 120_000;

function runAll(): Record<string, string> | null {
  chooseDriver();
  const folder = mkdtempSync(join(tmpdir(), "nncc-test-"));
  try {
    const files = [join(folder, "affine.wasm"), join(folder, "section.json")] as const;
    writeFileSync(files[0], makeBareModule());
    writeFileSync(files[1], JSON.stringify(program));
    const args = ["run", "--no-check", "--no-remote", "--allow-all", join(import.meta.dirname, "in-deno.ts"), ...files];
    const { stdout, stderr } = spawnSync(DENO, args, { encoding: "utf8", timeout: LIMIT });
    assert.notEqual(stdout, "", stderr);
    return JSON.parse(stdout) as Record<string, string> | null;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const hasDeno = existsSync(DENO);
const thrown = hasDeno ? runAll() : null;
const skip = thrown === null && (hasDeno ? "Deno finds no Vulkan driver" : `no ${DENO}`);
for (const { name } of cases) {
  test(name, { skip }, () => assert.equal(thrown![name], ""));
}
