// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The driver in Chromium: the same cases as in Node (test/gpu).

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { cases, type Place } from "../gpu/conformance.ts";
import { makeBareModule, program } from "../gpu/program.ts";
import { launchChromium, noChromium, WEBGPU } from "./chromium.ts";
import { folder, root } from "./digits.ts";
import { servePages, type PageServer } from "./server.ts";

const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src data:";

let browser: Browser;
let server: PageServer;
let page: Page;

before(async () => {
  if (noChromium) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "affine.wasm"), makeBareModule());
  const mounts = { nncc: "runtime/web/dist", runtime: "runtime", models: "build/test-browser", pages: "test/browser", gpu: "test/gpu" };
  const folders = Object.fromEntries(Object.entries(mounts).map(([name, path]) => [name, join(root, path)]));
  server = await servePages(folders, { "Content-Security-Policy": POLICY });
  browser = await launchChromium(WEBGPU);
  page = await browser.newPage();
  await page.goto(`${server.origin}/pages/page.html`);
});

after(async () => {
  await browser?.close();
  await server?.close();
});

/** Runs the case called `name` in the page; what it threw, or nothing. */
function runInPage(name: string): Promise<string> {
  return page.evaluate(async ([name, section]) => {
    const [runtime, suite, fixture] = ["/nncc/index.js", "/gpu/conformance.ts", "/gpu/section.ts"];
    const nncc = (await import(runtime)) as Place["nncc"];
    const { cases } = (await import(suite)) as typeof import("../gpu/conformance.ts");
    const { withSection } = (await import(fixture)) as typeof import("../gpu/section.ts");
    const bytes = new Uint8Array(await (await fetch("/models/affine.wasm")).arrayBuffer());
    const variant = (changes: object): Uint8Array<ArrayBuffer> =>
      withSection(bytes, "nncc.webgpu", JSON.stringify({ ...JSON.parse(section!), ...changes }));
    try {
      await cases.find((candidate) => candidate.name === name)!.run({ nncc, module: variant({}), variant });
      return "";
    } catch (error) {
      return (error as Error).stack ?? String(error);
    }
  }, [name, JSON.stringify(program)]);
}

for (const { name } of cases) {
  test(name, { skip: noChromium }, async () => {
    const problem = await runInPage(name);
    if (problem !== "") throw new Error(problem);
  });
}

/** What the cases threw in a worker of the page. */
function runInWorker(kind: "worker" | "service worker"): Promise<Record<string, string>> {
  return page.evaluate(async ([kind, section]) => {
    const module = await (await fetch("/models/affine.wasm")).arrayBuffer();
    const { port1, port2 } = new MessageChannel();
    const answer = new Promise<Record<string, string>>((resolve) => (port1.onmessage = ({ data }) => resolve(data)));
    const script = "/gpu/in-worker.ts";
    if (kind === "worker") {
      new Worker(script, { type: "module" }).postMessage({ module, section, port: port2 }, [port2]);
    } else {
      const { installing } = await navigator.serviceWorker.register(script, { type: "module" });
      installing!.postMessage({ module, section, port: port2 }, [port2]);
    }
    return answer;
  }, [kind, JSON.stringify(program)] as const);
}

for (const kind of ["worker", "service worker"] as const) {
  test(`all of it in a ${kind}`, { skip: noChromium, timeout: 60_000 }, async () => {
    const thrown = await runInWorker(kind);
    assert.deepEqual(thrown, Object.fromEntries(cases.map(({ name }) => [name, ""])));
  });
}
