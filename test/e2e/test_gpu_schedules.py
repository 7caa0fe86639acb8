# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Kernels whose threads share a sum or a row, with subgroups and without."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

import nncc
from gpu import gpu_host
from harness import ATOL, RTOL, Array, compare, gpu_problem, network, random, reference

Case = tuple[onnx.ModelProto, dict[str, Array]]


def product(rows: int, depth: int, columns: int) -> Case:
    """x w + b, in blocks or by shared sums."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["p"]),
        helper.make_node("Add", ["p", "b"], ["y"]),
    ]
    constants = {"w": random(depth, columns, seed=1) / 32, "b": random(columns, seed=2)}
    feed = {"x": random(rows, depth)}
    return network(nodes, feed, constants=constants), feed


def rows() -> Case:
    """A normalisation, a softmax, a maximum and a product of rows of odd length."""
    nodes = [
        helper.make_node("LayerNormalization", ["x", "g"], ["n"]),
        helper.make_node("Softmax", ["n"], ["s"], axis=-1),
        helper.make_node("ReduceMax", ["n"], ["m"], axes=[-1], keepdims=1),
        helper.make_node("ReduceMin", ["x"], ["l"], axes=[-1], keepdims=1),
        helper.make_node("Concat", ["s", "m", "l"], ["y"], axis=-1),
    ]
    feed = {"x": random(5, 1037)}
    return network(nodes, feed, constants={"g": random(1037, seed=1)}), feed


CASES = {
    "one-row": lambda: product(1, 2048, 40),
    "split": lambda: product(8, 2048, 64),
    "split-odd": lambda: product(13, 1030, 37),
    "rows": rows,
}


@pytest.mark.parametrize("plain", [False, True], ids=["best", "plain"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_shared(case: Callable[[], Case], plain: bool, tmp_path: Path) -> None:
    if problem := gpu_problem():
        pytest.skip(f"no GPU: {problem}")
    model, feed = case()
    onnx.save(model, tmp_path / "model.onnx")
    flags = ["--target=webgpu", "--no-fallback", "--require-gpu"]
    nncc.compile(tmp_path / "model.onnx", tmp_path / "model.wasm", flags=flags)
    outputs = gpu_host(plain).run(tmp_path / "model.wasm", list(feed.values()))
    expected = reference(model, feed)
    compare(dict(zip(expected, outputs, strict=True)), expected, RTOL, ATOL)


def test_large_table(tmp_path: Path) -> None:
    """A table that no device need bind as a whole, for a Gather and a product."""
    if problem := gpu_problem():
        pytest.skip(f"no GPU: {problem}")
    rows, columns = 65600, 512
    table = np.random.default_rng(1).integers(0, 3, (rows, columns), dtype=np.uint8)
    nodes = [
        helper.make_node("Gather", ["table", "rows"], ["found"]),
        helper.make_node("Cast", ["found"], ["x"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Cast", ["table"], ["w"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Transpose", ["w"], ["t"], perm=[1, 0]),
        helper.make_node("MatMul", ["x", "t"], ["y"]),
    ]
    feed = {"rows": np.array([0, -1, rows // 2, rows // 2 - 1, 77])}
    onnx.save(network(nodes, feed, ["y"], constants={"table": table}), tmp_path / "model.onnx")
    flags = ["--target=webgpu", "--no-fallback", "--require-gpu"]
    nncc.compile(tmp_path / "model.onnx", tmp_path / "model.wasm", flags=flags)
    outputs = gpu_host().run(tmp_path / "model.wasm", list(feed.values()))
    x = table[feed["rows"]].astype(np.float32)
    np.testing.assert_array_equal(outputs[0], x @ table.astype(np.float32).T)
