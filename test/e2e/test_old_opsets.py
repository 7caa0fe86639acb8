# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Operators as opsets before 7 have them, which onnxruntime no longer runs: against numpy."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper

from harness import Array, Feeds, compare, compiled, network, random

X = random(2, 3, 4, 5)
CHANNEL = random(3, seed=1)
PER_CHANNEL = CHANNEL.reshape(3, 1, 1)
STATISTICS = {"s": CHANNEL, "b": CHANNEL + 1, "m": CHANNEL - 1, "v": np.abs(CHANNEL) + 0.5}
NORMAL = (X - (PER_CHANNEL - 1)) / np.sqrt(np.abs(PER_CHANNEL) + 0.5 + 1e-5)
A, B = random(4, 3, seed=2), random(3, 5, seed=3)

# Opset, node, operands, expected.
CASES: dict[str, tuple[int, str, Feeds, dict[str, Any], Array]] = {
    "add_at_axis": (6, "Add", {"x": X, "c": CHANNEL}, {"broadcast": 1, "axis": 1}, X + PER_CHANNEL),
    "mul_behind": (1, "Mul", {"x": X, "c": X[0, 0]}, {"broadcast": 1}, X * X[0, 0]),
    "sub_alike": (6, "Sub", {"x": X, "c": X / 3}, {}, X - X / 3),
    "less": (6, "Less", {"x": X, "c": CHANNEL}, {"broadcast": 1, "axis": -3}, X < PER_CHANNEL),
    "prelu": (6, "PRelu", {"x": X, "c": CHANNEL}, {}, np.where(X < 0, X * PER_CHANNEL, X)),
    "prelu_of_one": (
        1,
        "PRelu",
        {"x": X, "c": CHANNEL[:1]},
        {},
        np.where(X < 0, X * CHANNEL[0], X),
    ),
    "cast": (5, "Cast", {"x": X}, {"to": "INT32"}, X.astype(np.int32)),
    "reshape": (4, "Reshape", {"x": X}, {"shape": [0, -1, 10]}, X.reshape(2, 6, 10)),
    "relu": (1, "Relu", {"x": X}, {"consumed_inputs": [0]}, np.maximum(X, 0)),
    "clip": (1, "Clip", {"x": X}, {"min": -0.5}, np.maximum(X, -0.5)),
    "concat": (3, "Concat", {"x": X, "c": X}, {}, np.concatenate([X, X], 1)),
    "dropout": (6, "Dropout", {"x": X}, {"is_test": 1, "ratio": 0.5}, X),
    "gemm": (6, "Gemm", {"a": A, "b": B, "c": B[0]}, {"broadcast": 1}, A @ B + B[0]),
    "normalization": (
        6,
        "BatchNormalization",
        {"x": X, **STATISTICS},
        {"is_test": 1},
        NORMAL * PER_CHANNEL + PER_CHANNEL + 1,
    ),
    "pad": (
        1,
        "Pad",
        {"x": X},
        {"paddings": [0, 0, 1, 2, 0, 0, 0, 1]},
        np.pad(X, [(0, 0), (0, 0), (1, 0), (2, 1)]),
    ),
    "upsample": (
        6,
        "Upsample",
        {"x": X},
        {"height_scale": 2.0, "width_scale": 3.0},
        X.repeat(2, 2).repeat(3, 3),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_operator(case: str, tmp_path: Path) -> None:
    opset, op, feeds, attributes, expected = CASES[case]
    node = helper.make_node(op, list(feeds), ["y"], **attributes)
    got = compiled(network([node], feeds, opset=opset), tmp_path).run(feeds)
    compare(got, {"y": expected.astype(expected.dtype)}, 1e-5, 1e-5)


def test_tile_along_an_axis(tmp_path: Path) -> None:
    feeds = {"x": A}
    constants = {"count": np.array([3], np.int64), "axis": np.array([1], np.int64)}
    node = helper.make_node("Tile", ["x", "count", "axis"], ["y"])
    got = compiled(network([node], feeds, constants=constants, opset=5), tmp_path).run(feeds)
    compare(got, {"y": np.tile(A, (1, 3))}, 0, 0)
