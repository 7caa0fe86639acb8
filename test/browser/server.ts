// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import { createReadStream, readFileSync, statSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import { stripTypeScriptTypes } from "node:module";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";

const TYPES: Record<string, string> = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".ts": "text/javascript",
  ".wasm": "application/wasm",
};

/** Folders that a page sees, by the first part of the address: {"nncc": "runtime/web/dist"}. */
export type Mounts = Readonly<Record<string, string>>;

export interface PageServer {
  /** Where it listens, without a slash at the end. */
  readonly origin: string;
  close(): Promise<void>;
}

/** Serves files on a free port of localhost, each with `headers`. */
export async function servePages(mounts: Mounts, headers: Record<string, string> = {}): Promise<PageServer> {
  const server = createServer((request, response) => {
    respond(fileOf(mounts, request.url ?? "/"), headers, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { origin: `http://localhost:${port}`, close: () => closed(server) };
}

function fileOf(mounts: Mounts, url: string): string | undefined {
  const path = normalize(decodeURIComponent(new URL(url, "http://localhost").pathname));
  const [, mount = "", ...rest] = path.split("/");
  const folder = mounts[mount];
  return folder === undefined ? undefined : join(folder, ...rest);
}

function respond(file: string | undefined, headers: Record<string, string>, response: ServerResponse): void {
  const length = file && statSync(file, { throwIfNoEntry: false })?.size;
  if (file === undefined || length === undefined) {
    response.writeHead(404).end();
    return;
  }
  if (file.endsWith(".ts")) {
    // As Node itself runs it.
    response.writeHead(200, { "Content-Type": TYPES[".ts"], ...headers });
    response.end(stripTypeScriptTypes(readFileSync(file, "utf8")));
    return;
  }
  const type = TYPES[extname(file)] ?? "application/octet-stream";
  response.writeHead(200, { "Content-Type": type, "Content-Length": length, ...headers });
  createReadStream(file).pipe(response);
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
