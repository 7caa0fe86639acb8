// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Run by a page as a worker or a service worker: answers what each case threw.

import { runAll } from "./all-cases.ts";

interface Request {
  readonly module: ArrayBuffer;
  readonly section: string;
  readonly port: MessagePort;
}

addEventListener("message", (event) => {
  const { module, section, port } = (event as MessageEvent<Request>).data;
  void runAll(new Uint8Array(module), section).then((thrown) => port.postMessage(thrown));
});
