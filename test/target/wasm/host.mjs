// A host of compiled modules in 40 lines: see docs/module-format.md.
import { readFileSync } from "node:fs";

const types = {
  f32: [2, 32, Float32Array], f64: [2, 64, Float64Array], i8: [0, 8, Int8Array], i16: [0, 16, Int16Array],
  i32: [0, 32, Int32Array], i64: [0, 64, BigInt64Array], u8: [1, 8, Uint8Array], bool: [6, 8, Uint8Array],
};

export function load(file) {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(file)), {});
  const view = () => new DataView(exports.memory.buffer);
  const text = (address) => {
    const bytes = new Uint8Array(exports.memory.buffer, address);
    return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
  };
  const signature = JSON.parse(text(exports.nncc_signature()));

  function tensor(address, data, dtype, shape) {
    const [code, bits] = types[dtype];
    const fields = [data, 1, 0, shape.length, code | (bits << 8) | (1 << 16), address + 40, 0, 0, 0, 0];
    fields.forEach((word, i) => view().setUint32(address + 4 * i, word, true));
    shape.forEach((size, i) => view().setBigInt64(address + 40 + 8 * i, BigInt(size), true));
  }

  // inputs: [{ shape, data: TypedArray }], in the order of the signature.
  function run(inputs) {
    const all = [...signature.inputs, ...signature.outputs];
    const block = exports.nncc_alloc(16 * all.length + 128 * all.length);
    const address = (i) => block + 16 * all.length + 128 * i;
    const buffers = inputs.map(({ data }, i) => {
      const buffer = exports.nncc_alloc(data.byteLength);
      if (!buffer) throw new Error(text(exports.nncc_error()));
      new data.constructor(exports.memory.buffer, buffer, data.length).set(data);
      return buffer;
    });
    all.forEach(({ dtype, shape }, i) => {
      tensor(address(i), buffers[i] ?? 0, dtype, i < inputs.length ? inputs[i].shape : shape.map(() => 0));
      view().setUint32(block + 16 * i, 5, true);
      view().setBigUint64(block + 16 * i + 8, BigInt(address(i)), true);
    });
    const status = exports.main(0, block, all.length, 0);
    if (status) throw new Error(text(exports.nncc_error()));
    const outputs = signature.outputs.map(({ dtype, shape }, k) => {
      const at = address(inputs.length + k);
      const sizes = shape.map((_, i) => Number(view().getBigInt64(at + 40 + 8 * i, true)));
      const count = sizes.reduce((a, b) => a * b, 1);
      return { shape: sizes, data: new types[dtype][2](exports.memory.buffer, view().getUint32(at, true), count).slice() };
    });
    [block, ...buffers].forEach((buffer) => exports.nncc_free(buffer));
    return outputs;
  }
  return { exports, signature, run };
}
