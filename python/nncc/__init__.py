# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles ONNX networks to WebAssembly and runs the modules.

import nncc
nncc.compile("model.onnx", "model.wasm")
model = nncc.load("model.wasm")
outputs = model.run({"x": x})  # arrays by name
"""

from nncc.compiler import CompileError, compile
from nncc.module import Model, ModuleError, Stream, TensorType, load

__all__ = ["CompileError", "Model", "ModuleError", "Stream", "TensorType", "compile", "load"]
