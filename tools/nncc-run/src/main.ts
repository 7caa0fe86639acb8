// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { loadModel, messageOf, NnccError, toNumbers, typeText } from "nncc";
import type { HostFunctions, LoadOptions, Model, Tensor } from "nncc";
import { measure, measureLoad } from "./bench.js";
import { compare } from "./compare.js";
import { UserError } from "./errors.js";
import { provideWebGpu } from "./gpu.js";
import { describe } from "./info.js";
import { expectedFromFolder, inputsFromArguments, inputsFromFolder, madeUpInputs } from "./inputs.js";
import { writeNpy } from "./npy.js";
import { parseOptions, type Options } from "./options.js";
import { measurePeak } from "./peak.js";
import { chromeTrace, profileModel, profileTable } from "./profile.js";

const OK = 0;
const MISMATCH = 1;
const ERROR = 2;

const SHOWN_VALUES = 10;
const PROFILE_SECONDS = 2;
/** Columns for the nodes of a kernel. */
const NAMES_WIDTH = 100;

async function run(options: Options): Promise<number> {
  const bytes = readModule(options.module);
  const why = await provideWebGpu(bytes, options.device);
  // By path, so that a weight file beside the module is found.
  const model = await loadModel(options.module, await loadOptions(options));
  if (why !== undefined && model.device === "cpu") {
    console.error(`nncc-run: runs on the CPU: ${why || model.whyNotGpu}`);
  }
  const external = model.signature.weights !== "embedded";
  if (options.info) printInfo(model, bytes.length, options);
  const inputs = readInputs(model, options);
  if (inputs === undefined) return OK;
  const outputs = await model.run(inputs);
  const status = options.data === undefined ? OK : check(model, outputs, options.data, options);
  if (options.output !== undefined) writeOutputs(outputs, options.output);
  if (options.profile !== undefined) {
    await profile(inputs, options.profile, options);
  } else if (options.bench !== undefined) {
    const weightFile = external ? (options.weights ?? weightPath(model, options.module)) : undefined;
    await bench(model, inputs, bytes, weightFile, options);
  } else if (options.data === undefined && options.output === undefined) {
    printOutputs(outputs);
  }
  return status;
}

async function loadOptions({ device, relaxed, threads, weights, functions }: Options): Promise<LoadOptions> {
  return {
    device,
    relaxed,
    threads,
    ...(weights === undefined ? {} : { weights }),
    ...(functions === undefined ? {} : { functions: await importFunctions(functions) }),
  };
}

async function importFunctions(path: string): Promise<HostFunctions> {
  let imported: { readonly default?: unknown };
  try {
    imported = (await import(pathToFileURL(path).href)) as typeof imported;
  } catch (error) {
    throw new UserError(`--functions=${path}: ${messageOf(error)}`);
  }
  if (typeof imported.default === "object" && imported.default !== null) return imported.default as HostFunctions;
  throw new UserError(`--functions=${path}: the module exports no functions by default`);
}

function readModule(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new UserError(`cannot read ${path}: ${messageOf(error)}`);
  }
}

function weightPath(model: Model, module: string): string {
  const { weights } = model.signature;
  return weights === "embedded" ? "" : join(module, "..", weights.file);
}

/** Undefined when there is nothing to run. */
function readInputs(model: Model, options: Options): Record<string, Tensor> | undefined {
  if (options.data !== undefined) return inputsFromFolder(options.data, model.signature);
  if (options.inputs.length > 0) return inputsFromArguments(options.inputs, model.signature);
  if (options.bench !== undefined || options.profile !== undefined) return madeUpInputs(model.signature);
  return options.info ? undefined : {};
}

function check(model: Model, outputs: Record<string, Tensor>, folder: string, options: Options): number {
  const expected = expectedFromFolder(folder, model.signature);
  let status = OK;
  model.signature.outputs.forEach(({ name }, i) => {
    const want = expected[i];
    if (want === undefined) return;
    const { ok, text } = compare(outputs[name]!, want, options);
    if (!options.json) console.log(`${ok ? "ok      " : "MISMATCH"} ${name} ${text}`);
    else if (!ok) console.error(`MISMATCH ${name} ${text}`);
    if (!ok) status = MISMATCH;
  });
  return status;
}

function writeOutputs(outputs: Record<string, Tensor>, folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
    for (const [name, tensor] of Object.entries(outputs)) {
      // ONNX names are free text; keep what every file system takes.
      writeFileSync(join(folder, `${name.replace(/[^\w.-]/g, "_")}.npy`), writeNpy(tensor));
    }
  } catch (error) {
    throw new UserError(`cannot write to ${folder}: ${messageOf(error)}`);
  }
}

function printOutputs(outputs: Record<string, Tensor>): void {
  for (const [name, tensor] of Object.entries(outputs)) {
    const wide = tensor.dtype === "i64" || tensor.dtype === "u64";
    const all = wide ? tensor.data : toNumbers(tensor);
    const values = Array.from(all.slice(0, SHOWN_VALUES) as ArrayLike<number | bigint>, (value) =>
      typeof value === "bigint" || Number.isInteger(value) ? String(value) : value.toPrecision(6));
    const more = all.length > SHOWN_VALUES ? " ..." : "";
    console.log(`${name} ${typeText(tensor.dtype, tensor.shape)}: ${values.join(" ")}${more}`);
  }
}

function printInfo(model: Model, moduleBytes: number, options: Options): void {
  if (!options.json) console.log(describe(model.signature, moduleBytes));
  else console.log(JSON.stringify({ ...model.signature, moduleBytes }, null, 2));
}

async function profile(inputs: Record<string, Tensor>, file: string, options: Options): Promise<void> {
  const model = await loadModel(options.module, { profile: true, ...(await loadOptions(options)) });
  const peak = model.device === "gpu" ? null : measurePeak();
  const result = await profileModel(model, inputs, options.bench ?? PROFILE_SECONDS, peak);
  const trace = (): string => JSON.stringify(chromeTrace(result, model.signature));
  if (file !== "") writeText(file, trace());
  if (options.json) console.log(trace());
  else if (file === "") console.log(profileTable(result, NAMES_WIDTH));
}

function writeText(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new UserError(`cannot write ${path}: ${messageOf(error)}`);
  }
}

async function bench(
  model: Model, inputs: Record<string, Tensor>, bytes: Uint8Array, weights: string | undefined, options: Options,
): Promise<void> {
  const loadMs = await measureLoad(bytes, options.module, { ...(await loadOptions(options)), ...(weights && { weights }) });
  const result = await measure(model, inputs, options.bench!, loadMs);
  if (options.json) {
    const { msMedian, msMin, gflops, runs } = result;
    console.log(JSON.stringify({ ms_median: msMedian, ms_min: msMin, load_ms: loadMs, gflops, runs }));
    return;
  }
  const speed = result.gflops === null ? "" : `, ${result.gflops.toFixed(1)} GFLOP/s`;
  console.log(
    `median ${result.msMedian.toFixed(3)} ms, min ${result.msMin.toFixed(3)} ms${speed} ` +
      `(${result.runs} runs), instantiate ${loadMs.toFixed(1)} ms`,
  );
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (typeof options === "string") process.stdout.write(options);
  else process.exitCode = await run(options);
} catch (error) {
  const expected = error instanceof UserError || error instanceof NnccError;
  // Anything else is a defect of this program: then the stack helps.
  console.error(`nncc-run: error: ${expected ? error.message : error instanceof Error ? error.stack : String(error)}`);
  process.exitCode = ERROR;
}
