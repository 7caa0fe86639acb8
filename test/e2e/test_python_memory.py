# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the Python runtime reads and writes in a module's memory."""

from pathlib import Path

import numpy as np
import pytest
import wasmtime

import nncc
from nncc.module import ABI_VERSION

SIGNATURE = (
    '{"inputs": [{"name": "x", "dtype": "f32", "shape": ["n", 2]}],'
    ' "outputs": [{"name": "y", "dtype": "f32", "shape": ["n", 2]}]}'
)

# `main` gives its input back, at an address DISTANCE further on.
MODULE = """(module (memory (export "memory") 1) (global $next (mut i32) (i32.const 1024))
  (data (i32.const 0) "TEXT\\00")
  (func (export "nncc_abi_version") (result i32) (i32.const VERSION))
  (func (export "nncc_signature") (result i32) (i32.const 0))
  (func (export "nncc_free") (param i32))
  (func (export "nncc_alloc") (param i32) (result i32)
    (global.get $next)
    (global.set $next
      (i32.and (i32.add (i32.add (global.get $next) (local.get 0)) (i32.const 15))
               (i32.const -16))))
  (func (export "main") (param $self i32) (param $args i32) (param i32) (param i32)
    (result i32)
    (local $x i32) (local $y i32)
    (local.set $x (i32.load offset=8 (local.get $args)))
    (local.set $y (i32.load offset=24 (local.get $args)))
    (i32.store (local.get $y) (i32.load (local.get $x)))
    (i64.store offset=32 (local.get $y) (i64.const DISTANCE))
    (i64.store offset=40 (local.get $y) (i64.load offset=40 (local.get $x)))
    (i64.store offset=48 (local.get $y) (i64.load offset=48 (local.get $x)))
    (i32.const 0)))"""


def echo(folder: Path, distance: int) -> nncc.Model:
    text = SIGNATURE.replace('"', '\\"')
    fields = {"TEXT": text, "VERSION": str(ABI_VERSION), "DISTANCE": str(distance)}
    wat = MODULE
    for name, value in fields.items():
        wat = wat.replace(name, value)
    path = folder / "echo.wasm"
    path.write_bytes(wasmtime.wat2wasm(wat))
    return nncc.load(path)


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_gives_copies(tmp_path: Path, rows: int) -> None:
    model = echo(tmp_path, 0)
    x = np.arange(2 * rows, dtype=np.float32).reshape(2, rows).T
    first = model.run({"x": x})["y"]
    model.run({"x": x + 1})
    np.testing.assert_array_equal(first, x)
    first[:] = 0  # It is the caller's.


@pytest.mark.parametrize("distance", [1 << 16, 1 << 40])
def test_reads_nothing_outside(tmp_path: Path, distance: int) -> None:
    with pytest.raises(nncc.ModuleError, match="memory that it does not have"):
        echo(tmp_path, distance).run({"x": np.ones((1, 2), np.float32)})
