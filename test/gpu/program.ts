// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A module with GPU code written by hand, so that the driver can be tested
// apart from the compiler.

import { join } from "node:path";
import { compileC, signature } from "../runtime-web/fixture.ts";
import { withSection } from "./section.ts";

const scale = `
@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32, 2>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<uniform> symbols: array<vec4<u32>, 1>;
@compute @workgroup_size(64) fn scale(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < 2 * symbols[0].x) { y[id.x] = 2 * x[id.x] + b[id.x % 2]; }
}`;

const positive = `
@group(0) @binding(0) var<storage, read_write> mask: array<i32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32, 2>;
@group(0) @binding(3) var<uniform> symbols: array<vec4<u32>, 1>;
@compute @workgroup_size(64) fn positive(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < 2 * symbols[0].x) { mask[id.x] = i32(y[id.x] > b[id.x % 2]); }
}`;

/** The section of the module in Inputs/gpu-affine.c. */
export const program = {
  version: 1,
  limits: {} as Record<string, number>,
  features: [] as string[],
  kernels: [
    {
      name: "scale",
      nodes: ["/mul", "/add"],
      bindings: ["arena", "weight", "input", "symbols"],
      variants: [
        // No device has this one, so the second is taken.
        { features: ["no-such-feature"], code: "" },
        { features: [] as string[], code: scale },
      ],
    },
    {
      name: "positive",
      nodes: ["/greater"],
      bindings: ["arena", "arena", "weight", "symbols"],
      variants: [{ features: [] as string[], code: positive }],
    },
  ],
  weights: [{ offset: 0, bytes: 8 }],
  inputs: [{ storage: "f32" }],
  outputs: [{ storage: "f32" }, { storage: "i32" }],
};

const source = join(import.meta.dirname, "Inputs", "gpu-affine.c");

/** The bytes of the module without its GPU section. */
export function makeBareModule(defines: string[] = []): Uint8Array<ArrayBuffer> {
  return withSection(compileC(source, defines), "nncc.signature", JSON.stringify(signature));
}

/** The bytes of the module, with `section` for its GPU code. */
export function makeGpuModule(section: object = program, defines: string[] = []): Uint8Array<ArrayBuffer> {
  return withSection(makeBareModule(defines), "nncc.webgpu", JSON.stringify(section));
}
