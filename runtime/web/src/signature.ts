// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import { NnccError } from "./errors.js";
import { parseJson, sectionOf } from "./sections.js";
import { isDType, type DType } from "./tensor.js";

/** A size: a number, the name of a symbol, or an expression over symbols. */
export type Dim = number | string;

export interface TensorType {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly Dim[];
}

/** A size that is known only when the model runs, and its bounds. */
export interface SymbolInfo {
  readonly name: string;
  readonly min: number;
  readonly max: number | null;
  /** The ONNX node that needs these bounds; empty if none does. */
  readonly node: string;
}

/** A function that the module calls for custom operators, and how many tensors it takes and gives. */
export interface FunctionInfo {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
}

/** What a module says about itself; `docs/module-format.md` has the meaning of each. */
export interface Signature {
  readonly abi: number;
  readonly compiler: string;
  readonly features: readonly string[];
  readonly source: { readonly name: string; readonly sha256: string };
  readonly symbols: readonly SymbolInfo[];
  readonly inputs: readonly TensorType[];
  readonly outputs: readonly TensorType[];
  /** Null when it depends on the sizes of the inputs. */
  readonly arenaBytes: number | null;
  readonly weightBytes: number;
  readonly kernels: number;
  /** "embedded", or the file that holds the weights. */
  readonly weights: "embedded" | { readonly file: string; readonly sha256: string };
  /** Floating point operations of one run, when the sizes are known. */
  readonly flops: number | null;
  /** By output name, the input that takes it in the next call; empty for most models. */
  readonly state: Readonly<Record<string, string>>;
  /** Operators that functions of the host compute. */
  readonly functions: readonly FunctionInfo[];
}

export const SIGNATURE_SECTION = "nncc.signature";
const ABI_VERSION = 1;

/** The signature of a compiled module. Throws `not-nncc` and `abi-mismatch`. */
export function signatureOf(module: WebAssembly.Module): Signature {
  const section = sectionOf(module, SIGNATURE_SECTION);
  if (section === undefined) {
    throw new NnccError("not-nncc", `the module has no '${SIGNATURE_SECTION}' section: nncc did not make it`);
  }
  return parseSignature(new TextDecoder().decode(section));
}

/** Reads the JSON text of a signature section. */
export function parseSignature(text: string): Signature {
  const root = new Reader(parseJson(text.replace(/\0+$/, ""), SIGNATURE_SECTION), "signature");
  const abi = root.number("abi");
  checkVersion(abi);
  const source = root.object("source");
  return {
    abi,
    compiler: root.text("compiler"),
    features: root.list("features").map(String),
    source: { name: source.textOr("name", ""), sha256: source.textOr("sha256", "") },
    symbols: root.objects("symbols").map(readSymbol),
    inputs: root.objects("inputs").map(readTensorType),
    outputs: root.objects("outputs").map(readTensorType),
    arenaBytes: root.numberOrNull("arena_bytes"),
    weightBytes: root.numberOrNull("weight_bytes") ?? 0,
    kernels: root.numberOrNull("kernels") ?? 0,
    weights: readWeights(root),
    flops: root.numberOrNull("flops"),
    state: Object.fromEntries(root.objects("state").map(readState)),
    functions: root.objects("functions").map(readFunction),
  };
}

/** Throws `abi-mismatch` for another version of the module format. */
export function checkVersion(version: number): void {
  if (version === ABI_VERSION) return;
  const text = `the module has version ${version} of the module format, this runtime ${ABI_VERSION}`;
  throw new NnccError("abi-mismatch", text);
}

function readState(item: Reader): [output: string, input: string] {
  return [item.text("output"), item.text("input")];
}

function readFunction(item: Reader): FunctionInfo {
  return { name: item.text("name"), inputs: item.number("inputs"), outputs: item.number("outputs") };
}

function readSymbol(item: Reader): SymbolInfo {
  const bounds = { min: item.numberOrNull("min") ?? 0, max: item.numberOrNull("max") };
  return { name: item.text("name"), ...bounds, node: item.textOr("node", "") };
}

function readTensorType(item: Reader): TensorType {
  const dtype = item.text("dtype");
  if (!isDType(dtype)) throw item.fail(`unknown dtype '${dtype}'`);
  const shape = item.list("shape").map((dim) => {
    if (typeof dim !== "string" && !(Number.isSafeInteger(dim) && (dim as number) >= 0)) {
      throw item.fail(`'${String(dim)}' is not a size`);
    }
    return dim as Dim;
  });
  return { name: item.text("name"), dtype, shape };
}

function readWeights(root: Reader): Signature["weights"] {
  const value = root.get("weights");
  if (value === undefined || value === "embedded") return "embedded";
  const external = new Reader(value, "weights");
  const file = external.text("file");
  // The name is resolved next to the module, so it may not lead anywhere else.
  if (file === "" || /[/\\\0]/.test(file) || file === ".." || file === ".") {
    throw external.fail(`'${file}' is not a plain file name`);
  }
  return { file, sha256: external.textOr("sha256", "") };
}

/** Typed access to one JSON object, with errors that say where. */
class Reader {
  readonly #value: Readonly<Record<string, unknown>>;
  readonly #where: string;

  constructor(value: unknown, where: string) {
    this.#where = where;
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw this.fail("not an object");
    this.#value = value as Record<string, unknown>;
  }

  fail(why: string): NnccError {
    return new NnccError("not-nncc", `damaged signature, ${this.#where}: ${why}`);
  }

  get(key: string): unknown {
    return Object.hasOwn(this.#value, key) ? this.#value[key] : undefined;
  }

  #typed(key: string, type: "string" | "number"): unknown {
    const value = this.get(key);
    if (typeof value !== type) throw this.fail(`'${key}' is not a ${type}`);
    return value;
  }

  object(key: string): Reader {
    return new Reader(this.get(key) ?? {}, `${this.#where}.${key}`);
  }

  text(key: string): string {
    return this.#typed(key, "string") as string;
  }

  textOr(key: string, otherwise: string): string {
    return this.get(key) === undefined ? otherwise : this.text(key);
  }

  number(key: string): number {
    return this.#typed(key, "number") as number;
  }

  numberOrNull(key: string): number | null {
    return this.get(key) === undefined || this.get(key) === null ? null : this.number(key);
  }

  list(key: string): unknown[] {
    const value = this.get(key) ?? [];
    if (!Array.isArray(value)) throw this.fail(`'${key}' is not a list`);
    return value;
  }

  objects(key: string): Reader[] {
    return this.list(key).map((item, i) => new Reader(item, `${key}[${i}]`));
  }
}
