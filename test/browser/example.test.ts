// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The page of examples/web, used as a person would; build/test-browser/web-*.png
// show what that person sees.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { launchChromium, noChromium, WEBGPU } from "./chromium.ts";
import { compile, compileDigits, folder, noGpuTarget, root } from "./digits.ts";
import { servePages, type PageServer } from "./server.ts";

/** Milliseconds: a software GPU on a busy machine is slow to draw. */
const PATIENCE = 120_000;
const site = join(folder, "web");
/** Networks to try, such as the project does not bring. */
const networks = process.env.NNCC_MODELS ?? join(root, "../shared/models");
const yolox = join(networks, "yolox-nano-416/model.onnx");
const noYolox = noChromium || (!existsSync(yolox) && `no ${yolox}`);

const target = noGpuTarget ? [] : ["--target=webgpu"];

let server: PageServer;
let withGpu: Browser;
let withoutGpu: Browser;

before(async () => {
  if (noChromium) return;
  rmSync(site, { recursive: true, force: true });
  execFileSync(process.execPath, [join(root, "examples/web/build.ts"), site]);
  compileDigits("web/models/digits.wasm", ...target);
  if (!noYolox) compile(yolox, "web/models/yolox.wasm", ...target);
  server = await servePages({ web: site });
  withGpu = await launchChromium(WEBGPU);
  withoutGpu = await launchChromium(["--disable-features=WebGPU", "--disable-gpu"]);
});

after(async () => {
  await withGpu?.close();
  await withoutGpu?.close();
  await server?.close();
});

async function openPage(browser: Browser): Promise<{ page: Page; problems: string[] }> {
  const page = await browser.newPage({ viewport: { width: 1200, height: 640 } });
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  await page.goto(`${server.origin}/web/index.html`);
  return { page, problems };
}

/** Draws a line through points, in parts of the pad's size. */
async function draw(page: Page, points: readonly (readonly [number, number])[]): Promise<void> {
  const { x, y, width, height } = (await page.locator("#pad").boundingBox())!;
  for (const [i, [dx, dy]] of points.entries()) {
    await page.mouse.move(x + dx * width, y + dy * height, { steps: 4 });
    if (i === 0) await page.mouse.down();
  }
  await page.mouse.up();
}

const one = [[0.5, 0.15], [0.5, 0.85]] as const;
const zero = Array.from({ length: 25 }, (_, i) =>
  [0.5 + 0.2 * Math.sin((i * Math.PI) / 12), 0.5 - 0.34 * Math.cos((i * Math.PI) / 12)] as const);

async function classify(page: Page): Promise<string> {
  await page.locator("#digits .device").waitFor();
  await draw(page, zero);
  await page.getByText("It is a 0").waitFor();
  await page.locator("#clear").click();
  await draw(page, one);
  await page.getByText("It is a 1").waitFor();
  return page.locator("#digits .status").innerText();
}

test("draws are classified on the GPU, or on the CPU when one wants that", { skip: noChromium || noGpuTarget }, async () => {
  const { page } = await openPage(withGpu);
  assert.match(await classify(page), /^GPU\s+[\d.]+ ms$/);
  await page.locator("#clear").click();
  await draw(page, zero);
  await page.getByText("It is a 0").waitFor();
  await page.screenshot({ path: join(folder, "web-gpu.png"), timeout: PATIENCE });
  await page.locator("#force-cpu").check();
  await page.locator("#digits .device", { hasText: "CPU" }).waitFor();
  await page.locator("#clear").click();
  assert.match(await classify(page), /^CPU\s+[\d.]+ ms\s+the caller chose the CPU$/);
  await page.close();
});

test("without a GPU the page works and says why", { skip: noChromium }, async () => {
  const { page, problems } = await openPage(withoutGpu);
  assert.match(await classify(page), /^CPU\s+[\d.]+ ms\s+\S+/);
  await page.screenshot({ path: join(folder, "web-cpu.png"), timeout: PATIENCE });
  assert.deepEqual(problems.filter((text) => !/404|yolox/.test(text)), []);
  await page.close();
});

test("objects are found in a picture", { skip: noYolox, timeout: 120_000 }, async () => {
  const { page } = await openPage(withGpu);
  await page.locator("#objects .device").waitFor({ timeout: 60_000 });
  await page.locator("#file").setInputFiles({ name: "street.png", mimeType: "image/png", buffer: await street(page) });
  await page.locator("#found", { hasText: "stop sign" }).waitFor({ timeout: 60_000 });
  await draw(page, zero);
  await page.screenshot({ path: join(folder, "web-objects.png"), timeout: PATIENCE });
  await page.close();
});

/** A drawing of a street with a stop sign, as PNG. */
async function street(page: Page): Promise<Buffer> {
  const bytes = await page.evaluate(async () => {
    const canvas = new OffscreenCanvas(640, 420);
    const context = canvas.getContext("2d")!;
    const sky = context.createLinearGradient(0, 0, 0, 300);
    sky.addColorStop(0, "#6fa8dc");
    sky.addColorStop(1, "#d9e8f5");
    context.fillStyle = sky;
    context.fillRect(0, 0, 640, 420);
    context.fillStyle = "#7d9a5b";
    context.fillRect(0, 290, 640, 130);
    context.fillStyle = "#6b6b6b";
    context.fillRect(305, 180, 14, 240);
    const octagon = (radius: number, colour: string): void => {
      context.beginPath();
      for (let i = 0; i < 8; ++i) {
        const angle = (Math.PI / 4) * (i + 0.5);
        context.lineTo(312 + radius * Math.cos(angle), 140 + radius * Math.sin(angle));
      }
      context.closePath();
      context.fillStyle = colour;
      context.fill();
    };
    octagon(110, "white");
    octagon(101, "#b5121b");
    context.fillStyle = "white";
    context.font = "bold 70px Arial, sans-serif";
    context.textAlign = "center";
    context.fillText("STOP", 312, 165);
    return Array.from(new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer()));
  });
  return Buffer.from(bytes);
}
