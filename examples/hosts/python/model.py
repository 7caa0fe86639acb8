# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs models that nncc compiled, on wasmtime. docs/module-format.md has the layout."""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from wasmtime import Func, Instance, Memory, Module, Store

Array = npt.NDArray[np.float32]

VALUE = struct.Struct("<IIQ")
DESCRIPTOR = struct.Struct("<IiiiBBHIIIQ")  # DLTensor
TENSOR, CPU, FLOAT = 5, 1, 2


@dataclass(frozen=True)
class TensorType:
    """An input or output; a size is a number or, where the caller chooses, a name."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]

    def check(self, array: Array) -> Array:
        """The elements in the order of the module; raises ValueError if they do not fit."""
        fits = array.ndim == len(self.shape) and all(
            isinstance(want, str) or size == want
            for size, want in zip(array.shape, self.shape, strict=True)
        )
        if array.dtype != np.float32 or not fits:
            given = f"{array.dtype}{list(array.shape)}"
            raise ValueError(f"input '{self.name}' is {self.dtype}{list(self.shape)}, not {given}")
        return np.ascontiguousarray(array).reshape(array.shape)


class Model:
    """A loaded module. It serves one call at a time."""

    def __init__(self, path: Path) -> None:
        self._store = Store()
        module = Module.from_file(self._store.engine, str(path))
        self._exports = Instance(self._store, module, []).exports(self._store)
        signature = json.loads(self._text(self._call("nncc_signature")))
        self.inputs = [_tensor_type(item) for item in signature["inputs"]]
        self.outputs = [_tensor_type(item) for item in signature["outputs"]]

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """The outputs by name. Raises KeyError, ValueError or RuntimeError."""
        arrays = [item.check(inputs[item.name]) for item in self.inputs]
        shapes = [array.shape for array in arrays]
        shapes += [(0,) * len(item.shape) for item in self.outputs]
        # One block: values, descriptors, shapes, elements.
        count = len(shapes)
        descriptors = VALUE.size * count
        dims = descriptors + DESCRIPTOR.size * count
        data = _align(dims + sum(8 * len(shape) for shape in shapes))
        block = self._call("nncc_alloc", data + sum(_align(array.nbytes) for array in arrays))
        if block == 0:
            raise MemoryError("the module has no room for the inputs")
        try:
            for i, shape in enumerate(shapes):
                descriptor = block + descriptors + DESCRIPTOR.size * i
                self._write(block + VALUE.size * i, VALUE.pack(TENSOR, 0, descriptor))
                fields = (block + data, CPU, 0, len(shape), FLOAT, 32, 1, block + dims, 0, 0, 0)
                self._write(descriptor, DESCRIPTOR.pack(*fields))
                self._write(block + dims, struct.pack(f"<{len(shape)}q", *shape))
                dims += 8 * len(shape)
                if i < len(arrays):
                    self._write(block + data, arrays[i].tobytes())
                    data += _align(arrays[i].nbytes)
            if self._call("main", 0, block, count, 0) != 0:
                raise RuntimeError(self._text(self._call("nncc_error")))
            first = block + descriptors + DESCRIPTOR.size * len(arrays)
            return {
                item.name: self._array(first + DESCRIPTOR.size * i)
                for i, item in enumerate(self.outputs)
            }
        finally:
            self._call("nncc_free", block)

    def _array(self, descriptor: int) -> Array:
        fields = DESCRIPTOR.unpack(self._read(descriptor, DESCRIPTOR.size))
        data, rank, dims, offset = fields[0], fields[3], fields[7], fields[10]
        shape = struct.unpack(f"<{rank}q", self._read(dims, 8 * rank))
        elements = self._read(data + offset, 4 * int(np.prod(shape)))
        return np.frombuffer(elements, np.float32).reshape(shape)

    def _call(self, name: str, *args: int) -> int:
        function = self._exports[name]
        assert isinstance(function, Func)
        # wasm's i32 has no sign of its own.
        return (function(self._store, *args) or 0) & 0xFFFFFFFF

    @property
    def _memory(self) -> Memory:
        memory = self._exports["memory"]
        assert isinstance(memory, Memory)
        return memory

    def _read(self, address: int, size: int) -> bytearray:
        return self._memory.read(self._store, address, address + size)

    def _write(self, address: int, content: bytes) -> None:
        self._memory.write(self._store, content, address)

    def _text(self, address: int) -> str:
        end = address
        while self._read(end, 1) != b"\0":
            end += 1
        return self._read(address, end - address).decode()


def _tensor_type(item: dict[str, object]) -> TensorType:
    shape = item["shape"]
    assert isinstance(shape, list)
    if item["dtype"] != "f32":
        raise ValueError(f"'{item['name']}' is {item['dtype']}; this example knows f32")
    return TensorType(str(item["name"]), "f32", tuple(shape))


def _align(size: int) -> int:
    return (size + 63) & ~63
