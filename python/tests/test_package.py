# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The package: compiling from Python and running in wasmtime."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import nncc


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """y[batch,3] = relu(x) + 1, compiled."""
    folder = tmp_path_factory.mktemp("package")
    shape = ["batch", 3]
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["r"]), helper.make_node("Add", ["r", "one"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [helper.make_tensor("one", TensorProto.FLOAT, [], [1.0])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, folder / "model.onnx")
    return nncc.compile(folder / "model.onnx", folder / "model.wasm")


def test_runs_with_several_shapes(module: Path) -> None:
    model = nncc.load(module)
    for batch in (1, 5, 2):
        x = np.linspace(-1, 1, 3 * batch, dtype=np.float32).reshape(batch, 3)
        np.testing.assert_array_equal(model.run({"x": x})["y"], np.maximum(x, 0) + 1)


def test_signature(module: Path) -> None:
    model = nncc.load(module)
    assert model.inputs == [nncc.TensorType("x", "f32", ("batch", 3))]
    assert [output.name for output in model.outputs] == ["y"]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "'x'.*not given"),
        ({"x": np.zeros((1, 3), np.float32), "z": 1}, "no input 'z'"),
        ({"x": np.zeros((1, 3))}, "wants f32, not float64"),
        ({"x": np.zeros(3, np.float32)}, "wants f32"),
        ({"x": np.zeros((1, 4), np.float32)}, "x"),
    ],
)
def test_wrong_inputs(module: Path, inputs: dict[str, object], message: str) -> None:
    with pytest.raises(nncc.ModuleError, match=message):
        nncc.load(module).run(inputs)  # type: ignore[arg-type]


def test_compile_error_is_what_the_compiler_said(tmp_path: Path) -> None:
    with pytest.raises(nncc.CompileError, match=r"nothing\.onnx"):
        nncc.compile(tmp_path / "nothing.onnx", tmp_path / "out.wasm")
    assert not (tmp_path / "out.wasm").exists()


def test_load_error_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "bad.wasm").write_bytes(b"no")
    with pytest.raises(nncc.ModuleError, match=r"bad\.wasm"):
        nncc.load(tmp_path / "bad.wasm")
