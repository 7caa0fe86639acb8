# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Python functions that modules call for custom operators. docs/extern.md says how."""

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import wasmtime

Array = npt.NDArray[Any]

# Gets the inputs as arrays and the node's attributes by name; gives an array or several.
Operator = Callable[..., npt.ArrayLike | Sequence[npt.ArrayLike]]

VALUE = struct.Struct("<IIQ")
INT, FLOAT, STRING, TENSOR = 1, 2, 4, 5


@dataclass(frozen=True)
class Declared:
    """An operator of the signature."""

    name: str
    inputs: int
    outputs: int


class OperatorError(Exception):
    """A function gave what its declaration does not allow, or is missing."""


class Functions:
    """The imports of a module that calls functions."""

    def __init__(self, functions: Mapping[str, Operator]) -> None:
        self._functions = functions
        self._declared: dict[str, Declared] = {}
        self._found: list[str] = []
        self.thrown: Exception | None = None

    def define(self, linker: wasmtime.Linker) -> None:
        i32 = wasmtime.ValType.i32()
        for name, count, function in (
            ("call_packed", 4, self._call),
            ("find_packed", 2, self._find),
        ):
            kind = wasmtime.FuncType([i32] * count, [i32])
            linker.define_func("nncc", name, kind, function, access_caller=True)
        kind = wasmtime.FuncType([i32], [])
        linker.define_func("nncc", "drop_packed", kind, lambda number: None)

    def check(self, signature: Mapping[str, Any]) -> None:
        """Raises OperatorError when a function of the signature was not given."""
        for item in signature.get("functions", []):
            if item["name"] not in self._functions:
                raise OperatorError(f"the module calls '{item['name']}': give it in 'functions'")
            self._declared[item["name"]] = Declared(**item)

    def _find(self, caller: wasmtime.Caller, address: int, length: int) -> int:
        name = Memory(caller).read(address, length).decode()
        if name not in self._functions:
            return -1
        self._found.append(name)
        return len(self._found) - 1

    def _call(self, caller: wasmtime.Caller, number: int, args: int, nargs: int, ret: int) -> int:
        try:
            self._run(Memory(caller), self._found[number], args & 0xFFFFFFFF, nargs)
            return 0
        except Exception as error:
            # Whatever it is must not cross the module: it is raised again behind it.
            self.thrown = error
            kind = "" if isinstance(error, OperatorError) else f"{type(error).__name__}: "
            fail(caller, f"{kind}{error}")
            return 1

    def _run(self, memory: "Memory", name: str, args: int, nargs: int) -> None:
        declared = self._declared[name]
        count = declared.inputs + declared.outputs
        values = [memory.value(args + VALUE.size * i) for i in range(nargs)]
        names, constants = values[count::2], values[count + 1 :: 2]
        attributes = dict(zip(map(str, names), constants, strict=True))
        inputs = [cast(Array, value).copy() for value in values[: declared.inputs]]
        given = self._functions[name](*inputs, **attributes)
        results = list(given) if isinstance(given, list | tuple) else [given]
        if len(results) != declared.outputs:
            raise OperatorError(f"it gave {len(results)} outputs, not {declared.outputs}")
        for i, (result, output) in enumerate(
            zip(results, values[declared.inputs : count], strict=True)
        ):
            write(np.asarray(result), cast(Array, output), f"its output {i}")


def write(result: Array, output: Array, what: str) -> None:
    """Copies a result to its place; raises OperatorError when it does not fit."""
    if result.dtype != output.dtype or result.shape != output.shape:
        given = f"{result.dtype}{list(result.shape)}"
        raise OperatorError(f"{what} is {given}, not {output.dtype}{list(output.shape)}")
    output[...] = result


def fail(caller: wasmtime.Caller, message: str) -> None:
    """Tells the module why a function failed."""
    text = message.encode()[:1000]

    def call(name: str, *args: int) -> Any:
        return cast(wasmtime.Func, caller[name])(caller, *args)

    block = call("nncc_alloc", len(text) + 1) & 0xFFFFFFFF
    if block != 0:
        cast(wasmtime.Memory, caller["memory"]).write(caller, text, block)
        call("nncc_fail", block, len(text))
        call("nncc_free", block)


class Memory:
    """The memory of a module while it calls a function."""

    def __init__(self, caller: wasmtime.Caller) -> None:
        memory = cast(wasmtime.Memory, caller["memory"])
        size = memory.data_len(caller)
        pointer = memory.data_ptr(caller)
        self._bytes = np.ctypeslib.as_array(pointer, shape=(size,))

    def read(self, address: int, length: int) -> bytes:
        address &= 0xFFFFFFFF
        return self._bytes[address : address + length].tobytes()

    def value(self, address: int) -> int | float | str | Array:
        """A packed value; an array is a view of the memory."""
        tag, _, payload = VALUE.unpack(self.read(address, VALUE.size))
        if tag == INT:
            return cast(int, struct.unpack("<q", struct.pack("<Q", payload))[0])
        if tag == FLOAT:
            return cast(float, struct.unpack("<d", struct.pack("<Q", payload))[0])
        if tag == STRING:
            return self.read(payload & 0xFFFFFFFF, payload >> 32).decode()
        if tag == TENSOR:
            return self._tensor(payload)
        raise OperatorError(f"a value of tag {tag} is not supported")

    def _tensor(self, address: int) -> Array:
        from nncc.module import DESCRIPTOR, numpy_dtype_of

        fields = DESCRIPTOR.unpack(self.read(address, DESCRIPTOR.size))
        data, rank, code, bits, dims, offset = (fields[i] for i in (0, 3, 4, 5, 7, 10))
        shape = struct.unpack(f"<{rank}q", self.read(dims, 8 * rank))
        dtype = numpy_dtype_of(code, bits)
        start = data + offset
        size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        return self._bytes[start : start + size].view(dtype).reshape(shape)
