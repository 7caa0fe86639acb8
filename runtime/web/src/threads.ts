// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The shared memory and the workers of a module that was compiled with --threads.

import type { ModuleExports } from "./abi.js";
import { NnccError, messageOf } from "./errors.js";
import { IS_NODE } from "./node.js";
import { allocate } from "./module-memory.js";
import { jsonSectionOf } from "./sections.js";
import type { WorkerCode, WorkerMessage, WorkerTask } from "./worker.js";

/** How many threads a model runs on. */
export interface Threading {
  readonly count: number;
  /** Why they are fewer than the caller asked for. */
  readonly reason?: string;
}

export interface ThreadOptions {
  /** With the caller's; by default one a core, at most 8. Only modules built with --threads have more than one. */
  readonly threads?: number | undefined;
  /** The most that the shared memory may grow to; the address space by default. */
  readonly maxMemoryBytes?: number | undefined;
}

const PAGE_BYTES = 65536;
const STACK_BYTES = 65536;
const MOST_BY_DEFAULT = 8;
/** Milliseconds until a worker that does not answer is an error. */
const START_LIMIT = 20_000;

const SECTION = "nncc.threads";

interface Limits {
  /** Pages of 64 KiB. */
  readonly initial: number;
  readonly maximum: number;
}

interface ThreadExports extends ModuleExports {
  nncc_set_threads(count: number): void;
}

/** The shared memory that `module` wants to be given; undefined when it has its own. */
export function sharedMemoryFor(module: WebAssembly.Module, options: ThreadOptions): WebAssembly.Memory | undefined {
  const section = jsonSectionOf(module, SECTION) as { memory: Limits } | undefined;
  if (section === undefined) return undefined;
  const { memory } = section;
  let maximum = memory.maximum;
  if (options.maxMemoryBytes !== undefined) {
    maximum = Math.min(maximum, Math.floor(options.maxMemoryBytes / PAGE_BYTES));
  }
  // The address space is reserved at once, which small devices refuse.
  for (; maximum >= memory.initial; maximum = Math.floor(maximum / 2)) {
    try {
      return new WebAssembly.Memory({ initial: memory.initial, maximum, shared: true });
    } catch (error) {
      if (!(error instanceof RangeError)) {
        throw NnccError.of("out-of-memory", "this host has no shared memory", error);
      }
    }
  }
  throw new NnccError("out-of-memory", `no room for the module's ${memory.initial * PAGE_BYTES} bytes of shared memory`);
}

/** How many threads to start for a module, and why not as many as `wanted`. */
export function chooseThreads(hasThreads: boolean, wanted: number | undefined): Threading {
  if (wanted !== undefined && !(Number.isInteger(wanted) && wanted >= 1)) {
    throw new NnccError("bad-threads", `threads: ${wanted}: must be a whole number, 1 or more`);
  }
  if (wanted === 1) return { count: 1 };
  if (!hasThreads) {
    return wanted === undefined ? { count: 1 } : { count: 1, reason: "the module was compiled without --threads" };
  }
  if (globalThis.crossOriginIsolated === false) {
    const headers = "Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp";
    return { count: 1, reason: `the page is not cross-origin isolated: serve it with ${headers}` };
  }
  return { count: wanted ?? Math.min(countCores(), MOST_BY_DEFAULT) };
}

function countCores(): number {
  if (IS_NODE) return process.getBuiltinModule("node:os").availableParallelism();
  return navigator.hardwareConcurrency || 1;
}

/** What is the same of a worker in Node and in a browser. */
interface Handle {
  terminate(): unknown;
  /** Lets the program end though the worker is there. */
  unref?(): void;
}

interface Events {
  message(message: WorkerMessage): void;
  ended(why: string): void;
}

/** The workers of one model; the caller's thread is not among them. */
export class WorkerPool {
  readonly #workers: Handle[] = [];
  #why: string | undefined;

  /** Starts `count` workers and waits for them. Throws `worker-failed`. */
  static async start(
    code: WorkerCode, exports: ModuleExports, count: number,
  ): Promise<WorkerPool> {
    const pool = new WorkerPool();
    try {
      await Promise.all(Array.from({ length: count }, () => pool.#add(code, exports)));
    } catch (error) {
      pool.stop();
      throw error;
    }
    for (const worker of pool.#workers) worker.unref?.();
    (exports as ThreadExports).nncc_set_threads(count + 1);
    return pool;
  }

  /** Why a worker is gone, once one is. */
  get failure(): string | undefined {
    return this.#why;
  }

  /** Ends the workers, wherever they are. */
  stop(): void {
    for (const worker of this.#workers.splice(0)) worker.terminate();
  }

  async #add(code: WorkerCode, exports: ModuleExports): Promise<void> {
    const block = allocate(exports, STACK_BYTES);
    const task = { ...code, memory: exports.memory, stack: block + STACK_BYTES };
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        const fail = (why: string): void => {
          this.#why ??= why;
          reject(new NnccError("worker-failed", `a worker does not start: ${why}`));
        };
        timer = setTimeout(() => fail(`no answer in ${START_LIMIT} ms`), START_LIMIT);
        const message = (said: WorkerMessage): void => ("ready" in said ? resolve() : fail(said.failed));
        this.#workers.push(openWorker(task, { message, ended: fail }));
      });
    } finally {
      clearTimeout(timer);
    }
  }
}

/** From the package's own file, so that no page has to allow the evaluation of text. */
function openWorker(task: WorkerTask, events: Events): Handle {
  if (!IS_NODE) {
    const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    worker.onmessage = (event: MessageEvent<WorkerMessage>) => events.message(event.data);
    worker.onerror = (event) => events.ended(event.message || "its script cannot be loaded");
    worker.postMessage(task);
    return worker;
  }
  const { Worker: NodeWorker } = process.getBuiltinModule("node:worker_threads");
  const worker = new NodeWorker(new URL("./worker.js", import.meta.url), { workerData: task });
  worker.on("message", events.message);
  worker.on("error", (error) => events.ended(messageOf(error)));
  worker.on("exit", (code) => events.ended(`it ended with status ${code}`));
  return worker;
}
