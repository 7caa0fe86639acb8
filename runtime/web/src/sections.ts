// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What a module says in its custom sections.

import { NnccError, messageOf } from "./errors.js";

/** The bytes of a section; undefined where a module has none of that name. */
export function sectionOf(module: WebAssembly.Module, name: string): ArrayBuffer | undefined {
  return WebAssembly.Module.customSections(module, name)[0];
}

/** A section of JSON as it was written. Throws `not-nncc` when it is damaged. */
export function jsonSectionOf(module: WebAssembly.Module, name: string): unknown {
  const section = sectionOf(module, name);
  return section && parseJson(new TextDecoder().decode(section), name);
}

/** Throws `not-nncc`, which names the section. */
export function parseJson(text: string, section: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new NnccError("not-nncc", `damaged section '${section}': ${messageOf(error)}`);
  }
}
