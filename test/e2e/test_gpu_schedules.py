# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Kernels whose threads share a sum or a row, with subgroups and without."""

from collections.abc import Callable
from pathlib import Path

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
