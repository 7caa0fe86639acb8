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

test("a copy that cannot be read is fetched again", { skip: noChromium }, async () => {
  const { page, requests } = await openPage();
  await page.evaluate(() => {
    const broken = () => new ReadableStream({ start: (controller) => controller.error(new DOMException("gone", "NotReadableError")) });
    Cache.prototype.match = async () => new Response(broken());
  });
  await load(page, undefined);
  assert.equal(requests.length, 1);
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

type Picture = "bitmap" | "premultiplied" | "frame" | "rotated" | "closed";

/** The elements of an input of so many channels that a picture of 2 x 4 becomes, or what was thrown. */
function readPicture(page: Page, kind: Picture, channels: number): Promise<number[] | string> {
  return page.evaluate(async ([kind, channels]) => {
    const part = "/nncc/image.js";
    const { readPictures } = (await import(part)) as typeof import("../../runtime/web/dist/image.js");
    // The left half is green of half the alpha, the right one red.
    const pixels = new ImageData(4, 2);
    for (let i = 0; i < 8; ++i) pixels.data.set(i % 4 < 2 ? [0, 200, 0, 128] : [250, 0, 0, 255], 4 * i);
    const frame = (rotation: number): VideoFrame =>
      new VideoFrame(pixels.data, { format: "RGBA", codedWidth: 4, codedHeight: 2, timestamp: 0, rotation } as VideoFrameBufferInit);
    const makers: Record<Picture, () => Promise<ImageBitmap | VideoFrame>> = {
      bitmap: () => createImageBitmap(pixels, { premultiplyAlpha: "none" }),
      premultiplied: () => createImageBitmap(pixels, { premultiplyAlpha: "premultiply" }),
      frame: async () => frame(0),
      rotated: async () => frame(90),
      closed: async () => {
        const bitmap = await createImageBitmap(pixels);
        bitmap.close();
        return bitmap;
      },
    };
    const shape = kind === "rotated" ? [1, channels, 4, 2] : [1, channels, 2, 4];
    const signature = { inputs: [{ name: "x", dtype: "f32", shape }] } as never;
    try {
      const { x } = readPictures(signature, { x: { image: await makers[kind](), scale: 1, fill: 100 } });
      return Array.from((x as import("../../runtime/web/dist/index.js").Tensor).data as Float32Array);
    } catch (error) {
      return `${(error as { code?: string }).code}: ${(error as Error).message}`;
    }
  }, [kind, channels] as const);
}

test("pictures are read upright, with their alpha or over the fill", { skip: noChromium }, async () => {
  const { page } = await openPage();
  const near = (got: number[] | string, wanted: number[]): void =>
    wanted.forEach((value, i) => assert.ok(Math.abs((got[i] as number) - value) <= 2, `${got} instead of ${wanted}`));
  const halves = (left: number, right: number): number[] => [left, left, right, right, left, left, right, right];
  const over = [halves(50, 250), halves(150, 0), halves(50, 0)].flat();
  const bare = [halves(0, 250), halves(200, 0), halves(0, 0), halves(128, 255)].flat();
  for (const kind of ["bitmap", "premultiplied", "frame"] as const) {
    near(await readPicture(page, kind, 3), over);
    near(await readPicture(page, kind, 4), bare);
  }
  // A quarter clockwise, left is above.
  const turned = [0, 250, 200, 0, 0, 0, 128, 255].flatMap((value) => [value, value, value, value]);
  near(await readPicture(page, "rotated", 4), turned);
  assert.match((await readPicture(page, "closed", 3)) as string, /^wrong-shape: input 'x': bad picture/);
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
