// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A module with threads in a page, with and without cross-origin isolation.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Browser } from "playwright-core";
import { loadModel } from "../../runtime/web/dist/index.js";
import { launchChromium, noChromium } from "./chromium.ts";
import { folder, root } from "./digits.ts";
import { servePages } from "./server.ts";

const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";
const ISOLATION = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};
const SIZE = 48;

let browser: Browser;

before(async () => {
  if (noChromium) return;
  mkdirSync(folder, { recursive: true });
  const model = join(folder, "convs.onnx");
  const make = join(root, "test/runtime-web/Inputs/threads.py");
  execFileSync(join(root, ".venv/bin/python"), [make, "convs", model]);
  execFileSync(join(root, "build/bin/nncc"), [model, "--threads", "-o", join(folder, "convs.wasm")]);
  browser = await launchChromium();
});

after(() => browser?.close());

interface Answer {
  count: number;
  reason: string;
  y: number[];
}

async function inPage(headers: Record<string, string>, relaxed = false): Promise<Answer> {
  const mounts = { nncc: join(root, "runtime/web/dist"), models: folder, pages: import.meta.dirname };
  const server = await servePages(mounts, { "Content-Security-Policy": POLICY, ...headers });
  const page = await browser.newPage();
  await page.goto(`${server.origin}/pages/page.html`);
  const answer = await page.evaluate(async ({ size, relaxed }) => {
    const runtime = "/nncc/index.js";
    const { loadModel } = (await import(runtime)) as typeof import("../../runtime/web/dist/index.js");
    const model = await loadModel("/models/convs.wasm", { threads: 2, relaxed });
    if (model.relaxed !== relaxed) throw new Error("the other form of kernels is in use");
    const data = Float32Array.from({ length: 8 * size * size }, (_, i) => i % 13);
    const outputs = await model.run({ x: { dtype: "f32", shape: [1, 8, size, size], data } });
    const { count, reason = "" } = model.threading;
    model.dispose();
    return { count, reason, y: Array.from(outputs["y"]!.data as Float32Array) };
  }, { size: SIZE, relaxed });
  await page.close();
  await server.close();
  return answer;
}

async function inNode(relaxed = false): Promise<number[]> {
  const model = await loadModel(join(folder, "convs.wasm"), { threads: 1, relaxed });
  const data = Float32Array.from({ length: 8 * SIZE * SIZE }, (_, i) => i % 13);
  const outputs = await model.run({ x: { dtype: "f32", shape: [1, 8, SIZE, SIZE], data } });
  return Array.from(outputs["y"]!.data as Float32Array);
}

test("an isolated page runs on workers", { skip: noChromium }, async () => {
  assert.deepEqual(await inPage(ISOLATION), { count: 2, reason: "", y: await inNode() });
});

test("kernels with relaxed SIMD run on workers", { skip: noChromium }, async () => {
  assert.deepEqual(await inPage(ISOLATION, true), { count: 2, reason: "", y: await inNode(true) });
});

test("any other page runs on one thread and says why", { skip: noChromium }, async () => {
  const { count, reason, y } = await inPage({});
  assert.equal(count, 1);
  assert.match(reason, /not cross-origin isolated/);
  assert.deepEqual(y, await inNode());
});
