// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The registry of functions, its half in C++ and its half in TypeScript.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Handle, loadModel, type HostFunctions, type Model, type ModuleFunction, type PackedValue } from "nncc";
import { withSection } from "../gpu/section.ts";

const root = join(import.meta.dirname, "..", "..");
const module = withSection(build(), "nncc.signature", JSON.stringify({ abi: 1, compiler: "by hand", weights: "embedded" }));

/** The program of packed.cpp with the runtime's own sources. */
function build(): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), "nncc-packed-"));
  try {
    const core = ["Allocator", "Arguments", "ErrorText", "Exports", "Main", "Memory", "Packed", "Sizes"];
    const sources = core.map((name) => join(root, "runtime", "core", `${name}.cpp`));
    sources.push(join(import.meta.dirname, "Inputs", "packed.cpp"));
    const flags = ["--target=wasm32", "-std=c++17", "-O1", "-ffreestanding", "-fno-builtin", "-fno-exceptions", "-fno-rtti", `-I${root}`];
    const objects = sources.map((source, i) => {
      const object = join(folder, `${i}.o`);
      execFileSync("clang++-19", [...flags, "-c", source, "-o", object]);
      return object;
    });
    const wasm = join(folder, "module.wasm");
    execFileSync("wasm-ld-19", ["--no-entry", ...objects, "-o", wasm]);
    return readFileSync(wasm);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function open(functions: HostFunctions = {}): Promise<Model> {
  const model = await loadModel(Uint8Array.from(module), { functions });
  await model.run({});
  return model;
}

function get(model: Model, name: string): ModuleFunction {
  const found = model.function(name);
  assert.ok(found, name);
  return found;
}

test("every kind of value comes back", async () => {
  const echo = get(await open(), "echo");
  const values = [null, 7n, -(2n ** 63n), 0.1, -0, "", "día 語", new Handle(2n ** 64n - 1n)];
  for (const value of values) assert.deepEqual(echo(value), value);
  const tensor = { dtype: "f64" as const, shape: [2, 1, 3], data: Float64Array.of(1, 2, 3, 4, 5, 6) };
  assert.deepEqual(echo(tensor), tensor);
  assert.deepEqual(echo({ dtype: "u8", shape: [], data: Uint8Array.of(9) }), { dtype: "u8", shape: [], data: Uint8Array.of(9) });
});

test("functions of the module are taken out, passed around and called", async () => {
  const model = await open();
  const adder = get(model, "makeAdder")(5n) as ModuleFunction;
  assert.equal(adder(37n), 42n);
  assert.equal(get(model, "apply")(adder, 1n), 6n);
  const again = get(model, "echo")(adder) as ModuleFunction;
  adder.dispose();
  assert.throws(() => adder(1n), { code: "disposed" });
  assert.equal(again(1n), 6n);
  assert.equal(get(model, "main")(), null);
  assert.equal(model.function("nothing"), undefined);
});

test("functions of the host are called by value and by name", async () => {
  const model = await open({ hello: () => "from the host" });
  assert.equal(get(model, "callHello")(), "from the host");
  const apply = get(model, "apply");
  assert.equal(apply((a: PackedValue, b: PackedValue) => `${a} ${b}`, 1n, "two"), "1 two");
  // Through the module and back again: what the host sees is a function of the module.
  const twice = (f: PackedValue): PackedValue => (f as ModuleFunction)((f as ModuleFunction)(3n));
  assert.equal(apply(twice, get(model, "makeAdder")(10n)), 23n);
});

test("errors say what went wrong and where", async () => {
  const model = await open();
  assert.throws(() => get(model, "echo")(), { code: "run-failed", message: "echo takes one argument, not 0" });
  assert.throws(() => get(model, "callHello")(), { message: "there is no hello" });
  const cause = new RangeError("too far");
  const failing = function measure(): never {
    throw cause;
  };
  assert.throws(() => get(model, "apply")(failing), { code: "run-failed", message: "in 'measure': RangeError: too far", cause });
  assert.equal(get(model, "echo")(1n), 1n);
});

test("a borrowed function ends with its call, a retained one does not", async () => {
  const model = await open();
  let borrowed: ModuleFunction | undefined;
  let retained: ModuleFunction | undefined;
  get(model, "apply")((f: PackedValue) => {
    borrowed = f as ModuleFunction;
    retained = borrowed.retain();
    return null;
  }, get(model, "makeAdder")(1n));
  assert.throws(() => borrowed!(1n), { code: "disposed" });
  assert.equal(retained!(1n), 2n);
});

test("100,000 calls leave nothing behind", async () => {
  const model = await open({ hello: () => "text" });
  const [echo, apply, makeAdder, keep, callHello] = ["echo", "apply", "makeAdder", "keep", "callHello"].map((name) => get(model, name));
  const tensor = { dtype: "f32" as const, shape: [64], data: new Float32Array(64) };
  const round = (i: number): void => {
    const adder = makeAdder!(BigInt(i)) as ModuleFunction;
    assert.equal(apply!((f: PackedValue) => (f as ModuleFunction)(1n), adder), BigInt(i + 1));
    keep!(() => i);
    echo!(tensor);
    callHello!();
    (echo!(adder) as ModuleFunction).dispose();
    assert.throws(() => apply!(() => tensor.data.at(i)!.toFixed(-1)));
    adder.dispose();
  };
  for (let i = 0; i < 100; ++i) round(i);
  const before = model.memoryBytes;
  for (let i = 0; i < 14_300; ++i) round(i);
  assert.equal(model.memoryBytes, before);
  assert.equal(model.functionReferences, 1, "only what is kept");
  keep!(null);
  assert.equal(model.functionReferences, 0);
});
