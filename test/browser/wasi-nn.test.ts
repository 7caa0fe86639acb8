// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The page of examples/wasi-nn: programs for WASI and wasi-nn in a browser.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Browser } from "playwright-core";
import { launchChromium, noChromium } from "./chromium.ts";
import { root } from "./digits.ts";
import { servePages, type PageServer } from "./server.ts";

const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";
const python = join(root, ".venv/bin/python");
const example = join(root, "examples/wasi-nn/run.py");

let browser: Browser;
let server: PageServer;

before(async () => {
  if (noChromium) return;
  execFileSync(python, [example, "build-page"]);
  const site = join(root, "build/examples/wasi-nn/site");
  server = await servePages({ site }, { "Content-Security-Policy": POLICY });
  browser = await launchChromium();
});

after(async () => {
  await browser?.close();
  await server?.close();
});

/** What the form says of its example, or of another input. */
async function ask(form: string, input?: string): Promise<string> {
  const page = await browser.newPage();
  await page.goto(`${server.origin}/site/page.html`);
  await page.waitForSelector(`#${form}[data-ready]`);
  if (input !== undefined) await page.fill(`#${form} textarea`, input);
  await page.click(`#${form} button`);
  const output = page.locator(`#${form} output`);
  await page.waitForFunction((id) => document.querySelector(`#${id} output`)?.textContent !== "", form);
  const text = await output.textContent();
  await page.close();
  return text ?? "";
}

/** The same program and model in one file, in wasmtime. */
function askWasmtime(name: string): string {
  return execFileSync(python, [example, name], { encoding: "utf8" }).trim().replaceAll("\n", ", ");
}

test("a picture is classified in a page as in wasmtime", { skip: noChromium }, async () => {
  const answer = await ask("digits");
  assert.match(answer, /^3 \d+\.\d%/);
  assert.equal(answer, askWasmtime("image-c"));
});

test("so is a text", { skip: noChromium }, async () => {
  assert.match(askWasmtime("text"), /^English/);
  assert.equal(await ask("languages"), askWasmtime("text"));
  assert.match(await ask("languages", "Wo ist denn der Schlüssel, den ich gestern hatte?"), /^German/);
});

test("a program says what is wrong with its input", { skip: noChromium }, async () => {
  assert.match(await ask("digits", "P2 9 9 16"), /no PGM picture/);
});
