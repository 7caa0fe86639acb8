// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Two models in one page whose runs wait for the CPU in between, at once: each
// keeps its own run, on devices of their own and on one that they share.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Browser } from "playwright-core";
import type { DType, Tensor } from "../../runtime/web/dist/index.js";
import { compare } from "../../tools/nncc-run/dist/compare.js";
import { launchChromium, noChromium, WEBGPU } from "./chromium.ts";
import { compile, folder, noGpuTarget, root } from "./digits.ts";
import { servePages, type PageServer } from "./server.ts";

interface Numbers {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

interface Run {
  readonly inputs: readonly Numbers[];
  readonly outputs: readonly Numbers[];
}

const NETWORKS = ["detector", "loop"];
const skip = noChromium || noGpuTarget;

let browser: Browser;
let server: PageServer;

before(async () => {
  if (skip) return;
  mkdirSync(folder, { recursive: true });
  execFileSync(join(root, ".venv/bin/python"), [join(import.meta.dirname, "make_segmented.py"), folder]);
  for (const name of NETWORKS) compile(join(folder, `${name}.onnx`), `${name}.wasm`, "--target=webgpu", "--no-fallback");
  server = await servePages({ nncc: join(root, "runtime/web/dist"), models: folder, pages: import.meta.dirname });
  browser = await launchChromium(WEBGPU);
});

after(async () => {
  await browser?.close();
  await server?.close();
});

/** For each network the outputs of its runs, which take turns with those of the others. */
async function runInPage(share: boolean): Promise<Numbers[][][]> {
  const page = await browser.newPage();
  await page.goto(`${server.origin}/pages/page.html`);
  const answers = await page.evaluate(async ({ networks, share }) => {
    const runtime = "/nncc/index.js";
    const nncc = (await import(runtime)) as typeof import("../../runtime/web/dist/index.js");
    let gpu: GPUDevice | undefined;
    const work = [];
    for (const name of networks) {
      const model = await nncc.loadModel(`/models/${name}.wasm`, { device: "gpu", ...(gpu && { gpu }) });
      if (share) gpu ??= model.gpu;
      const runs = (await (await fetch(`/models/${name}.json`)).json()) as Run[];
      work.push(async () => {
        const answers = [];
        for (const { inputs } of runs) {
          const given = inputs.map(({ name, dtype, shape, data }) => {
            const elements = dtype === "i64" ? BigInt64Array.from(data, BigInt) : Float32Array.from(data);
            return [name, { dtype, shape, data: elements }];
          });
          const outputs = Object.entries(await model.run(Object.fromEntries(given) as Record<string, Tensor>));
          answers.push(outputs.map(([name, { dtype, shape, data }]) =>
            ({ name, dtype, shape, data: Array.from(data as Iterable<number | bigint>, Number) })));
        }
        return answers;
      });
    }
    return Promise.all(work.map((start) => start()));
  }, { networks: NETWORKS, share });
  await page.close();
  return answers;
}

function toTensor({ dtype, shape, data }: Numbers): Tensor {
  return { dtype, shape, data: dtype === "i64" ? BigInt64Array.from(data, BigInt) : Float32Array.from(data) };
}

for (const share of [false, true]) {
  test(`models in segments side by side${share ? ", on one device" : ""}`, { skip, timeout: 120_000 }, async () => {
    const answers = await runInPage(share);
    NETWORKS.forEach((name, i) => {
      const runs = JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")) as Run[];
      runs.forEach(({ outputs }, run) => outputs.forEach((expected, j) => {
        const got = answers[i]![run]![j]!;
        assert.deepEqual([got.name, got.shape], [expected.name, expected.shape]);
        const { ok, text } = compare(toTensor(got), toTensor(expected), { rtol: 1e-3, atol: 1e-4 });
        assert.ok(ok, `${name}, run ${run}: ${text}`);
      }));
    });
  });
}
