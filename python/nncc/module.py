# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs compiled modules with wasmtime. docs/module-format.md describes the calls."""

import hashlib
import json
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import wasmtime

from nncc.functions import Functions, Operator, OperatorError
from nncc.relaxed import use_variants

Array = npt.NDArray[Any]

ABI_VERSION = 1
VALUE = struct.Struct("<IIQ")
DESCRIPTOR = struct.Struct("<IiiiBBHIIIQ")
TAG_TENSOR = 5
CPU = 1

# The type codes of DLPack; bfloat16, which NumPy lacks, is kept as its bits.
DTYPES: dict[str, tuple[str, int, int]] = {
    "f32": ("<f4", 2, 32),
    "f64": ("<f8", 2, 64),
    "f16": ("<f2", 2, 16),
    "bf16": ("<u2", 4, 16),
    "i8": ("<i1", 0, 8),
    "i16": ("<i2", 0, 16),
    "i32": ("<i4", 0, 32),
    "i64": ("<i8", 0, 64),
    "u8": ("<u1", 1, 8),
    "u16": ("<u2", 1, 16),
    "u32": ("<u4", 1, 32),
    "u64": ("<u8", 1, 64),
    "bool": ("?", 6, 8),
}


class ModuleError(Exception):
    """A module that cannot be loaded, or a call that it refused."""


@dataclass(frozen=True)
class TensorType:
    """An input or output; a size is a number, a symbol or an expression."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]

    @property
    def numpy_dtype(self) -> np.dtype[Any]:
        return np.dtype(DTYPES[self.dtype][0])

    def __str__(self) -> str:
        return f"{self.dtype}[{','.join(map(str, self.shape))}]"


def numpy_dtype_of(code: int, bits: int) -> np.dtype[Any]:
    """The NumPy type of DLPack's code and bits."""
    for name, *key in DTYPES.values():
        if key == [code, bits]:
            return np.dtype(name)
    raise ModuleError(f"a tensor has the unknown type {code}, {bits} bits")


def load(
    path: str | os.PathLike[str],
    weights: str | os.PathLike[str] | None = None,
    *,
    functions: Mapping[str, Operator] | None = None,
    relaxed: bool | None = None,
) -> "Model":
    """Loads the module at `path`; `weights` is its weight file where that is not beside it.

    `functions` compute the module's custom operators, by names such as "my.domain::Op":
    they get the inputs as arrays and the node's attributes by name, and give an array or
    a tuple of several. `relaxed` says whether kernels use relaxed SIMD where the module
    has it, with results that may differ in the last bits; by default where that is faster.
    """
    file = None if weights is None else Path(weights)
    try:
        return Model(Path(path), file, functions or {}, relaxed)
    except (OSError, wasmtime.WasmtimeError, OperatorError) as error:
        raise ModuleError(f"{os.fspath(path)}: {error}") from error


class Model:
    """A loaded module. One call at a time: it has a single arena.

    `relaxed` tells whether its kernels use relaxed SIMD.
    """

    def __init__(
        self,
        path: Path,
        weights: Path | None = None,
        functions: Mapping[str, Operator] | None = None,
        relaxed: bool | None = None,
    ) -> None:
        engine = wasmtime.Engine()
        self._store = wasmtime.Store(engine)
        self._functions = Functions(functions or {})
        linker = wasmtime.Linker(engine)
        self._functions.define(linker)
        code = path.read_bytes()
        instance = linker.instantiate(self._store, wasmtime.Module(engine, code))
        self._exports = instance.exports(self._store)
        if "nncc_abi_version" not in self._exports:
            raise ModuleError(f"{path}: nncc did not make this module")
        version = self._call("nncc_abi_version")
        if version != ABI_VERSION:
            raise ModuleError(f"{path}: unknown version {version} of the module format")
        self.signature: dict[str, Any] = json.loads(self._text(self._call("nncc_signature")))
        self._functions.check(self.signature)
        if self.signature.get("weights", "embedded") != "embedded":
            self._load_weights(path, weights)
        self.relaxed = use_variants(self._store, instance, code, relaxed)

    @cached_property
    def inputs(self) -> list[TensorType]:
        return [_tensor_type(item) for item in self.signature["inputs"]]

    @cached_property
    def outputs(self) -> list[TensorType]:
        return [_tensor_type(item) for item in self.signature["outputs"]]

    def run(self, inputs: Mapping[str, npt.ArrayLike]) -> dict[str, Array]:
        """The outputs by name, as copies. Raises ModuleError, naming the input at fault."""
        names = [item.name for item in self.inputs]
        for name in inputs:
            if name not in names:
                raise ModuleError(f"the model has no input '{name}'; it has {names}")
        blocks: list[int] = []
        try:
            return self._run([_as_array(item, inputs) for item in self.inputs], blocks)
        except wasmtime.Trap as trap:
            raise ModuleError(f"the module trapped: {trap}") from trap
        finally:
            for block in blocks:
                self._call("nncc_free", block)

    def stream(self, state: Mapping[str, str] | None = None) -> "Stream":
        """Calls that keep what the model takes back: outputs, and the inputs they become.

        `state` replaces the pairs that the model was compiled with.
        """
        pairs = {item["output"]: item["input"] for item in self.signature.get("state", [])}
        return Stream(self, pairs if state is None else state)

    def _run(self, arrays: list[Array], blocks: list[int]) -> dict[str, Array]:
        descriptors = []
        for item, array in zip(self.inputs, arrays, strict=True):
            data = self._allocate(array.nbytes, blocks)
            self._view(data, array.nbytes)[:] = array.ravel().view(np.uint8)
            descriptors.append(self._describe(item, array.shape, data, blocks))
        for item in self.outputs:
            descriptors.append(self._describe(item, (0,) * len(item.shape), 0, blocks))
        args = self._allocate(VALUE.size * (len(descriptors) + 1), blocks)
        values = b"".join(VALUE.pack(TAG_TENSOR, 0, address) for address in descriptors)
        self._memory.write(self._store, values, args)
        if self._call("main", 0, args, len(descriptors), args + len(values)) != 0:
            thrown, self._functions.thrown = self._functions.thrown, None
            raise ModuleError(self._text(self._call("nncc_error"))) from thrown
        results = descriptors[len(arrays) :]
        return {
            item.name: self._read(at, item) for item, at in zip(self.outputs, results, strict=True)
        }

    def _describe(
        self, item: TensorType, shape: tuple[int, ...], data: int, blocks: list[int]
    ) -> int:
        _, code, bits = DTYPES[item.dtype]
        address = self._allocate(DESCRIPTOR.size + 8 * len(shape), blocks)
        dims = address + DESCRIPTOR.size
        head = DESCRIPTOR.pack(data, CPU, 0, len(shape), code, bits, 1, dims, 0, 0, 0)
        self._memory.write(self._store, head + struct.pack(f"<{len(shape)}q", *shape), address)
        return address

    def _read(self, address: int, item: TensorType) -> Array:
        fields = DESCRIPTOR.unpack(self._bytes(address, DESCRIPTOR.size))
        data, rank, dims, offset = fields[0], fields[3], fields[7], fields[10]
        shape = struct.unpack(f"<{rank}q", self._bytes(dims, 8 * rank))
        size = int(np.prod(shape, dtype=np.int64)) * item.numpy_dtype.itemsize
        flat = self._view(data + offset, size).copy()
        return flat.view(item.numpy_dtype).reshape(shape)

    def _load_weights(self, path: Path, weights: Path | None) -> None:
        described = self.signature["weights"]
        file = path.with_name(Path(described["file"]).name) if weights is None else weights
        content = file.read_bytes()
        if hashlib.sha256(content).hexdigest() != described["sha256"]:
            raise ModuleError(f"{file} is not the weight file that {path} was compiled with")
        # The whole file: the module knows how long its header is.
        self._memory.write(self._store, content, self._call("nncc_weights"))

    def _allocate(self, size: int, blocks: list[int]) -> int:
        address = self._call("nncc_alloc", max(size, 1)) & 0xFFFFFFFF
        if address == 0:
            raise ModuleError(f"the module could not allocate {size} bytes")
        blocks.append(address)
        return address

    @property
    def _memory(self) -> wasmtime.Memory:
        return cast(wasmtime.Memory, self._exports["memory"])

    def _call(self, name: str, *args: int) -> int:
        function = cast(wasmtime.Func, self._exports[name])
        return int(function(self._store, *args) or 0)

    def _view(self, address: int, size: int) -> npt.NDArray[np.uint8]:
        """`size` bytes where they are, until the module allocates."""
        if address + size > self._memory.data_len(self._store):
            raise ModuleError("the module tells of memory that it does not have")
        buffer = self._memory.get_buffer_ptr(self._store, size, address)
        return np.ctypeslib.as_array(buffer)

    def _bytes(self, address: int, size: int) -> bytearray:
        return bytearray(self._memory.read(self._store, address, address + size))

    def _text(self, address: int) -> str:
        end = address
        while self._bytes(end, 1)[0] != 0:
            end += 1
        return self._bytes(address, end - address).decode()


class Stream:
    """A sequence of calls of a model that keeps its state in between."""

    def __init__(self, model: Model, state: Mapping[str, str]) -> None:
        if not state:
            raise ModuleError("the model has no state: compile it with --state, or give 'state'")
        self._model = model
        self._pairs = state
        self._inputs = {item.name: item for item in model.inputs}
        outputs = [item.name for item in model.outputs]
        for output, name in state.items():
            if output not in outputs or name not in self._inputs:
                raise ModuleError(f"state: no output '{output}' or no input '{name}'")
        self.state: dict[str, Array] = {}
        self.reset()

    def run(self, inputs: Mapping[str, npt.ArrayLike]) -> dict[str, Array]:
        """Runs the model on the other inputs. The outputs include the state."""
        outputs = self._model.run({**self.state, **inputs})
        self.state = {name: outputs[output] for output, name in self._pairs.items()}
        return outputs

    def reset(self) -> None:
        """Begins anew: zeros, open sizes as 1."""
        self.state = {name: _zeros(self._inputs[name]) for name in self._pairs.values()}


def _zeros(item: TensorType) -> Array:
    shape = [1 if isinstance(size, str) else size for size in item.shape]
    return np.zeros(shape, item.numpy_dtype)


def _tensor_type(item: Mapping[str, Any]) -> TensorType:
    return TensorType(item["name"], item["dtype"], tuple(item["shape"]))


def _as_array(item: TensorType, inputs: Mapping[str, npt.ArrayLike]) -> Array:
    if item.name not in inputs:
        raise ModuleError(f"input '{item.name}' {item} was not given")
    array = np.asarray(inputs[item.name])
    # The type that ml_dtypes adds to NumPy.
    if item.dtype == "bf16" and array.dtype.name == "bfloat16":
        array = array.view(item.numpy_dtype)
    if array.dtype != item.numpy_dtype:
        raise ModuleError(f"input '{item.name}': the model wants {item.dtype}, not {array.dtype}")
    if array.ndim != len(item.shape):
        raise ModuleError(f"input '{item.name}': the model wants {item}, not {list(array.shape)}")
    return np.ascontiguousarray(array).reshape(array.shape)
