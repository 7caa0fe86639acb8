// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The weight file of a module that has its weights outside, and the cache for it.

import type { ModuleExports } from "./abi.js";
import { NnccError } from "./errors.js";
import type { Signature } from "./signature.js";
import { readBytes, type FetchOptions, type Source } from "./source.js";

export interface WeightOptions extends FetchOptions {
  /** Whether, or under which name, a browser keeps weight files; in "nncc" by default. */
  readonly cache?: boolean | string | undefined;
}

const CACHE_NAME = "nncc";

/**
 * Writes the weights from `place` into the module's memory. Throws
 * `bad-weights` when they are not those that the module was compiled with.
 */
export async function loadWeights(
  place: Source | undefined, signature: Signature, exports: ModuleExports, options: WeightOptions,
): Promise<void> {
  if (signature.weights === "embedded") return;
  const { file, sha256 } = signature.weights;
  if (place === undefined) {
    throw new NnccError("bad-weights", `the weights are in '${file}': give the option 'weights'`);
  }
  const bytes = await fetchWeights(place, file, sha256, options);
  const data = safetensorsData(bytes);
  if (data?.length !== signature.weightBytes) {
    throw new NnccError("bad-weights", `'${file}' does not hold the ${signature.weightBytes} bytes of weights`);
  }
  const address = (exports.nncc_weights?.() ?? 0) >>> 0;
  if (address === 0 || address + bytes.length > exports.memory.buffer.byteLength) {
    throw new NnccError("bad-weights", `the module has no room for the ${bytes.length} bytes of '${file}'`);
  }
  // The whole file: the module knows how long the header is.
  new Uint8Array(exports.memory.buffer).set(bytes, address);
}

async function fetchWeights(place: Source, file: string, sha256: string, options: WeightOptions): Promise<Uint8Array> {
  const cache = sha256 === "" ? undefined : await CachedFile.open(place, sha256, options.cache ?? true);
  const cached = await cache?.read();
  if (cached !== undefined && (await sha256Of(cached)) === sha256) {
    options.onProgress?.(cached.length, cached.length, "weights");
    return cached;
  }
  let bytes: Uint8Array;
  try {
    bytes = await readBytes(place, "weights", options);
  } catch (error) {
    throw NnccError.of("bad-weights", `weights '${file}'`, error);
  }
  if (sha256 !== "" && (await sha256Of(bytes)) !== sha256) {
    throw new NnccError("bad-weights", `'${file}' is not the weight file of this module`);
  }
  // Nobody waits for it, and without room for it the next load fetches again.
  cache?.write(bytes).catch(() => undefined);
  return bytes;
}

/** What follows the header of a safetensors file; undefined when it is not one. */
function safetensorsData(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length < 8) return undefined;
  const header = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  return header <= BigInt(bytes.length - 8) ? bytes.subarray(8 + Number(header)) : undefined;
}

/** In hex. */
async function sha256Of(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await globalThis.crypto.subtle.digest("SHA-256", bytes as BufferSource));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** One file in the browser's cache, by its address and its hash. */
class CachedFile {
  readonly #cache: Cache;
  readonly #address: URL;

  private constructor(cache: Cache, address: URL) {
    this.#cache = cache;
    this.#address = address;
  }

  /** Undefined where there is no cache, or none for such a source. */
  static async open(place: Source, sha256: string, name: boolean | string): Promise<CachedFile | undefined> {
    if (name === false || globalThis.caches === undefined) return undefined;
    try {
      const address = new URL(place as string | URL, globalThis.location?.href);
      if (!/^https?:$/.test(address.protocol)) return undefined;
      address.searchParams.set("sha256", sha256);
      return new CachedFile(await caches.open(name === true ? CACHE_NAME : name), address);
    } catch {
      // Bytes have no address; private windows refuse the cache.
      return undefined;
    }
  }

  /** Undefined also where the copy cannot be read any more. */
  async read(): Promise<Uint8Array | undefined> {
    try {
      const response = await this.#cache.match(this.#address);
      return response && new Uint8Array(await response.arrayBuffer());
    } catch {
      return undefined;
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    // Files of earlier compilations go first, and damaged ones.
    await this.#cache.delete(this.#address, { ignoreSearch: true });
    await this.#cache.put(this.#address, new Response(bytes as BufferSource));
  }
}
