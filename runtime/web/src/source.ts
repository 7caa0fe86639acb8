// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Where modules and weights come from: memory, the network, or a file under Node.

import { NnccError } from "./errors.js";
import { IS_NODE } from "./node.js";

/** A URL, a path (where there are files), the bytes, or a response on its way. */
export type Source = URL | string | ArrayBuffer | Uint8Array | Response | Promise<Response>;

/** Called while a file comes in; `total` is 0 when the server does not say. */
export type Progress = (loaded: number, total: number, file: "module" | "weights") => void;

/** How to fetch. */
export interface FetchOptions {
  readonly onProgress?: Progress | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The module at `source`, compiled while it arrives where the engine can. */
export async function compileModule(source: Source, options: FetchOptions = {}): Promise<WebAssembly.Module> {
  const opened = await open(source, "module", options);
  try {
    if (opened instanceof Uint8Array) return await WebAssembly.compile(opened as BufferSource);
    const streams = opened.headers.get("content-type")?.startsWith("application/wasm");
    return await (streams ? WebAssembly.compileStreaming(opened) : WebAssembly.compile(await opened.arrayBuffer()));
  } catch (error) {
    if (error instanceof NnccError) throw error;
    throw NnccError.of("bad-module", "this engine does not accept the module", error);
  }
}

/** All bytes at `source`. Throws `load-failed`. */
export async function readBytes(
  source: Source, file: "module" | "weights", options: FetchOptions = {},
): Promise<Uint8Array> {
  const opened = await open(source, file, options);
  if (opened instanceof Uint8Array) return opened;
  try {
    return new Uint8Array(await opened.arrayBuffer());
  } catch (error) {
    if (error instanceof NnccError) throw error;
    throw NnccError.of("load-failed", "the download broke off", error);
  }
}

/** The file called `name` beside `source`; undefined when the source has no place. */
export async function beside(source: Source, name: string): Promise<Source | undefined> {
  if (source instanceof Promise) return beside(await source, name);
  if (typeof source === "string" && isPath(source)) {
    const path = process.getBuiltinModule("node:path");
    return path.join(path.dirname(source), name);
  }
  const place = placeOf(source);
  return place ? new URL(encodeURIComponent(name), place) : undefined;
}

/** Where a source is, if it has a place. */
function placeOf(source: Awaited<Source>): URL | string | undefined {
  if (typeof source === "string") return new URL(source, globalThis.location?.href);
  return "url" in source ? source.url : source instanceof URL ? source : undefined;
}

async function open(
  source: Source, file: "module" | "weights", options: FetchOptions,
): Promise<Uint8Array | Response> {
  const opened = await openSource(source, options);
  // Not `instanceof Response`: to know that class, Node loads all of fetch, for 20 ms.
  if ("url" in opened) return watched(opened, file, options);
  options.onProgress?.(opened.length, opened.length, file);
  return opened;
}

async function openSource(source: Source, options: FetchOptions): Promise<Uint8Array | Response> {
  if (source instanceof Uint8Array) return source;
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  try {
    const opened = typeof source === "string" || source instanceof URL ? await openPlace(source, options) : await source;
    if ("url" in opened && !opened.ok) {
      throw new Error(`the server answered ${opened.status} ${opened.statusText}`);
    }
    return opened;
  } catch (error) {
    const name = typeof source === "string" || source instanceof URL ? String(source) : "response";
    throw NnccError.of("load-failed", name, error);
  }
}

async function openPlace(place: string | URL, { signal }: FetchOptions): Promise<Uint8Array | Response> {
  const isFile = place instanceof URL ? place.protocol === "file:" : isPath(place);
  if (!isFile) return fetch(place, signal === undefined ? {} : { signal });
  return process.getBuiltinModule("node:fs/promises").readFile(place, { signal });
}

/** `response` with its bytes counted on their way, so that a part is not taken for the whole. */
function watched(response: Response, file: "module" | "weights", options: FetchOptions): Response {
  if (response.body === null) return response;
  // What is compressed has its length before that.
  const known = response.headers.get("content-encoding") === null;
  const total = known ? Number(response.headers.get("content-length") ?? 0) : 0;
  let loaded = 0;
  const counter = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(part, controller) {
      loaded += part.length;
      options.onProgress?.(loaded, total, file);
      controller.enqueue(part);
    },
    flush() {
      if (total !== 0 && loaded !== total) {
        throw new NnccError("load-failed", `the download broke off after ${loaded} of ${total} bytes`);
      }
    },
  });
  const { signal } = options;
  return new Response(response.body.pipeThrough(counter, signal === undefined ? {} : { signal }), response);
}

/** Whether a string means a file: only where there is no page to be relative to. */
function isPath(text: string): boolean {
  return IS_NODE && !/^[a-z][a-z0-9+.-]+:\/\//i.test(text);
}
