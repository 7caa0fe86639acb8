// Runs Inputs/scale.mlir, compiled: y = exp(x) * (1, 2, 3, 4) + x, small = x < 1.
import assert from "node:assert";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { load } from "./host.mjs";

const [, , file, weightFile] = process.argv;
const model = load(file);
const { exports, signature, run } = model;

const compiled = new WebAssembly.Module(readFileSync(file));
assert.deepEqual(WebAssembly.Module.imports(compiled), []);
const [section] = WebAssembly.Module.customSections(compiled, "nncc.signature");
assert.deepEqual(JSON.parse(new TextDecoder().decode(section)), signature);
assert.equal(exports.nncc_abi_version(), 1);
const interfaceNames = ["main", "memory", "nncc_abi_version", "nncc_alloc", "nncc_error", "nncc_free", "nncc_signature"];
if (weightFile) interfaceNames.push("nncc_weights");
assert.deepEqual(Object.keys(exports).sort(), interfaceNames.sort());
assert.deepEqual(signature.symbols, [{ name: "batch", min: 1, max: 1000 }]);
assert.equal(signature.kernels, 1);
assert.equal(signature.weight_bytes, 80);
assert.ok(readFileSync(file).includes("/scale/Mul"), "functions carry the names of nodes");

if (weightFile) {
  const bytes = readFileSync(weightFile);
  assert.equal(createHash("sha256").update(bytes).digest("hex"), signature.weights.sha256);
  assert.equal(signature.weights.file, "external.safetensors");
  const header = Number(bytes.readBigUInt64LE(0));
  assert.equal((8 + header) % 64, 0);
  assert.deepEqual(JSON.parse(bytes.subarray(8, 8 + header)).weights.data_offsets, [0, 80]);
  new Uint8Array(exports.memory.buffer).set(bytes, exports.nncc_weights());
} else {
  assert.equal(signature.weights, "embedded");
}

const batch = (n, f = (i) => i / 10) => ({ shape: [n, 4], data: new Float32Array(4 * n).map((_, i) => f(i)) });
for (const n of [1, 3, 1000, 2]) {
  const x = batch(n, (i) => ((i * 7) % 50) / 10);
  const [y, small] = run([x]);
  assert.deepEqual(y.shape, [n, 4]);
  assert.deepEqual(small.shape, [n, 4]);
  x.data.forEach((v, i) => {
    const want = Math.exp(v) * (1 + (i % 4)) + v;
    assert.ok(Math.abs(y.data[i] - want) <= 1e-6 * want, `${y.data[i]} for ${v}, expected ${want}`);
    assert.equal(small.data[i], v < 1 ? 1 : 0);
  });
}

// What is wrong with an input is said, and the next call is not disturbed.
const wrong = [
  [[batch(1001)], "input 'x': dimension 0 ('batch') is 1001, expected 1 to 1000"],
  [[{ ...batch(1), shape: [0, 4] }], "input 'x': dimension 0 ('batch') is 0, expected 1 to 1000"],
  [[{ ...batch(1), shape: [-1, 4] }], "input 'x': dimension 0 is -1"],
  [[{ ...batch(5), shape: [4, 5] }], "input 'x': dimension 1 is 5, expected 4"],
  [[{ ...batch(1), shape: [4] }], "input 'x': the rank is 1, expected 2"],
];
for (const [inputs, message] of wrong) assert.throws(() => run(inputs), { message });

const text = (address) => {
  const bytes = new Uint8Array(exports.memory.buffer, address);
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
};
assert.equal(exports.main(0, 0, 7, 0), 1);
assert.equal(text(exports.nncc_error()), "got 7 arguments, expected 1 inputs and 2 outputs");
// Arguments, descriptors and elements outside the memory, and wrong tags.
assert.equal(exports.main(0, -16, 3, 0), 1);
const block = exports.nncc_alloc(256);
const view = () => new DataView(exports.memory.buffer);
const describe = (words) => words.forEach((word, i) => view().setUint32(block + 64 + 4 * i, word, true));
const argument = (tag, payload) => {
  view().setUint32(block, tag, true);
  view().setBigUint64(block + 8, BigInt(payload), true);
};
const fails = (message) => {
  assert.equal(exports.main(0, block, 3, 0), 1);
  assert.equal(text(exports.nncc_error()), message);
};
new Uint8Array(exports.memory.buffer, block, 256).fill(0);
argument(1, 5);
fails("input 'x': the argument is not a tensor");
argument(5, 0xfffffff0);
fails("input 'x': the argument is not a tensor");
argument(5, block + 64);
view().setBigInt64(block + 128, 1n, true);
view().setBigInt64(block + 136, 4n, true);
const float = 2 | (32 << 8) | (1 << 16);
describe([block, 1, 0, 2, float, 0xfffffff0, 0, 0, 0, 0]);
fails("input 'x': the shape is not in the memory");
describe([block, 1, 0, 2, 2 | (64 << 8) | (1 << 16), block + 128, 0, 0, 0, 0]);
fails("input 'x': the type is float64, expected float32");
describe([0xfffffff0, 1, 0, 2, float, block + 128, 0, 0, 0, 0]);
fails("input 'x': the elements are not in the memory");
describe([block, 1, 0, 2, float, block + 128, 0, 0, 0, 1]);
fails("input 'x': the elements are not in the memory");
describe([block, 1, 0, 2, float, block + 128, block + 128, 0, 0, 0]);
fails("input 'x': the elements are not in row-major order");
describe([block, 1, 0, 2, float, block + 128, 0, 0, 0, 0]);
fails("output 'y': the argument is not a tensor");
exports.nncc_free(block);

// Blocks: aligned, apart from each other, used again, joined; odd frees do no harm.
const sizes = [1, 64, 100, 5000, 1e6, 3];
const blocks = sizes.map((size) => exports.nncc_alloc(size));
blocks.forEach((address, i) => {
  assert.equal(address % 64, 0);
  new Uint8Array(exports.memory.buffer, address, sizes[i]).fill(i + 1);
});
blocks.forEach((address, i) => {
  assert.ok(new Uint8Array(exports.memory.buffer, address, sizes[i]).every((byte) => byte === i + 1));
});
[...blocks, blocks[2], 0, 64, 12345, -64].forEach((address) => exports.nncc_free(address));
const before = exports.memory.buffer.byteLength;
for (let i = 0; i < 200; ++i) {
  const more = sizes.map((size) => exports.nncc_alloc(size + i));
  (i % 2 ? more : more.reverse()).forEach((address) => exports.nncc_free(address));
}
assert.ok(exports.memory.buffer.byteLength <= before + 65536, "freed memory is used again");
assert.equal(exports.nncc_alloc(-1), 0);
assert.match(text(exports.nncc_error()), /^out of memory: no block of 4294967295 bytes$/);
assert.equal(run([batch(2)])[0].data.length, 8);
