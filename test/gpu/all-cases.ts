// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import * as nncc from "../../runtime/web/dist/index.js";
import { cases } from "./conformance.ts";
import { withSection } from "./section.ts";

/** What each case threw with the module, to which `section` (JSON) is added; empty for nothing. */
export async function runAll(module: Uint8Array, section: string): Promise<Record<string, string>> {
  const program = JSON.parse(section) as object;
  const variant = (changes: object): Uint8Array<ArrayBuffer> =>
    withSection(module, "nncc.webgpu", JSON.stringify({ ...program, ...changes }));
  const thrown: Record<string, string> = {};
  for (const { name, run } of cases) {
    try {
      await run({ nncc, module: variant({}), variant });
      thrown[name] = "";
    } catch (error) {
      thrown[name] = error instanceof Error ? (error.stack ?? error.message) : String(error);
    }
  }
  return thrown;
}
