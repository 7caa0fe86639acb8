// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Counts what whoever runs in this page or program calls of WebGPU.

function before(type, names, note) {
  for (const name of names) {
    const plain = type.prototype[name];
    type.prototype[name] = function (...args) {
      note.call(this, ...args);
      return plain.apply(this, args);
    };
  }
}

/** From now on: `made()` gives {dispatches, pipelines, bytes: of buffers that live}. */
export function count() {
  const made = { dispatches: 0, pipelines: 0, bytes: 0 };
  const destroyed = new WeakSet();
  before(GPUComputePassEncoder, ["dispatchWorkgroups", "dispatchWorkgroupsIndirect"], () => ++made.dispatches);
  before(GPUDevice, ["createComputePipeline", "createComputePipelineAsync"], () => ++made.pipelines);
  before(GPUDevice, ["createBuffer"], ({ size }) => (made.bytes += size));
  before(GPUBuffer, ["destroy"], function () {
    if (!destroyed.has(this)) made.bytes -= this.size;
    destroyed.add(this);
  });
  return { made: () => ({ ...made }) };
}
