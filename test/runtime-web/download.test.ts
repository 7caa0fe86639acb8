// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Downloads that go wrong.

import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { loadModel } from "nncc";
import { makeModule } from "./fixture.ts";

const module = makeModule();
const half = module.length >> 1;
const code = (word: string, text = /./) => ({ name: "NnccError", code: word, message: text });

async function serving(listener: RequestListener, use: (address: string) => Promise<void>): Promise<void> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/model.wasm`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const headers = { "Content-Type": "application/wasm", "Content-Length": module.length };

test("tells of every byte", async () => {
  await serving((_, response) => response.writeHead(200, headers).end(module), async (address) => {
    const seen: [number, number, string][] = [];
    await loadModel(address, { onProgress: (...news) => seen.push(news) });
    assert.deepEqual(seen.at(-1), [module.length, module.length, "module"]);
  });
});

test("a part is not taken for the whole", async () => {
  const cut: RequestListener = (_, response) => {
    response.writeHead(200, headers).write(module.subarray(0, half), () => response.destroy());
  };
  await serving(cut, async (address) => {
    await assert.rejects(loadModel(address), { name: "NnccError" });
  });
  const short = new Response(module.subarray(0, half), { headers: { "content-length": String(module.length) } });
  await assert.rejects(loadModel(short), code("load-failed", new RegExp(`${half} of ${module.length} bytes`)));
});

test("an abort ends the download", async () => {
  let closed: () => void;
  const isClosed = new Promise<void>((resolve) => (closed = resolve));
  const stall: RequestListener = (_, response) => {
    response.on("close", () => closed());
    response.writeHead(200, headers).write(module.subarray(0, half));
  };
  await serving(stall, async (address) => {
    const controller = new AbortController();
    const onProgress = (): void => controller.abort();
    await assert.rejects(loadModel(address, { onProgress, signal: controller.signal }), code("aborted"));
    await isClosed;
  });
});
