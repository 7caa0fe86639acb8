// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Writes the page as a folder of files for any web server: node build.ts FOLDER

import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: node build.ts FOLDER");
const source = import.meta.dirname;
mkdirSync(join(folder, "models"), { recursive: true });
for (const file of ["index.html", "style.css"]) copyFileSync(join(source, file), join(folder, file));
await build({
  entryPoints: [join(source, "main.ts")],
  bundle: true, minify: true, outdir: folder,
  format: "esm", target: "es2022", external: ["node:*"],
});
