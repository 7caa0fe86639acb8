"""A host of compiled modules in 40 lines: see docs/module-format.md."""

import ctypes
import json
import math
import struct

import wasmtime

TYPES = {
    "f32": (2, 32, "f"),
    "f64": (2, 64, "d"),
    "i32": (0, 32, "i"),
    "i64": (0, 64, "q"),
    "u8": (1, 8, "B"),
    "bool": (6, 8, "?"),
}


class Model:
    def __init__(self, path):
        engine = wasmtime.Engine()
        self.store = wasmtime.Store(engine)
        module = wasmtime.Module.from_file(engine, path)
        self.exports = wasmtime.Instance(self.store, module, []).exports(self.store)
        self.memory = self.exports["memory"]
        self.signature = json.loads(self.text(self.call("nncc_signature")))

    def call(self, name, *args):
        return self.exports[name](self.store, *args)

    def text(self, address):
        base = ctypes.addressof(self.memory.data_ptr(self.store).contents)
        return ctypes.string_at(base + (address & 0xFFFFFFFF)).decode()

    def write(self, data):
        block = self.call("nncc_alloc", len(data))
        if not block:
            raise MemoryError(self.text(self.call("nncc_error")))
        self.memory.write(self.store, data, block & 0xFFFFFFFF)
        return block & 0xFFFFFFFF

    def tensor(self, dtype, shape, data):
        code, bits, _ = TYPES[dtype]
        sizes = self.write(struct.pack(f"<{len(shape)}q", *shape))
        fields = (data, 1, 0, len(shape), code, bits, 1, sizes, 0, 0, 0)
        return self.write(struct.pack("<IiiiBBHIIIQ", *fields)), sizes

    def run(self, inputs):
        """inputs: (shape, flat list of numbers) each; returns the same of the outputs."""
        tensors = []
        for info, (shape, values) in zip(self.signature["inputs"], inputs, strict=True):
            data = self.write(struct.pack(f"<{len(values)}{TYPES[info['dtype']][2]}", *values))
            tensors.append((*self.tensor(info["dtype"], shape, data), data))
        for info in self.signature["outputs"]:
            tensors.append(self.tensor(info["dtype"], [0] * len(info["shape"]), 0))
        args = self.write(b"".join(struct.pack("<IIQ", 5, 0, t[0]) for t in tensors))
        failed = self.call("main", 0, args, len(tensors), 0)
        if failed:
            raise ValueError(self.text(self.call("nncc_error")))
        results = []
        for info, (tensor, sizes) in zip(
            self.signature["outputs"], tensors[len(inputs) :], strict=True
        ):
            rank, code = len(info["shape"]), TYPES[info["dtype"]][2]
            shape = struct.unpack(
                f"<{rank}q", self.memory.read(self.store, sizes, sizes + 8 * rank)
            )
            (data,) = struct.unpack("<I", self.memory.read(self.store, tensor, tensor + 4))
            size = math.prod(shape) * struct.calcsize("<" + code)
            raw = self.memory.read(self.store, data, data + size)
            results.append((shape, struct.unpack(f"<{math.prod(shape)}{code}", raw)))
        for block in [args] + [block for tensor in tensors for block in tensor]:
            self.call("nncc_free", block)
        return results
