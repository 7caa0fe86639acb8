// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Browser } from "playwright-core";
import { loadModel } from "../../runtime/web/dist/index.js";
import { launchChromium, noChromium } from "./chromium.ts";
import { compileDigits, folder, root } from "./digits.ts";
import { servePages, type PageServer } from "./server.ts";

// What a careful page allows: nothing is evaluated but wasm.
const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src data:";

let browser: Browser;
let server: PageServer;

before(async () => {
  if (noChromium) return;
  compileDigits("digits.wasm", "--strict-fp");
  compileDigits("external.wasm", "--strict-fp", "--weights=external");
  server = await servePages(
    { nncc: join(root, "runtime/web/dist"), models: folder, pages: import.meta.dirname },
    { "Content-Security-Policy": POLICY },
  );
  browser = await launchChromium();
});

after(async () => {
  await browser?.close();
  await server?.close();
});

/** Two images that differ, [2, 1, 8, 8]. */
const image = Array.from({ length: 128 }, (_, i) => (i * 7) % 17);

async function inPage(module: string): Promise<number[]> {
  const page = await browser.newPage();
  await page.goto(`${server.origin}/pages/page.html`);
  const answer = await page.evaluate(
    async ({ module, image }) => {
      const runtime = "/nncc/index.js";
      const { loadModel } = (await import(runtime)) as typeof import("../../runtime/web/dist/index.js");
      const model = await loadModel(module);
      const [input] = model.signature.inputs;
      const shape = [2, ...input!.shape.slice(1).map(Number)];
      const outputs = await model.run({ [input!.name]: { dtype: "f32", shape, data: Float32Array.from(image) } });
      model.dispose();
      return Array.from(Object.values(outputs)[0]!.data as Float32Array);
    },
    { module, image },
  );
  await page.close();
  return answer;
}

async function inNode(): Promise<number[]> {
  const model = await loadModel(readFileSync(join(folder, "digits.wasm")));
  const [input] = model.signature.inputs;
  const shape = [2, ...input!.shape.slice(1).map(Number)];
  const outputs = await model.run({ [input!.name]: { dtype: "f32", shape, data: Float32Array.from(image) } });
  return Array.from(Object.values(outputs)[0]!.data as Float32Array);
}

test("a page gets the bits that Node gets", { skip: noChromium }, async () => {
  assert.deepEqual(await inPage("/models/digits.wasm"), await inNode());
});

test("a page finds the weights beside the module", { skip: noChromium }, async () => {
  assert.deepEqual(await inPage("/models/external.wasm"), await inNode());
});

test("a page is told of a module that is not there", { skip: noChromium }, async () => {
  await assert.rejects(inPage("/models/missing.wasm"), /missing\.wasm.*404/s);
});
