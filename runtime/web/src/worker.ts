// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What each worker of a model runs (threads.ts starts them): an instance of the
// module on the model's memory, which takes parts of kernels until it is ended.

import { IS_NODE } from "./node.js";
import { useVariants, type Variants } from "./relaxed.js";

export interface WorkerCode {
  readonly module: WebAssembly.Module;
  /** What takes the place of some kernels. */
  readonly variants: Variants;
}

/** What a worker is given: as workerData in Node, as its first message in a browser. */
export interface WorkerTask extends WorkerCode {
  readonly memory: WebAssembly.Memory;
  /** The address at which the worker's own stack begins; it grows downwards. */
  readonly stack: number;
}

/** What a worker says: that it takes part, or why it does not any more. */
export type WorkerMessage = { readonly ready: true } | { readonly failed: string };

interface WorkerExports {
  readonly __indirect_function_table?: WebAssembly.Table;
  readonly __stack_pointer: WebAssembly.Global;
  nncc_worker(): void;
  nncc_worker_failed(): void;
}

/** Functions of the host are called between kernels, by the caller's thread alone. */
function importsOf({ module, memory }: WorkerTask): WebAssembly.Imports {
  const functions = WebAssembly.Module.imports(module).filter(({ module: from }) => from === "nncc");
  const refuse = (): never => {
    throw new Error("a worker has no functions of the host");
  };
  return { env: { memory }, nncc: Object.fromEntries(functions.map(({ name }) => [name, refuse])) };
}

async function work(task: WorkerTask, say: (message: WorkerMessage) => void): Promise<void> {
  try {
    const { exports } = await WebAssembly.instantiate(task.module, importsOf(task));
    await useVariants(task.variants, { ...(exports as unknown as WorkerExports), memory: task.memory });
    const { __stack_pointer, nncc_worker, nncc_worker_failed } = exports as unknown as WorkerExports;
    __stack_pointer.value = task.stack;
    say({ ready: true });
    try {
      nncc_worker();
    } catch (error) {
      nncc_worker_failed();
      throw error;
    }
  } catch (error) {
    say({ failed: error instanceof Error ? error.message : String(error) });
  }
}

if (IS_NODE) {
  const { parentPort, workerData } = process.getBuiltinModule("node:worker_threads");
  await work(workerData as WorkerTask, (message) => parentPort?.postMessage(message));
} else {
  addEventListener("message", (event: MessageEvent<WorkerTask>) => void work(event.data, postMessage), { once: true });
}
