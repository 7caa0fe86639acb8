// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Runs models that nncc compiled, in any JavaScript engine, without a package.
// docs/module-format.md has the layout.

/**
 * An input or output; a size is a number or, where the caller chooses, a name.
 * @typedef {{name: string, dtype: string, shape: (number | string)[]}} TensorType
 * @typedef {{shape: readonly number[], data: Float32Array}} Tensor
 * @typedef {(...args: number[]) => number} Call
 */

const VALUE_BYTES = 16;
const DESCRIPTOR_BYTES = 40; // DLTensor
const TENSOR = 5;
const CPU = 1;
const FLOAT32 = 2 | (32 << 8) | (1 << 16); // DLPack's code, bits and lanes

/** A loaded module. It serves one call at a time. */
export class Model {
  /** @param {BufferSource} code */
  static async load(code) {
    const { instance } = await WebAssembly.instantiate(code);
    return new Model(instance);
  }

  /** @param {WebAssembly.Instance} instance */
  constructor(instance) {
    this.exports = instance.exports;
    const signature = JSON.parse(this.text(this.call("nncc_signature")));
    /** @type {TensorType[]} */
    this.inputs = signature.inputs;
    /** @type {TensorType[]} */
    this.outputs = signature.outputs;
    for (const { name, dtype } of [...this.inputs, ...this.outputs]) {
      if (dtype !== "f32") throw new TypeError(`'${name}' is ${dtype}; this example knows f32`);
    }
  }

  /**
   * The outputs by name.
   * @param {Readonly<Record<string, Tensor>>} inputs
   * @returns {Record<string, Tensor>}
   */
  run(inputs) {
    const tensors = this.inputs.map((type) => checked(type, inputs[type.name]));
    const shapes = [...tensors.map(({ shape }) => shape), ...this.outputs.map(({ shape }) => shape.map(() => 0))];
    // One block: values, descriptors, shapes, elements.
    const descriptors = VALUE_BYTES * shapes.length;
    let dims = descriptors + DESCRIPTOR_BYTES * shapes.length;
    let data = aligned(dims + shapes.reduce((sum, shape) => sum + 8 * shape.length, 0));
    const bytes = tensors.reduce((sum, tensor) => sum + aligned(tensor.data.byteLength), data);
    const block = this.call("nncc_alloc", bytes);
    if (block === 0) throw new RangeError("the module has no room for the inputs");
    try {
      const view = this.view();
      shapes.forEach((shape, i) => {
        const descriptor = block + descriptors + DESCRIPTOR_BYTES * i;
        view.setBigUint64(block + VALUE_BYTES * i, BigInt(TENSOR), true);
        view.setBigUint64(block + VALUE_BYTES * i + 8, BigInt(descriptor), true);
        const words = [block + data, CPU, 0, shape.length, FLOAT32, block + dims, 0, 0, 0, 0];
        words.forEach((word, k) => view.setUint32(descriptor + 4 * k, word, true));
        shape.forEach((size, k) => view.setBigInt64(block + dims + 8 * k, BigInt(size), true));
        dims += 8 * shape.length;
        const tensor = tensors[i];
        if (tensor === undefined) return;
        new Float32Array(view.buffer, block + data).set(tensor.data);
        data += aligned(tensor.data.byteLength);
      });
      if (this.call("main", 0, block, shapes.length, 0) !== 0) throw new Error(this.text(this.call("nncc_error")));
      const first = block + descriptors + DESCRIPTOR_BYTES * tensors.length;
      return Object.fromEntries(this.outputs.map(({ name }, i) => [name, this.tensor(first + DESCRIPTOR_BYTES * i)]));
    } finally {
      this.call("nncc_free", block);
    }
  }

  /**
   * A copy of what a descriptor describes.
   * @param {number} descriptor
   * @returns {Tensor}
   */
  tensor(descriptor) {
    const view = this.view();
    const rank = view.getUint32(descriptor + 12, true);
    const dims = view.getUint32(descriptor + 20, true);
    const shape = Array.from({ length: rank }, (_, k) => Number(view.getBigInt64(dims + 8 * k, true)));
    const address = view.getUint32(descriptor, true) + Number(view.getBigUint64(descriptor + 32, true));
    const count = shape.reduce((product, size) => product * size, 1);
    return { shape, data: new Float32Array(view.buffer, address, count).slice() };
  }

  /**
   * @param {string} name
   * @param {number[]} args
   */
  call(name, ...args) {
    return /** @type {Call} */ (this.exports[name])(...args) >>> 0;
  }

  /** Made anew: the memory may have grown. */
  view() {
    return new DataView(/** @type {WebAssembly.Memory} */ (this.exports.memory).buffer);
  }

  /** @param {number} address */
  text(address) {
    const bytes = new Uint8Array(this.view().buffer);
    return new TextDecoder().decode(bytes.slice(address, bytes.indexOf(0, address)));
  }
}

/**
 * @param {TensorType} type
 * @param {Tensor | undefined} tensor
 * @returns {Tensor}
 */
function checked({ name, shape }, tensor) {
  if (!(tensor?.data instanceof Float32Array)) throw new TypeError(`input '${name}' needs a Float32Array`);
  const fits = tensor.shape.length === shape.length &&
    shape.every((size, i) => typeof size === "string" || size === tensor.shape[i]);
  if (!fits) throw new RangeError(`input '${name}' is [${shape}], not [${tensor.shape}]`);
  const count = tensor.shape.reduce((product, size) => product * size, 1);
  if (count !== tensor.data.length) throw new RangeError(`input '${name}': [${tensor.shape}] has ${count} elements`);
  return tensor;
}

/** @param {number} size */
function aligned(size) {
  return Math.ceil(size / 64) * 64;
}
