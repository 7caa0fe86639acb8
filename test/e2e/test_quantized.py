# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Quantised operators on odd sizes against onnxruntime; rounding and saturation exactly."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import nncc
from harness import Array, Feeds, check, network, random

MS = "com.microsoft"
EDGES = np.array(
    [0, -0.0, 0.25, 0.5, 0.75, 1.25, -0.25, -0.75, 1e9, -1e9, np.inf, -np.inf, 1e-40], np.float32
)


def ints(dtype: type, *shape: int, seed: int = 0) -> Array:
    info = np.iinfo(dtype)
    rng = np.random.default_rng(seed)
    return rng.integers(info.min, info.max, shape, dtype, endpoint=True)


def quantized(
    nodes: list[onnx.NodeProto], feeds: Feeds, constants: Feeds, opset: int = 21
) -> onnx.ModelProto:
    model = network(nodes, feeds, constants=constants, opset=opset)
    model.ir_version = 10
    model.opset_import.append(helper.make_opsetid(MS, 1))
    return model


def scale(*values: float) -> Array:
    return np.array(values if len(values) > 1 else values[0], np.float32)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int16])
def test_quantize_rounds_and_saturates(dtype: type, tmp_path: Path) -> None:
    feed = {"x": EDGES}
    constants = {"s": scale(0.5), "z": np.array(3, dtype)}
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"]),
    ]
    check(quantized(nodes, feed, constants), tmp_path, feed, rtol=0, atol=0)


def test_nan_becomes_the_least_number(tmp_path: Path) -> None:
    feed = {"x": np.array([np.nan, 1], np.float32)}
    node = helper.make_node("QuantizeLinear", ["x", "s", "z"], ["y"])
    model = quantized([node], feed, {"s": scale(1), "z": np.array(0, np.int8)})
    onnx.save(model, tmp_path / "m.onnx")
    nncc.compile(tmp_path / "m.onnx", tmp_path / "m.wasm")
    got = nncc.load(tmp_path / "m.wasm").run(feed)["y"]
    np.testing.assert_array_equal(got, [-128, 1])


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_scales_along_an_axis(axis: int, tmp_path: Path) -> None:
    feed = {"x": random(3, 3, 3) * 9}
    constants = {"s": scale(0.5, 0.25, 1.5), "z": np.array([1, 2, 3], np.uint8)}
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"], axis=axis),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"], axis=axis),
    ]
    check(quantized(nodes, feed, constants), tmp_path, feed, rtol=0, atol=0)


@pytest.mark.parametrize("data_type", [TensorProto.INT4, TensorProto.UINT4])
@pytest.mark.parametrize("raw", [True, False])
def test_four_bits_in_blocks(data_type: int, raw: bool, tmp_path: Path) -> None:
    signed = data_type == TensorProto.INT4
    numbers = np.arange(6 * 5).reshape(6, 5) % 16 - (8 if signed else 0)
    dtype = helper.tensor_dtype_to_np_dtype(data_type)
    if raw:
        weights = numpy_helper.from_array(numbers.astype(dtype), "w")
    else:
        weights = helper.make_tensor("w", data_type, (6, 5), numbers.ravel())
    feed = {"x": random(3, 6)}
    nodes = [
        helper.make_node("DequantizeLinear", ["w", "s"], ["f"], axis=0, block_size=4),
        helper.make_node("MatMul", ["x", "f"], ["y"]),
    ]
    model = quantized(nodes, feed, {"s": np.abs(random(2, 5, seed=1))})
    model.graph.initializer.append(weights)
    check(model, tmp_path, feed)


@pytest.mark.parametrize("left", [np.uint8, np.int8])
@pytest.mark.parametrize("sizes", [(1, 1, 1), (3, 7, 5), (5, 64, 33), (13, 17, 8)])
def test_matmul_integer(left: type, sizes: tuple[int, int, int], tmp_path: Path) -> None:
    m, k, n = sizes
    feed = {"a": ints(left, m, k)}
    constants = {
        "b": ints(np.int8, k, n, seed=1),
        "za": np.array(7, left),
        "zb": ints(np.int8, n, seed=2),
    }
    node = helper.make_node("MatMulInteger", ["a", "b", "za", "zb"], ["y"])
    check(quantized([node], feed, constants), tmp_path, feed, rtol=0, atol=0)


@pytest.mark.parametrize("depth", [1, 2, 7, 64])
@pytest.mark.parametrize("is_open", [False, True])
def test_integers_of_two_inputs(depth: int, is_open: bool, tmp_path: Path) -> None:
    feed = {"a": ints(np.uint8, 3, 2, 5, depth), "b": ints(np.uint8, 3, 2, depth, 9, seed=1)}
    constants = {"za": np.array(255, np.uint8), "zb": np.array(0, np.uint8)}
    node = helper.make_node("MatMulInteger", ["a", "b", "za", "zb"], ["y"])
    k = "k" if is_open else depth
    shapes: dict[str, list[int | str]] = {"a": ["n", 2, 5, k], "b": ["n", 2, k, 9]}
    model = network([node], feed, shapes=shapes, constants=constants)
    check(model, tmp_path, feed, rtol=0, atol=0)


@pytest.mark.parametrize("group", [1, 3])
@pytest.mark.parametrize("size", [5, 8])
def test_conv_integer(group: int, size: int, tmp_path: Path) -> None:
    feed = {"x": ints(np.uint8, 2, 3, size, 7)}
    constants = {
        "w": ints(np.uint8, 6, 3 // group, 3, 3, seed=1),
        "zx": np.array(9, np.uint8),
        "zw": np.array(5, np.uint8),
    }
    node = helper.make_node(
        "ConvInteger", ["x", "w", "zx", "zw"], ["y"], pads=[1, 1, 1, 0], strides=[2, 1], group=group
    )
    check(quantized([node], feed, constants), tmp_path, feed, rtol=0, atol=0)


@pytest.mark.parametrize("group", [1, 3])
def test_qlinear_conv(group: int, tmp_path: Path) -> None:
    feed = {"x": ints(np.uint8, 1, 3, 7, 5)}
    constants = {
        "xs": scale(0.02),
        "xz": np.array(130, np.uint8),
        "w": ints(np.int8, 9, 3 // group, 3, 3, seed=1),
        "ws": np.linspace(0.01, 0.03, 9, dtype=np.float32),
        "wz": np.zeros(9, np.int8),
        "ys": scale(0.1),
        "yz": np.array(120, np.uint8),
        "b": np.arange(-4, 5, dtype=np.int32) * 100,
    }
    names = ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"]
    node = helper.make_node("QLinearConv", names, ["y"], group=group, pads=[1, 1, 1, 1])
    check(quantized([node], feed, constants), tmp_path, feed, rtol=0, atol=1)


def test_qlinear_matmul(tmp_path: Path) -> None:
    feed = {"a": ints(np.uint8, 2, 5, 7)}
    constants = {
        "as": scale(0.02),
        "az": np.array(3, np.uint8),
        "b": ints(np.int8, 7, 9, seed=1),
        "bs": scale(0.01),
        "bz": np.array(-2, np.int8),
        "ys": scale(0.05),
        "yz": np.array(128, np.uint8),
    }
    node = helper.make_node("QLinearMatMul", ["a", *constants], ["y"])
    check(quantized([node], feed, constants), tmp_path, feed, rtol=0, atol=1)


def test_dynamic_quantization(tmp_path: Path) -> None:
    feed = {"x": random(5, 7)}
    outputs = ["y", "scale", "zero"]
    model = network([helper.make_node("DynamicQuantizeLinear", ["x"], outputs)], feed, outputs)
    check(model, tmp_path, feed, {"x": np.zeros((5, 7), np.float32)}, rtol=1e-6, atol=0)


MICROSOFT: dict[str, tuple[list[str], dict[str, Any]]] = {
    "QLinearAveragePool": (
        ["x", "s", "z", "t", "z"],
        {"kernel_shape": [3, 2], "pads": [1, 0, 1, 1], "strides": [2, 1]},
    ),
    "QLinearSoftmax": (["x", "s", "z", "u", "z"], {"axis": -1, "opset": 13}),
    "QLinearAdd": (["x", "s", "z", "w", "s", "z", "t", "z"], {}),
    "QLinearMul": (["x", "s", "z", "w", "s", "z", "t", "z"], {}),
    "QLinearSigmoid": (["x", "s", "z", "u", "z"], {}),
    "QLinearLeakyRelu": (["x", "s", "z", "t", "z"], {"alpha": 0.1}),
    "QLinearGlobalAveragePool": (["x", "s", "z", "s", "z"], {}),
    "QLinearConcat": (["t", "z", "x", "s", "z", "w", "t", "z"], {"axis": 1}),
}


@pytest.mark.parametrize("op", MICROSOFT)
def test_microsoft(op: str, tmp_path: Path) -> None:
    inputs, attributes = MICROSOFT[op]
    feed = {"x": ints(np.uint8, 1, 3, 5, 7)}
    constants = {
        "s": scale(0.02),
        "t": scale(0.04),
        "u": scale(0.004),
        "z": np.array(100, np.uint8),
        "w": ints(np.uint8, 1, 3, 5, 7, seed=1),
    }
    node = helper.make_node(op, inputs, ["y"], domain=MS, **attributes)
    used = {name: constants[name] for name in constants if name in inputs}
    check(quantized([node], feed, used), tmp_path, feed, rtol=0, atol=1)


def test_choice_of_quantized(tmp_path: Path) -> None:
    feed = {"c": ints(np.uint8, 3, 5) > 99, "x": ints(np.uint8, 3, 5, seed=1)}
    constants = {
        "s": scale(0.02),
        "z": np.array(100, np.uint8),
        "y": ints(np.uint8, 5, seed=2),
        "t": scale(0.03),
    }
    inputs = ["c", "x", "s", "z", "y", "t", "z", "t", "z"]
    node = helper.make_node("QLinearWhere", inputs, ["r"], domain=MS)
    model = network([node], feed, ["r"], constants=constants, opset=21)
    model.ir_version = 10
    model.opset_import.append(helper.make_opsetid(MS, 1))
    check(model, tmp_path, feed, rtol=0, atol=1)


@pytest.mark.parametrize("columns", [1, 24])
@pytest.mark.parametrize("past", [False, True])
def test_quantized_attention(columns: int, past: bool, tmp_path: Path) -> None:
    """With one scale, or one for each column of the weights."""
    feed: dict[str, Array] = {"x": ints(np.uint8, 2, 5, 7)}
    constants: dict[str, Array] = {
        "w": ints(np.int8, 7, 24, seed=1),
        "b": random(24),
        "s": scale(0.02),
        "t": np.linspace(0.01, 0.02, columns, dtype=np.float32),
        "m": np.array([5, 3], np.int32),
        "z": np.array(120, np.uint8),
        "y": np.zeros(columns, np.int8),
    }
    inputs = ["x", "w", "b", "s", "t", "" if past else "m", "z", "y"]
    if past:
        feed["p"] = random(2, 2, 2, 3, 4)
        inputs.append("p")
        del constants["m"]
    node = helper.make_node(
        "QAttention", inputs, ["r", "q"], domain=MS, num_heads=2, unidirectional=int(past)
    )
    model = network([node], feed, ["r", "q"], constants=constants, opset=21)
    model.ir_version = 10
    model.opset_import.append(helper.make_opsetid(MS, 1))
    check(model, tmp_path, feed)


def test_quantized_products_to_float(tmp_path: Path) -> None:
    x, w = ints(np.uint8, 5, 6), ints(np.int8, 6, 9, seed=1)
    constants = {
        "w": w,
        "s": scale(0.02),
        "ws": np.linspace(0.01, 0.1, 9, dtype=np.float32),
        "z": np.array(7, np.uint8),
        "wz": np.zeros(9, np.int8),
        "b": random(9),
    }
    node = helper.make_node(
        "MatMulIntegerToFloat", ["x", "w", "s", "ws", "z", "wz", "b"], ["y"], domain=MS
    )
    check(quantized([node], {"x": x}, constants), tmp_path, {"x": x})
    gemm = {
        "s": scale(0.02),
        "z": np.array(7, np.uint8),
        "w": w,
        "ws": scale(0.01),
        "wz": np.array(0, np.int8),
        "c": np.arange(9, dtype=np.int32),
    }
    node = helper.make_node("QGemm", ["x", *gemm], ["y"], domain=MS)
    check(quantized([node], {"x": x}, gemm), tmp_path, {"x": x})
    feed = {"x": random(5, 6)}
    dynamic = {"w": w, "ws": scale(0.01), "wz": np.array(2, np.int8), "b": random(9)}
    node = helper.make_node("DynamicQuantizeMatMul", ["x", *dynamic], ["y"], domain=MS)
    check(quantized([node], feed, dynamic), tmp_path, feed)


@pytest.mark.parametrize(
    ("bits", "block", "depth"), [(2, 128, 256), (4, 32, 96), (4, 16, 40), (8, 32, 64)]
)
@pytest.mark.parametrize("points", ["", "packed"])
def test_matmul_nbits(bits: int, block: int, depth: int, points: str, tmp_path: Path) -> None:
    columns, blocks = 19, -(-depth // block)
    feeds = [{"a": random(rows, depth)} for rows in (1, 3)]
    constants: dict[str, Array] = {
        "b": ints(np.uint8, columns, blocks, block * bits // 8),
        "s": np.abs(random(columns * blocks, seed=1)),
    }
    if points == "packed":
        constants["z"] = ints(np.uint8, columns * -(-blocks * bits // 8), seed=2)
    node = helper.make_node(
        "MatMulNBits",
        ["a", *constants],
        ["y"],
        domain=MS,
        K=depth,
        N=columns,
        bits=bits,
        block_size=block,
    )
    model = network([node], feeds[0], shapes={"a": ["rows", depth]}, constants=constants, opset=21)
    model.ir_version = 10
    model.opset_import.append(helper.make_opsetid(MS, 1))
    check(model, tmp_path, *feeds, rtol=1e-5, atol=2e-4)


@pytest.mark.parametrize(
    ("bits", "depth", "rows"), [(2, 64, 3), (4, 8192, 3), (8, 64, 3), (4, 64, "n")]
)
@pytest.mark.parametrize("points", ["", "packed"])
def test_matmul_nbits_of_many_rows(
    bits: int, depth: int, rows: int | str, points: str, tmp_path: Path
) -> None:
    """Weights become f32, all panels at once or one by one; with an open number of
    rows, where there are many."""
    feeds = [{"a": random(count, 7, depth)} for count in ((1, 3) if rows == "n" else (3,))]
    blocks = depth // 32
    constants: dict[str, Array] = {
        "b": ints(np.uint8, 40, blocks, 4 * bits),
        "s": np.abs(random(40 * blocks, seed=1)),
    }
    if points == "packed":
        constants["z"] = ints(np.uint8, 40 * -(-blocks * bits // 8), seed=2)
    sizes = {"K": depth, "N": 40, "bits": bits, "block_size": 32}
    node = helper.make_node("MatMulNBits", ["a", *constants], ["y"], domain=MS, **sizes)
    shapes: dict[str, list[int | str]] = {"a": [rows, 7, depth]}
    model = network([node], feeds[0], shapes=shapes, constants=constants, opset=21)
    model.ir_version = 10
    model.opset_import.append(helper.make_opsetid(MS, 1))
    check(model, tmp_path, *feeds, rtol=1e-5, atol=3e-6 * depth)


@pytest.mark.parametrize(("level", "error"), [(0, 1e-6), (2, 5e-5), (4, 1e-2)])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_levels_of_matmul_nbits(dtype: type, level: int, error: float, tmp_path: Path) -> None:
    """Of each type, with zero points that are no integers."""
    x: Array = random(2, 3, 70).astype(dtype)
    x[0, 1] = 0
    constants: dict[str, Array] = {
        "b": ints(np.uint8, 21, 3, 16),
        "s": np.abs(random(63, seed=1)).astype(dtype),
        "z": (random(63, seed=2) + 8).astype(dtype),
    }
    sizes = {"K": 70, "N": 21, "bits": 4, "block_size": 32, "accuracy_level": level}
    node = helper.make_node("MatMulNBits", ["a", *constants], ["y"], domain=MS, **sizes)
    onnx.save(quantized([node], {"a": x}, constants), tmp_path / "m.onnx")
    nncc.compile(tmp_path / "m.onnx", tmp_path / "m.wasm")
    got = nncc.load(tmp_path / "m.wasm").run({"a": x})["y"].astype(np.float64)

    packed = constants["b"].reshape(21, -1)
    integers = np.stack([packed & 15, packed >> 4], -1).reshape(21, 3, 32).astype(np.float64)
    scales, points = (constants[name].reshape(21, 3, 1).astype(np.float64) for name in "sz")
    weights = ((integers - points) * scales).reshape(21, 96)[:, :70]
    want = x.astype(np.float64) @ weights.T
    assert not got[0, 1].any()
    size = np.linalg.norm(want)
    assert np.linalg.norm(got - want) < max(error, 0 if dtype is np.float32 else 1e-3) * size
