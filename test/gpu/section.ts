// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/** `module` with a custom section added at its end. */
export function withSection(module: Uint8Array, name: string, text: string): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  const title = encoder.encode(name);
  const body = [...leb128(title.length), ...title, ...encoder.encode(text)];
  return new Uint8Array([...module, 0, ...leb128(body.length), ...body]);
}

function leb128(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...leb128(value >> 7)];
}
