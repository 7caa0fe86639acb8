// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What only a browser has when a model is loaded and fed: a cache, pictures.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { launchChromium, noChromium } from "./chromium.ts";
import { compileDigits, folder, root } from "./digits.ts";
import { servePages, type PageServer } from "./server.ts";

type Runtime = typeof import("../../runtime/web/dist/index.js");

let browser: Browser;
let server: PageServer;

before(async () => {
  if (noChromium) return;
  compileDigits("external.wasm", "--strict-fp", "--weights=external");
  server = await servePages({ nncc: join(root, "runtime/web/dist"), models: folder, pages: import.meta.dirname });
  browser = await launchChromium();
});

after(async () => {
  await browser?.close();
  await server?.close();
});

/** A page, and the requests for weights that it made. */
async function openPage(): Promise<{ page: Page; requests: string[] }> {
  const page = await (await browser.newContext()).newPage();
  const requests: string[] = [];
  page.on("request", (request) => {
    if (request.url().endsWith(".safetensors")) requests.push(request.url());
  });
  await page.goto(`${server.origin}/pages/page.html`);
  return { page, requests };
}

/** Loads the model in the page; the last news of each file. */
function load(page: Page, cache: boolean | undefined): Promise<Record<string, number[]>> {
  return page.evaluate(async (cache) => {
    const runtime = "/nncc/index.js";
    const { loadModel } = (await import(runtime)) as Runtime;
    const last: Record<string, number[]> = {};
    const model = await loadModel("/models/external.wasm", {
      cache, onProgress: (loaded, total, file) => (last[file] = [loaded, total]),
    });
    model.dispose();
    return last;
  }, cache);
}

/** Until the page has put the file away, which nobody waits for. */
function waitForCache(page: Page): Promise<unknown> {
  return page.waitForFunction(async () => (await (await caches.open("nncc")).keys()).length === 1);
}

test("weights are fetched once, and again when their copy is damaged", { skip: noChromium }, async () => {
  const { page, requests } = await openPage();
  const { module, weights } = await load(page, undefined);
  assert.ok(module![0]! > 0 && module![0] === module![1] && weights![0]! > 0 && weights![0] === weights![1]);
  await waitForCache(page);
  await load(page, undefined);
  assert.equal(requests.length, 1);
  await page.evaluate(async () => {
    const cache = await caches.open("nncc");
    await cache.put((await cache.keys())[0]!, new Response("damaged"));
  });
  await load(page, undefined);
  assert.equal(requests.length, 2);
  await page.context().close();
});

test("without a cache, or room in it, weights are fetched each time", { skip: noChromium }, async () => {
  const { page, requests } = await openPage();
  await load(page, false);
  await page.evaluate(() => {
    Cache.prototype.put = () => Promise.reject(new DOMException("full", "QuotaExceededError"));
  });
  await load(page, undefined);
  await load(page, undefined);
  assert.equal(requests.length, 3);
  await page.context().close();
});

test("a picture is scaled to the input", { skip: noChromium }, async () => {
  const { page } = await openPage();
  const [picture, numbers] = await page.evaluate(async () => {
    const runtime = "/nncc/index.js";
    const { loadModel } = (await import(runtime)) as Runtime;
    const model = await loadModel("/models/external.wasm");
    const { name, shape } = model.signature.inputs[0]!;
    const [, , height, width] = shape.map(Number) as [number, number, number, number];
    const canvas = new OffscreenCanvas(2 * width, height);
    const context = canvas.getContext("2d")!;
    context.fillStyle = "rgb(100 150 200)";
    context.fillRect(0, 0, width, height);
    const image = canvas.transferToImageBitmap();
    const first = await model.run({ [name]: { image, scale: 0.5, mean: [1], std: [2] } });
    // The left half is of this grey, the right one black.
    const grey = 0.299 * 100 + 0.587 * 150 + 0.114 * 200;
    const elements = Float32Array.from({ length: width * height }, (_, i) =>
      ((i % width < width / 2 ? grey : 0) * 0.5 - 1) / 2);
    const second = await model.run({ [name]: { dtype: "f32", shape: [1, 1, height, width], data: elements } });
    return [first, second].map((outputs) => Array.from(Object.values(outputs)[0]!.data as Float32Array));
  });
  numbers!.forEach((number, i) => assert.ok(Math.abs(number - picture![i]!) < 1e-3, `${picture} and ${numbers}`));
  await page.context().close();
});
