# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Calls a component that exports wasi:nn, through its four interfaces, in wasmtime."""

from pathlib import Path
from typing import Any

import numpy as np
from wasmtime import Engine, Store
from wasmtime.component import Component, Linker

from harness import Array

TYPES = {
    "FP16": np.float16,
    "FP32": np.float32,
    "FP64": np.float64,
    "U8": np.uint8,
    "I32": np.int32,
    "I64": np.int64,
}
NAMES = {np.dtype(kind): name for name, kind in TYPES.items()}


class WasiNNError(Exception):
    """What the component answers instead: `code` as in wasi:nn/errors."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


class ComponentHost:
    """An instance of a component that exports wasi:nn in `edition`."""

    def __init__(self, path: Path, edition: str = "2024-10-28") -> None:
        engine = Engine()
        self.store = Store(engine)
        self.edition = edition
        component = Component.from_file(engine, str(path))
        self.instance = Linker(engine).instantiate(self.store, component)

    def call(self, interface: str, function: str, *args: Any) -> Any:
        """A function's result as wasmtime gives it."""
        name = f"wasi:nn/{interface}@0.2.0-rc-{self.edition}"
        index = self.instance.get_export_index(self.store, name)
        assert index is not None, name
        index = self.instance.get_export_index(self.store, function, index)
        assert index is not None, function
        exported = self.instance.get_func(self.store, index)
        assert exported is not None
        return exported(self.store, *args)

    def fail(self, error: Any) -> None:
        code = self.call("errors", "[method]error.code", error)
        text = self.call("errors", "[method]error.data", error)
        error.drop(self.store)
        raise WasiNNError(code, text)

    def tensor(self, array: Array) -> Any:
        dims, data = list(array.shape), array.tobytes()
        return self.call("tensor", "[constructor]tensor", dims, NAMES[array.dtype], data)

    def array(self, tensor: Any) -> Array:
        """The tensor's content; the tensor is dropped."""
        dims = self.call("tensor", "[method]tensor.dimensions", tensor)
        kind = self.call("tensor", "[method]tensor.ty", tensor)
        data = bytes(self.call("tensor", "[method]tensor.data", tensor))
        tensor.drop(self.store)
        return np.frombuffer(data, TYPES[kind]).reshape(dims)

    def unwrap(self, result: Any) -> Any:
        """The value of a result of two resources, which come tagged."""
        if result.tag == "err":
            self.fail(result.payload)
        return result.payload

    def open(self, name: str = "demo") -> Any:
        """A context of the graph."""
        graph = self.unwrap(self.call("graph", "load-by-name", name))
        context = self.unwrap(self.call("graph", "[method]graph.init-execution-context", graph))
        graph.drop(self.store)
        return context

    def compute(self, context: Any, feeds: dict[str, Array]) -> dict[str, Array]:
        inputs = [(name, self.tensor(array)) for name, array in feeds.items()]
        function = "[method]graph-execution-context.compute"
        result = self.call("inference", function, context, inputs)
        if not isinstance(result, list):
            self.fail(result)
        return {name: self.array(tensor) for name, tensor in result}
