// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import { parseArgs } from "node:util";
import { messageOf } from "nncc";
import { UserError } from "./errors.js";

export const HELP = `usage: nncc-run MODULE.wasm [options]

Runs a module that nncc compiled.

  --input NAME=FILE   an input: .npy, .pb (ONNX TensorProto) or raw little-endian
                      bytes; NAME= may be left out when the model has one input
  --data DIR          reads DIR/input_N.pb and compares with DIR/output_N.pb
  --rtol R, --atol A  tolerances of --data (1e-3 and 1e-4; 1e-2 both for outputs of
                      16 bits)
  --output DIR        writes each output to DIR/NAME.npy
  --bench[=SECONDS]   measures (2 seconds); without inputs it makes some up
  --profile[=FILE]    measures each kernel, for as long as --bench says, and prints
                      a table or writes FILE, a trace for chrome://tracing
  --json              prints --bench, --profile and --info as JSON
  --info              prints the signature, features and sizes
  --weights FILE      the weight file of a module with external weights
  --functions FILE    a JavaScript module that exports by default the functions of
                      custom operators: {"my.domain::Op": (x, attributes) => ...}
  --threads N         threads of a module compiled with --threads (one a core, at
                      most 8)
  --relaxed WHEN      whether kernels use relaxed SIMD: on, off or auto (where it is
                      faster)
  --device DEVICE     cpu, gpu or auto (auto: the GPU where the module has code for
                      it and the npm package webgpu finds one)
  --help, --version

Exit status: 0 fine, 1 an output does not match, 2 any other error.
`;

export interface Options {
  readonly module: string;
  readonly inputs: readonly string[];
  readonly data: string | undefined;
  /** Undefined where it is the type's. */
  readonly rtol: number | undefined;
  readonly atol: number | undefined;
  readonly output: string | undefined;
  /** Seconds to measure for; undefined when nothing is to be measured. */
  readonly bench: number | undefined;
  /** The file for the trace; empty to print a table; undefined without a profile. */
  readonly profile: string | undefined;
  readonly json: boolean;
  readonly info: boolean;
  readonly weights: string | undefined;
  readonly functions: string | undefined;
  readonly threads: number | undefined;
  /** Undefined where it is measured. */
  readonly relaxed: boolean | undefined;
  readonly device: "cpu" | "gpu" | "auto";
}

/** The options, or the text to print instead of running. Throws UserError. */
export function parseOptions(argv: readonly string[]): Options | string {
  // parseArgs has no options with an optional value, so give them their defaults here.
  const defaults: Readonly<Record<string, string>> = { "--bench": "--bench=2", "--profile": "--profile=" };
  const args = argv.map((arg) => defaults[arg] ?? arg);
  let parsed;
  try {
    parsed = parseArgs({
      args,
      allowPositionals: true,
      options: {
        input: { type: "string", multiple: true, default: [] },
        data: { type: "string" },
        rtol: { type: "string" },
        atol: { type: "string" },
        output: { type: "string" },
        bench: { type: "string" },
        profile: { type: "string" },
        json: { type: "boolean", default: false },
        info: { type: "boolean", default: false },
        weights: { type: "string" },
        functions: { type: "string" },
        threads: { type: "string" },
        relaxed: { type: "string", default: "auto" },
        device: { type: "string", default: "auto" },
        help: { type: "boolean", default: false },
        version: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    throw new UserError(messageOf(error));
  }
  const { values, positionals } = parsed;
  if (values.help) return HELP;
  if (values.version) return "nncc-run 0.1.0\n";
  if (positionals.length !== 1) throw new UserError("give one module; --help tells more");
  const { device } = values;
  if (device !== "cpu" && device !== "gpu" && device !== "auto") {
    throw new UserError(`--device=${device}: must be cpu, gpu or auto`);
  }
  const relaxed = { on: true, off: false, auto: undefined };
  if (!(values.relaxed in relaxed)) throw new UserError(`--relaxed=${values.relaxed}: must be on, off or auto`);
  if (values.data !== undefined && values.input.length > 0) throw new UserError("--data and --input exclude each other");
  return {
    ...values,
    device,
    relaxed: relaxed[values.relaxed as keyof typeof relaxed],
    module: positionals[0]!,
    inputs: values.input,
    data: values.data,
    output: values.output,
    profile: values.profile,
    weights: values.weights,
    functions: values.functions,
    rtol: number("--rtol", values.rtol),
    atol: number("--atol", values.atol),
    threads: number("--threads", values.threads),
    bench: number("--bench", values.bench),
  };
}

function number(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0)) throw new UserError(`${option}=${text}: must be a number, 0 or more`);
  return value;
}
