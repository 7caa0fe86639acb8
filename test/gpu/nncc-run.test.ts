// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// nncc-run --device on the module of program.ts.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { noAdapter } from "./node.ts";
import { makeGpuModule } from "./program.ts";

const program = join(import.meta.dirname, "../../tools/nncc-run/dist/main.js");
const folder = mkdtempSync(join(tmpdir(), "nncc-test-"));
const module = join(folder, "affine.wasm");
const input = join(folder, "x.bin");
writeFileSync(module, makeGpuModule(undefined, ["-DREUSE"]));
writeFileSync(input, new Float32Array([-1, 0, 1, 2]));

after(() => rmSync(folder, { recursive: true }));

function run(args: string[], env: Record<string, string> = {}): { status: number | null; stdout: string; stderr: string } {
  const all = { ...process.env, ...env };
  return spawnSync(process.execPath, [program, module, "--input", input, ...args], { encoding: "utf8", env: all });
}

test("the GPU gives what the CPU gives", { skip: noAdapter }, () => {
  const gpu = run(["--device=gpu"]);
  assert.deepEqual([gpu.status, gpu.stderr], [0, ""]);
  assert.match(gpu.stdout, /y f32\[2,2\]: 8 20 12 24\n/);
  assert.equal(gpu.stdout, run(["--device=cpu"]).stdout);
});

test("without a GPU the CPU runs and says why, or it is an error", { skip: noAdapter }, () => {
  const none = { VK_ICD_FILENAMES: "/nowhere.json" };
  const { status, stderr, stdout } = run([], none);
  assert.equal(status, 0);
  assert.match(stderr, /runs on the CPU: WebGPU finds no GPU/);
  assert.match(stdout, /8 20 12 24/);
  const refused = run(["--device=gpu"], none);
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /nncc-run: error: WebGPU finds no GPU/);
});

test("measures runs and kernels on the GPU", { skip: noAdapter }, () => {
  const bench = run(["--device=gpu", "--bench=0.05", "--json"]);
  assert.ok(JSON.parse(bench.stdout).ms_median > 0, bench.stderr);
  const table = run(["--device=gpu", "--profile", "--bench=0.05"]);
  for (const text of [/ \/mul \/add\n/, / \/greater\n/, /\n2 kernels, 2 calls/]) assert.match(table.stdout, text);
  // Nobody knows how much a GPU could do at most.
  assert.doesNotMatch(table.stdout, /peak/);
  const trace = join(folder, "trace.json");
  assert.equal(run(["--device=gpu", `--profile=${trace}`, "--bench=0.05"]).status, 0);
  const { traceEvents } = JSON.parse(readFileSync(trace, "utf8"));
  assert.deepEqual(traceEvents.map((event: { name: string }) => event.name), ["/mul + /add", "/greater"]);
  const [first, second] = traceEvents as { ts: number; dur: number }[];
  assert.ok(first!.ts + first!.dur <= second!.ts, "kernels of one queue overlap");
});
