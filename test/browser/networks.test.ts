// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Published networks on the GPU of a page, where a folder of them is at hand,
// compared with the outputs that come with them.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Browser } from "playwright-core";
import { arrayClass, signatureOf, type DType, type Tensor } from "../../runtime/web/dist/index.js";
import { compare } from "../../tools/nncc-run/dist/compare.js";
import { expectedFromFolder, inputsFromFolder } from "../../tools/nncc-run/dist/inputs.js";
import { launchChromium, noChromium, WEBGPU } from "./chromium.ts";
import { compile, folder, noGpuTarget, root } from "./digits.ts";
import { servePages, type PageServer } from "./server.ts";

const networks = process.env.NNCC_MODELS ?? join(root, "../shared/models");
const [RTOL, ATOL] = [1e-3, 1e-4];

let browser: Browser;
let server: PageServer;

before(async () => {
  if (noChromium) return;
  mkdirSync(folder, { recursive: true });
  server = await servePages({ nncc: join(root, "runtime/web/dist"), models: folder, pages: import.meta.dirname });
  browser = await launchChromium(WEBGPU);
});

after(async () => {
  await browser?.close();
  await server?.close();
});

/** A tensor whose elements are a file beside the modules. */
interface FileTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly file: string;
}

function toFile(file: string, { dtype, shape, data }: Tensor): FileTensor {
  writeFileSync(join(folder, file), new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return { dtype, shape, file };
}

/** Runs a module on the GPU of a page; the outputs with their bytes as numbers. */
async function runInPage(module: string, inputs: Record<string, FileTensor>): Promise<Tensor[]> {
  const page = await browser.newPage();
  await page.goto(`${server.origin}/pages/page.html`);
  const outputs = await page.evaluate(async ({ module, inputs }) => {
    const runtime = "/nncc/index.js";
    const nncc = (await import(runtime)) as typeof import("../../runtime/web/dist/index.js");
    const model = await nncc.loadModel(`/models/${module}`, { device: "gpu" });
    const given: Record<string, Tensor> = {};
    for (const [name, { dtype, shape, file }] of Object.entries(inputs)) {
      const bytes = await (await fetch(`/models/${file}`)).arrayBuffer();
      given[name] = { dtype, shape, data: new (nncc.arrayClass(dtype))(bytes) };
    }
    const tensors = Object.values(await model.run(given));
    model.dispose();
    return tensors.map(({ dtype, shape, data }) =>
      ({ dtype, shape, bytes: Array.from(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)) }));
  }, { module, inputs });
  await page.close();
  return outputs.map(({ dtype, shape, bytes }) =>
    ({ dtype, shape, data: new (arrayClass(dtype))(Uint8Array.from(bytes).buffer) }));
}

for (const name of ["mnist-8", "yolox-nano-416", "silero-vad-v2-transformer"]) {
  const source = join(networks, name);
  const skip = noChromium || noGpuTarget || (!existsSync(source) && `no ${source}`);
  test(name, { skip, timeout: 300_000 }, async () => {
    const module = compile(join(source, "model.onnx"), `${name}.wasm`, "--target=webgpu");
    const signature = signatureOf(await WebAssembly.compile(readFileSync(module)));
    const data = join(source, "test_data_set_0");
    const inputs = Object.entries(inputsFromFolder(data, signature)).map(([input, tensor], i) =>
      [input, toFile(`${name}-${i}.bin`, tensor)] as const);
    const outputs = await runInPage(`${name}.wasm`, Object.fromEntries(inputs));
    expectedFromFolder(data, signature).forEach((expected, i) => {
      if (expected === undefined) return;
      const { ok, text } = compare(outputs[i]!, expected, { rtol: RTOL, atol: ATOL });
      assert.ok(ok, text);
    });
  });
}
