// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Runs a job (engine.mjs) in a page of the system's Chromium: node engine-page.mjs FOLDER
// Prints the result as JSON.

import { join } from "node:path";
import { launchChromium } from "../test/browser/chromium.ts";
import { servePages } from "../test/browser/server.ts";

const root = join(import.meta.dirname, "..");
const mounts = { nncc: join(root, "runtime/web/dist"), bench: import.meta.dirname, job: process.argv[2] };
// Isolated pages have the finer clock; any file serves as the page.
const server = await servePages(
  { ...mounts, pages: join(root, "test/browser") },
  { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" },
);
const browser = await launchChromium();
const page = await browser.newPage();
await page.goto(`${server.origin}/pages/page.html`);
const result = await page.evaluate(async () => {
  const read = async (name) => new Uint8Array(await (await fetch(`/job/${name}`)).arrayBuffer());
  const [runtime, { measureJob }] = await Promise.all([import("/nncc/index.js"), import("/bench/engine.mjs")]);
  const job = JSON.parse(new TextDecoder().decode(await read("job.json")));
  return measureJob(runtime, job, read);
});
console.log(JSON.stringify(result));
await browser.close();
await server.close();
