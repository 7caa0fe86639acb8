// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import assert from "node:assert/strict";
import { join, relative } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { build, type BuildOptions, type Metafile } from "esbuild";

const dist = join(import.meta.dirname, "../../runtime/web/dist");

const options = {
  bundle: true, splitting: true, minify: true, write: false, metafile: true, outdir: "bundle",
  format: "esm", target: "es2022", external: ["node:*"], absWorkingDir: dist,
} satisfies BuildOptions;

/** The bundled files that come with `entries`, and not only when something is asked for. */
function filesOf(entries: readonly string[], { outputs }: Metafile): Set<string> {
  const files = new Set<string>();
  const add = (file: string): void => {
    if (outputs[file] === undefined || files.has(file)) return;
    files.add(file);
    for (const { kind, path } of outputs[file].imports) if (kind === "import-statement") add(path);
  };
  for (const [file, { entryPoint }] of Object.entries(outputs)) if (entries.includes(entryPoint ?? "")) add(file);
  return files;
}

/** Bytes of the package as a bundler makes it, compressed as one archive: what is loaded at once, and in all. */
async function bundledBytes(...entries: string[]): Promise<{ atOnce: number; all: number }> {
  const { outputFiles, metafile } = await build({ ...options, entryPoints: entries });
  const atOnce = filesOf(entries, metafile);
  const bytesOf = (files: typeof outputFiles): number =>
    gzipSync(Buffer.concat(files.map(({ contents }) => contents)), { level: 9 }).length;
  return { atOnce: bytesOf(outputFiles.filter(({ path }) => atOnce.has(relative(dist, path)))), all: bytesOf(outputFiles) };
}

test("the package is small: a page should wait for its model only", async () => {
  const { atOnce: page } = await bundledBytes("index.js", "worker.js");
  const { atOnce, all } = await bundledBytes("index.js", "worker.js", "wasi-nn/index.js");
  console.log(`gzip: ${page} bytes, with wasi-nn ${atOnce}; profiling adds ${all - atOnce}`);
  assert.ok(all < 25 * 1024, `${all} bytes`);
});

test("a host for wasi-nn adds less than 8 KB", async () => {
  const { atOnce: page } = await bundledBytes("index.js");
  for (const entry of ["wasi-nn/index.js", "wasi-nn/component.js"]) {
    const added = (await bundledBytes("index.js", entry)).atOnce - page;
    console.log(`gzip: ${entry} adds ${added} bytes`);
    assert.ok(added < 8 * 1024, `${added} bytes`);
  }
});
