// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import { Errno, WasiNNError } from "./errno.js";
import { Graph, compileGraph } from "./graph.js";
import type { WasiNNOptions } from "./host.js";
import { sha256 } from "./sha256.js";

const WASM_MAGIC = 0x6d736100;

/** What guests can open, in both interfaces. */
export class Models {
  readonly #named = new Map<string, Graph>();

  readonly #substitute: Graph | undefined;

  constructor({ models = {}, substitute }: WasiNNOptions) {
    for (const [name, entry] of Object.entries(models)) {
      this.#named.set(name, "model" in entry ? new Graph(entry.model, entry.state) : new Graph(entry));
    }
    this.#substitute = substitute === undefined ? undefined : this.byName(substitute);
  }

  /** Whether a call may have to wait for a GPU. */
  get useGpu(): boolean {
    return [...this.#named.values()].some(({ model }) => model.device === "gpu");
  }

  /** Whether guests may load files of any format. */
  get takesAnyFile(): boolean {
    return this.#substitute !== undefined;
  }

  byName(name: string): Graph {
    const graph = this.#named.get(name);
    if (graph === undefined) throw new WasiNNError(Errno.NotFound, `no model is registered as '${name}'`);
    return graph;
  }

  /** Of a module that nncc made, or of the ONNX file that a registered one was made from. */
  fromBytes(bytes: Uint8Array<ArrayBuffer>): Graph {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length >= 8 && view.getUint32(0, true) === WASM_MAGIC) return compileGraph(bytes);
    const hash = sha256(bytes);
    for (const graph of this.#named.values()) if (graph.model.signature.source.sha256 === hash) return graph;
    if (this.#substitute !== undefined) return this.#substitute;
    throw new WasiNNError(Errno.InvalidEncoding, `neither an nncc module nor the source of a registered one (${hash})`);
  }
}
