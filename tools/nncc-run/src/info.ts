// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import { typeText, type Signature } from "nncc";

/** What `--info` prints. */
export function describe(signature: Signature, moduleBytes: number): string {
  const lines = [
    `compiler   ${signature.compiler}, module format ${signature.abi}`,
    `source     ${signature.source.name} sha256 ${signature.source.sha256}`,
    `features   ${signature.features.join(" ") || "none"}`,
  ];
  for (const { name, min, max } of signature.symbols) lines.push(`symbol     ${name}: ${min}..${max ?? ""}`);
  for (const { name, dtype, shape } of signature.inputs) lines.push(`input      ${name} ${typeText(dtype, shape)}`);
  for (const { name, dtype, shape } of signature.outputs) lines.push(`output     ${name} ${typeText(dtype, shape)}`);
  for (const [output, input] of Object.entries(signature.state)) lines.push(`state      ${output} becomes ${input}`);
  for (const { name } of signature.functions) lines.push(`function   ${name}`);
  const { weights } = signature;
  lines.push(
    `module     ${bytesText(moduleBytes)}`,
    `weights    ${bytesText(signature.weightBytes)}, ${weights === "embedded" ? weights : `in ${weights.file}`}`,
    `arena      ${signature.arenaBytes === null ? "depends on the input sizes" : bytesText(signature.arenaBytes)}`,
    `kernels    ${signature.kernels}`,
  );
  if (signature.flops !== null) lines.push(`work       ${(signature.flops / 1e6).toPrecision(4)} MFLOP a run`);
  return lines.join("\n");
}

export function bytesText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1 << 20) return `${(bytes / 1024).toFixed(1)} KiB`;
  return `${(bytes / (1 << 20)).toFixed(1)} MiB`;
}
