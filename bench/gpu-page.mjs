// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Runs a job (gpu-race.mjs) in a page of the system's Chromium: gpu-page.mjs FOLDER
// Prints the result as JSON. SwiftShader takes the place of a GPU where the browser finds none.

import { join } from "node:path";
import { launchChromium, WEBGPU } from "../test/browser/chromium.ts";
import { servePages } from "../test/browser/server.ts";

/** What headless Chromium needs to use a GPU on Linux. */
const HARDWARE = [
  "--enable-unsafe-webgpu", "--enable-features=Vulkan", "--use-angle=vulkan", "--ignore-gpu-blocklist",
];

const root = join(import.meta.dirname, "..");
const server = await servePages(
  {
    nncc: join(root, "runtime/web/dist"), ort: join(root, "node_modules/onnxruntime-web/dist"),
    bench: import.meta.dirname, job: process.argv[2], pages: join(root, "test/browser"),
  },
  { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" },
);

async function openPage(flags) {
  const browser = await launchChromium(flags);
  const page = await browser.newPage();
  await page.goto(`${server.origin}/pages/page.html`);
  const isGpu = await page.evaluate(async () => {
    const { findAdapter } = await import("/bench/gpu-race.mjs");
    return findAdapter().then(({ isSoftware }) => !isSoftware, () => false);
  });
  return { browser, page, isGpu };
}

async function openBest() {
  const hardware = await openPage(HARDWARE);
  if (hardware.isGpu) return hardware;
  await hardware.browser.close();
  return openPage(WEBGPU);
}

const { browser, page } = await openBest();
try {
  const result = await page.evaluate(async () => {
    const read = async (name) => new Uint8Array(await (await fetch(`/job/${name}`)).arrayBuffer());
    const { readJob, runJob } = await import("/bench/gpu-race.mjs");
    const runtimes = { nncc: "/nncc/index.js", ort: "/ort/ort.webgpu.min.mjs" };
    const job = await readJob(read);
    const files = { module: `${location.origin}/job/${job.module}`, network: () => `/job/${job.network}` };
    return runJob({ ...job, ...files, runtimes });
  });
  console.log(JSON.stringify(result));
} finally {
  await browser.close();
  await server.close();
}
