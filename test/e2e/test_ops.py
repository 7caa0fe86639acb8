# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Each op family on odd sizes: one node, compiled, against onnxruntime."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper

from harness import Array, check, network, random

X = random(2, 3, 5)
POSITIVE = np.abs(X) + 0.1
UNIT = np.clip(X, -0.95, 0.95)
I64 = np.arange(-7, 8, dtype=np.int64).reshape(3, 5)

UNARY: dict[str, Array] = {
    **dict.fromkeys(
        [
            *["Abs", "Neg", "Exp", "Sin", "Cos", "Tan", "Atan", "Sinh", "Cosh", "Tanh", "Asinh"],
            *["Sigmoid", "Erf", "Relu", "Floor", "Ceil", "Round", "Sign", "Softplus", "Softsign"],
            *["Elu", "Selu", "LeakyRelu", "HardSigmoid", "HardSwish", "Celu", "Identity"],
        ],
        X * 3,
    ),
    **dict.fromkeys(["Log", "Sqrt", "Reciprocal"], POSITIVE),
    **dict.fromkeys(["Asin", "Acos", "Atanh"], UNIT),
    "Acosh": POSITIVE + 1,
    "IsNaN": np.where(X > 0, np.nan, X).astype(np.float32),
    "IsInf": np.where(X > 0, np.inf, X).astype(np.float32),
    "Not": X > 0,
}


@pytest.mark.parametrize("op", UNARY)
def test_unary(op: str, tmp_path: Path) -> None:
    feed = {"x": UNARY[op]}
    check(network([helper.make_node(op, ["x"], ["y"])], feed), tmp_path, feed)


@pytest.mark.parametrize("op", ["Exp", "Sin", "Sqrt", "Tanh"])
def test_unary_of_doubles(op: str, tmp_path: Path) -> None:
    feed = {"x": POSITIVE.astype(np.float64)}
    check(network([helper.make_node(op, ["x"], ["y"])], feed), tmp_path, feed, rtol=1e-12)


BINARY: dict[str, tuple[Array, Array]] = {
    **dict.fromkeys(
        [
            *["Add", "Sub", "Mul", "Div", "PRelu", "Less", "LessOrEqual", "Greater"],
            *["GreaterOrEqual", "Equal", "Min", "Max"],
        ],
        (X, random(3, 1, seed=1)),
    ),
    "Pow": (POSITIVE, random(5, seed=1)),
    **dict.fromkeys(["And", "Or", "Xor"], (X > 0, X < 0.5)),
}


@pytest.mark.parametrize("op", BINARY)
def test_binary_broadcasts(op: str, tmp_path: Path) -> None:
    a, b = BINARY[op]
    feed = {"a": a, "b": b}
    check(network([helper.make_node(op, ["a", "b"], ["y"])], feed), tmp_path, feed)


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul", "Div", "Mod", "Less", "Equal", "Max"])
def test_integers(op: str, tmp_path: Path) -> None:
    feed = {"a": I64, "b": np.array([1, -2, 3, 5, 7], np.int64)}
    check(network([helper.make_node(op, ["a", "b"], ["y"])], feed), tmp_path, feed)


@pytest.mark.parametrize("kind", [np.int32, np.int64])
def test_powers_of_integers(kind: type[np.integer[Any]], tmp_path: Path) -> None:
    """Also of negative numbers, and fractions."""
    feeds = [
        {"a": np.array(base, kind), "b": np.array(exponent, kind)}
        for base, exponent in [
            ([-3, -1, 1, 2, 46340], [[2], [1], [0]]),
            ([-1, 1, 2, 7], [[-3], [-2], [11]]),
        ]
    ]
    node = helper.make_node("Pow", ["a", "b"], ["y"])
    check(network([node], feeds[0], shapes={"a": ["n"]}), tmp_path, *feeds)


REDUCE = ["Sum", "Mean", "Max", "Min", "Prod", "L1", "L2", "LogSum", "LogSumExp", "SumSquare"]


@pytest.mark.parametrize("axes", [[0], [1], [2], [0, 2], [0, 1, 2]])
@pytest.mark.parametrize("op", REDUCE)
def test_reduce(op: str, axes: list[int], tmp_path: Path) -> None:
    feed = {"x": POSITIVE}
    node = helper.make_node(f"Reduce{op}", ["x"], ["y"], axes=axes, keepdims=0)
    check(network([node], feed, opset=11), tmp_path, feed)


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("op", ["Softmax", "LogSoftmax", "ArgMax", "ArgMin"])
def test_along_axis(op: str, axis: int, tmp_path: Path) -> None:
    feed = {"x": X}
    check(network([helper.make_node(op, ["x"], ["y"], axis=axis)], feed), tmp_path, feed)


def test_softmax_before_opset_13_is_two_dimensional(tmp_path: Path) -> None:
    feed = {"x": X}
    node = helper.make_node("Softmax", ["x"], ["y"], axis=1)
    check(network([node], feed, opset=11), tmp_path, feed)


def ints(*values: int) -> Array:
    return np.array(values, np.int64)


INDICES = np.array([[0, 2], [1, -1]], np.int64)
SHAPE: dict[str, tuple[dict[str, Array], dict[str, Any]]] = {
    "Reshape": ({"shape": ints(3, -1, 2)}, {}),
    "Transpose": ({}, {"perm": [2, 0, 1]}),
    "Flatten": ({}, {"axis": 2}),
    "Squeeze": ({}, {}),
    "Unsqueeze": ({"axes": ints(0, 3)}, {}),
    "Slice": (
        {
            "starts": ints(0, 1, -1),
            "ends": ints(9, 9, -9),
            "axes": ints(0, 1, 2),
            "steps": ints(10**9, 1, -2),
        },
        {},
    ),
    "Pad": ({"pads": ints(0, 1, 2, 1, 0, 3)}, {"mode": "constant"}),
    "Tile": ({"repeats": ints(1, 2, 3)}, {}),
    "Expand": ({"shape": ints(4, 1, 1, 1)}, {}),
    "Gather": ({"indices": INDICES}, {"axis": 1}),
    "GatherElements": ({"indices": np.array([[[0, 1, 0, 1, 1]]], np.int64)}, {"axis": 0}),
    "GatherND": ({"indices": np.array([[0, 1], [1, 2]], np.int64)}, {}),
    "CumSum": ({"axis": np.array(1, np.int64)}, {}),
    "Shape": ({}, {}),
    "Size": ({}, {}),
    "Clip": ({"low": np.asarray(-0.5, np.float32), "high": np.asarray(0.5, np.float32)}, {}),
    "Trilu": ({}, {"upper": 0}),
}


@pytest.mark.parametrize("op", SHAPE)
def test_shape_and_indexing(op: str, tmp_path: Path) -> None:
    constants, attributes = SHAPE[op]
    feed = {"x": X[:, :1] if op == "Squeeze" else X}
    node = helper.make_node(op, ["x", *constants], ["y"], **attributes)
    check(network([node], feed, constants=constants), tmp_path, feed)


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.bool_])
@pytest.mark.parametrize("op", ["Pad", "Tile", "Expand", "Slice", "Gather"])
def test_movement_of_bytes(op: str, kind: type, tmp_path: Path) -> None:
    constants, attributes = SHAPE[op]
    if op == "Pad":
        constants = constants | {"value": np.asarray(200).astype(kind)}
    feed: dict[str, Array] = {"x": np.random.default_rng(0).integers(0, 256, X.shape).astype(kind)}
    node = helper.make_node(op, ["x", *constants], ["y"], **attributes)
    check(network([node], feed, constants=constants), tmp_path, feed)


def test_concat_and_split(tmp_path: Path) -> None:
    feed = {"a": X, "b": random(2, 4, 5, seed=1)}
    nodes = [
        helper.make_node("Concat", ["a", "b"], ["c"], axis=1),
        helper.make_node("Split", ["c", "sizes"], ["y", "z"], axis=1),
    ]
    check(network(nodes, feed, ["y", "z"], constants={"sizes": ints(2, 5)}), tmp_path, feed)


def test_concats_that_begin_alike(tmp_path: Path) -> None:
    feed = {"x": X}
    nodes = [helper.make_node(op, ["x"], [op]) for op in ("Relu", "Exp", "Tanh", "Neg")]
    nodes += [
        helper.make_node("Concat", ["Relu", "Exp", "Neg"], ["y"], axis=1),
        helper.make_node("Concat", ["Relu", "Tanh", "Neg"], ["z"], axis=1),
    ]
    check(network(nodes, feed, ["y", "z"]), tmp_path, feed)


def test_where(tmp_path: Path) -> None:
    feed = {"c": X[0] > 0, "a": X, "b": random(5, seed=1)}
    check(network([helper.make_node("Where", ["c", "a", "b"], ["y"])], feed), tmp_path, feed)


@pytest.mark.parametrize("target", [np.float64, np.int32, np.int64, np.uint8, np.bool_])
def test_cast(target: type, tmp_path: Path) -> None:
    feed = {"x": np.array([0, 0.4, 1.6, 100, 7], np.float32)}
    node = helper.make_node(
        "Cast", ["x"], ["y"], to=helper.np_dtype_to_tensor_dtype(np.dtype(target))
    )
    check(network([node], feed), tmp_path, feed)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((7, 5), (5, 3)),
        ((1, 33), (33, 17)),
        ((2, 3, 9, 4), (2, 3, 4, 6)),
        ((3, 9, 4), (4, 6)),
        ((13,), (13, 5)),
        ((5, 13), (13,)),
        ((1, 3, 5, 8), (2, 1, 8, 2)),
    ],
)
@pytest.mark.parametrize("constant", [False, True])
def test_matmul(a: tuple[int, ...], b: tuple[int, ...], constant: bool, tmp_path: Path) -> None:
    weights = {"b": random(*b, seed=1)}
    feed = {"a": random(*a)} | ({} if constant else weights)
    node = helper.make_node("MatMul", ["a", "b"], ["y"])
    check(network([node], feed, constants=weights if constant else {}), tmp_path, feed)


@pytest.mark.parametrize("flags", [{}, {"transA": 1}, {"transB": 1, "alpha": 0.5, "beta": 2.0}])
def test_gemm(flags: dict[str, Any], tmp_path: Path) -> None:
    a = random(*((6, 7) if "transA" in flags else (7, 6)))
    b = random(*((5, 6) if "transB" in flags else (6, 5)), seed=1)
    feed = {"a": a}
    node = helper.make_node("Gemm", ["a", "b", "c"], ["y"], **flags)
    check(network([node], feed, constants={"b": b, "c": random(5, seed=2)}), tmp_path, feed)


CONVS: dict[str, tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "3x3": ((1, 3, 9, 7), (5, 3, 3, 3), {"pads": [1, 1, 1, 1]}),
    "1x1": ((2, 6, 5, 3), (7, 6, 1, 1), {}),
    "stride": ((1, 4, 11, 9), (8, 4, 3, 3), {"strides": [2, 2], "pads": [0, 1, 1, 0]}),
    "dilation": ((1, 2, 9, 9), (4, 2, 3, 3), {"dilations": [2, 2]}),
    "depthwise": ((1, 6, 8, 7), (6, 1, 3, 3), {"group": 6, "pads": [1, 1, 1, 1]}),
    "grouped": ((1, 6, 8, 7), (9, 2, 3, 3), {"group": 3}),
    "same": ((1, 3, 8, 7), (4, 3, 3, 3), {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
    "1d": ((2, 3, 13), (4, 3, 5), {"pads": [2, 2]}),
    "3d": ((1, 2, 5, 4, 3), (3, 2, 2, 2, 2), {}),
    "wide": ((1, 16, 6, 6), (24, 16, 3, 3), {"pads": [1, 1, 1, 1]}),
}


@pytest.mark.parametrize("case", CONVS)
def test_conv(case: str, tmp_path: Path) -> None:
    shape, filters, attributes = CONVS[case]
    feed = {"x": random(*shape)}
    constants = {"w": random(*filters, seed=1), "b": random(filters[0], seed=2)}
    node = helper.make_node("Conv", ["x", "w", "b"], ["y"], **attributes)
    check(network([node], feed, constants=constants), tmp_path, feed)


@pytest.mark.parametrize(
    "attributes",
    [{}, {"strides": [2, 2]}, {"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1]}],
)
def test_conv_transpose(attributes: dict[str, Any], tmp_path: Path) -> None:
    feed = {"x": random(1, 3, 5, 4)}
    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], **attributes)
    check(network([node], feed, constants={"w": random(3, 2, 3, 3, seed=1)}), tmp_path, feed)


POOLS: dict[str, tuple[str, dict[str, Any]]] = {
    "max": ("MaxPool", {"kernel_shape": [2, 2], "strides": [2, 2]}),
    "max-padded": ("MaxPool", {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "strides": [2, 2]}),
    "max-ceil": ("MaxPool", {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1}),
    "average": ("AveragePool", {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
    "average-beyond": (
        "AveragePool",
        {"kernel_shape": [30000, 30000], "strides": [30000, 30000], "ceil_mode": 1},
    ),
    "average-all": (
        "AveragePool",
        {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1},
    ),
    "global-average": ("GlobalAveragePool", {}),
    "global-max": ("GlobalMaxPool", {}),
    "lrn": ("LRN", {"size": 3}),
    "depth-to-space": ("DepthToSpace", {"blocksize": 2}),
    "instance": ("InstanceNormalization", {}),
}


@pytest.mark.parametrize("case", POOLS)
def test_pool_and_spatial(case: str, tmp_path: Path) -> None:
    op, attributes = POOLS[case]
    feed = {"x": random(1, 8, 7, 9)}
    constants = {"s": random(8, seed=1), "b": random(8, seed=2)} if case == "instance" else {}
    node = helper.make_node(op, ["x", *constants], ["y"], **attributes)
    check(network([node], feed, constants=constants), tmp_path, feed)


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("coordinates", ["half_pixel", "asymmetric", "align_corners"])
def test_resize(mode: str, coordinates: str, tmp_path: Path) -> None:
    feed = {"x": random(1, 3, 5, 7)}
    node = helper.make_node(
        "Resize", ["x", "", "scales"], ["y"], mode=mode, coordinate_transformation_mode=coordinates
    )
    scales = {"scales": np.array([1, 1, 2, 1.5], np.float32)}
    check(network([node], feed, constants=scales), tmp_path, feed)


@pytest.mark.parametrize("kind", [np.uint8, np.int8])
def test_resize_of_bytes(kind: type, tmp_path: Path) -> None:
    feed: dict[str, Array] = {
        "x": np.random.default_rng(0).integers(0, 256, (1, 3, 5, 7)).astype(kind)
    }
    scales = {"scales": np.array([1, 1, 2, 1.5], np.float32)}
    node = helper.make_node("Resize", ["x", "", "scales"], ["y"], mode="linear")
    # onnxruntime interpolates them with fewer bits.
    check(network([node], feed, constants=scales), tmp_path, feed, rtol=0, atol=1)


def test_layer_normalization(tmp_path: Path) -> None:
    feed = {"x": X}
    constants = {"s": random(5, seed=1), "b": random(5, seed=2)}
    node = helper.make_node("LayerNormalization", ["x", "s", "b"], ["y"])
    check(network([node], feed, constants=constants), tmp_path, feed)


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize(("op", "gates"), [("LSTM", 4), ("GRU", 3), ("RNN", 1)])
def test_recurrent(op: str, gates: int, direction: str, tmp_path: Path) -> None:
    ways = 2 if direction == "bidirectional" else 1
    hidden = 6
    feed = {"x": random(7, 2, 5)}
    constants = {
        "w": random(ways, gates * hidden, 5, seed=1),
        "r": random(ways, gates * hidden, hidden, seed=2),
        "b": random(ways, 2 * gates * hidden, seed=3),
    }
    node = helper.make_node(
        op, ["x", "w", "r", "b"], ["y", "h"], hidden_size=hidden, direction=direction
    )
    check(network([node], feed, ["y", "h"], constants=constants), tmp_path, feed)
