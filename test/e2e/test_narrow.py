# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Floats of 8 bits, integers of 2 and 4, bfloat16 and casts of bits."""

from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from harness import Array, check, compare, compiled, network, parse, random

FLOAT8: dict[str, Any] = {
    "FLOAT8E4M3FN": ml_dtypes.float8_e4m3fn,
    "FLOAT8E4M3FNUZ": ml_dtypes.float8_e4m3fnuz,
    "FLOAT8E5M2": ml_dtypes.float8_e5m2,
    "FLOAT8E5M2FNUZ": ml_dtypes.float8_e5m2fnuz,
}
# All numbers of a type, what lies between two of them, and what is out of range.
SPECIAL = np.array([0, -0.0, np.inf, -np.inf, np.nan, 1e9, -1e9, 1e-9, 460, -500, 6e4], np.float32)


def model(nodes: list[onnx.NodeProto], *args: Any, **kwargs: Any) -> onnx.ModelProto:
    made = network(nodes, *args, opset=kwargs.pop("opset", 24), **kwargs)
    made.ir_version = 11
    return made


def numbers(dtype: Any) -> Array:
    codes = np.arange(256, dtype=np.uint8).view(dtype).astype(np.float32)
    finite = np.sort(codes[np.isfinite(codes)])
    return np.concatenate([codes, (finite[1:] + finite[:-1]) / 2, SPECIAL])


def cast(source: str, target: str, to: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node("Cast", [source], [target], to=getattr(TensorProto, to), **attributes)


@pytest.mark.parametrize("saturate", [0, 1])
@pytest.mark.parametrize("name", FLOAT8)
def test_floats_of_8_bits(name: str, saturate: int, tmp_path: Path) -> None:
    feed = {"x": numbers(FLOAT8[name])}
    nodes = [cast("x", "f", name, saturate=saturate), cast("f", "y", "FLOAT")]
    check(model(nodes, feed), tmp_path, feed, rtol=0, atol=0)


def test_weights_that_are_floats_of_8_bits(tmp_path: Path) -> None:
    feed = {"x": random(5, 16)}
    weights = random(8, 16, seed=1).astype(ml_dtypes.float8_e4m3fn)
    constants = {"w": weights, "s": np.array(0.5, np.float32)}
    nodes = [
        helper.make_node("Transpose", ["w"], ["t"]),
        helper.make_node("DequantizeLinear", ["t", "s"], ["f"]),
        helper.make_node("MatMul", ["x", "f"], ["y"]),
    ]
    got = compiled(model(nodes, feed, constants=constants), tmp_path).run(feed)
    compare(got, {"y": feed["x"] @ (weights.astype(np.float32).T / 2)}, 1e-5, 1e-5)


def test_bytes_cross_the_boundary(tmp_path: Path) -> None:
    """Floats of 8 bits as their bits in u8, integers one a byte."""
    inputs = [
        helper.make_tensor_value_info("f", TensorProto.FLOAT8E5M2, [3]),
        helper.make_tensor_value_info("i", TensorProto.INT4, [3]),
    ]
    outputs = [helper.make_empty_tensor_value_info(name) for name in ("g", "j", "k")]
    nodes = [
        cast("f", "g", "FLOAT"),
        helper.make_node("Reshape", ["i", "shape"], ["j"]),
        cast("g", "k", "FLOAT8E4M3FN"),
    ]
    shape = numpy_helper.from_array(np.array([3, 1], np.int64), "shape")
    graph = helper.make_graph(nodes, "g", inputs, outputs, [shape])
    opsets = [helper.make_opsetid("", 24)]
    run = compiled(helper.make_model(graph, opset_imports=opsets, ir_version=11), tmp_path).run
    floats = np.array([1.5, -0.25, 3], ml_dtypes.float8_e5m2)
    got = run({"f": floats.view(np.uint8), "i": np.array([-8, 7, 1], np.int8)})
    expected: dict[str, Array] = {
        "g": floats.astype(np.float32),
        "j": np.array([[-8], [7], [1]], np.int8),
        "k": floats.astype(np.float32).astype(ml_dtypes.float8_e4m3fn).view(np.uint8),
    }
    compare(got, expected, 0, 0)


@pytest.mark.parametrize("name", ["INT4", "UINT4"])
def test_integers_of_4_bits_that_are_computed(name: str, tmp_path: Path) -> None:
    feed = {"x": random(3, 5) * 20}
    zero = helper.make_tensor("z", getattr(TensorProto, name), [], [1])
    made = model(
        [
            helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
            helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"]),
        ],
        feed,
        constants={"s": np.array(1.5, np.float32)},
    )
    made.graph.initializer.append(zero)
    check(made, tmp_path, feed, rtol=0, atol=0)


def test_bfloat16(tmp_path: Path) -> None:
    feed = {"x": random(4, 6), "b": random(6, 3, seed=1).astype(ml_dtypes.bfloat16)}
    nodes = [
        cast("x", "a", "BFLOAT16"),
        helper.make_node("MatMul", ["a", "b"], ["c"]),
        helper.make_node("Relu", ["c"], ["y"]),
    ]
    made = model(nodes, {"x": feed["x"]}, constants={"b": feed["b"]})
    got = compiled(made, tmp_path).run({"x": feed["x"]})["y"].view(ml_dtypes.bfloat16)
    rounded = feed["x"].astype(ml_dtypes.bfloat16).astype(np.float32)
    expected = np.maximum(rounded @ feed["b"].astype(np.float32), 0)
    np.testing.assert_allclose(np.asarray(got, np.float32), expected, rtol=0.02, atol=0.02)


BITS = [("FLOAT", "INT32"), ("UINT8", "INT8"), ("INT16", "FLOAT16"), ("INT64", "DOUBLE")]


@pytest.mark.parametrize(("source", "target"), BITS)
def test_casts_of_bits(source: str, target: str, tmp_path: Path) -> None:
    dtypes = [helper.tensor_dtype_to_np_dtype(getattr(TensorProto, n)) for n in (source, target)]
    x = np.random.default_rng(0).integers(0, 60, 16, np.uint8).view(dtypes[0])
    node = helper.make_node("BitCast", ["x"], ["y"], to=getattr(TensorProto, target))
    got = compiled(model([node], {"x": x}, opset=26), tmp_path).run({"x": x})
    compare(got, {"y": x.view(dtypes[1])}, 0, 0)


def test_bfloat16_of_ml_dtypes(tmp_path: Path) -> None:
    """Goes in as it is, where results are its bits."""
    graph = parse("g (bfloat16[3] x) => (bfloat16[3] y) { y = Neg (x) }")
    x = np.array([1, -2.5, 3], ml_dtypes.bfloat16)
    for given in (x, x.view(np.uint16)):
        y = compiled(graph, tmp_path).run({"x": given})["y"]
        np.testing.assert_array_equal(y.view(ml_dtypes.bfloat16), -x)


def test_sums_of_halves_are_of_32_bits(tmp_path: Path) -> None:
    """Each of 2048 steps rounded to f16 would cost more than the last digit."""
    x, w = (random(4, 2048).astype(np.float16), random(2048, 8, seed=1).astype(np.float16))
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["y"]),
        helper.make_node("ReduceMean", ["x"], ["m"], axes=[1]),
    ]
    model = network(nodes, {"x": x}, ["y", "m"], constants={"w": w})
    check(model, tmp_path, {"x": x}, rtol=2**-10, atol=1e-4, on_gpu=False)
