// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const dist = join(import.meta.dirname, "../../runtime/web/dist");

/** Bytes of the package as a bundler makes it, compressed as one archive. */
async function bundledBytes(...entries: string[]): Promise<number> {
  const { outputFiles } = await build({
    entryPoints: entries.map((entry) => join(dist, entry)),
    bundle: true, splitting: true, minify: true, write: false, outdir: "bundle",
    format: "esm", target: "es2022", external: ["node:*"],
  });
  return gzipSync(Buffer.concat(outputFiles.map(({ contents }) => contents)), { level: 9 }).length;
}

test("the package is small: a page should wait for its model only", async () => {
  const page = await bundledBytes("index.js", "worker.js");
  const all = await bundledBytes("index.js", "worker.js", "wasi-nn/index.js");
  console.log(`gzip: ${page} bytes, with wasi-nn ${all}`);
  assert.ok(all < 25 * 1024, `${all} bytes`);
});

test("a host for wasi-nn adds less than 8 KB", async () => {
  const page = await bundledBytes("index.js");
  for (const entry of ["wasi-nn/index.js", "wasi-nn/component.js"]) {
    const added = (await bundledBytes("index.js", entry)) - page;
    console.log(`gzip: ${entry} adds ${added} bytes`);
    assert.ok(added < 8 * 1024, `${added} bytes`);
  }
});
