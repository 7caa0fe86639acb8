# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Networks between QuantizeLinear and DequantizeLinear, against what onnxruntime
computes of them in integers: the same but for ties."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import nncc
from harness import Array, reference


class Quantised:
    """A network under construction. Values are names of quantised tensors, each with
    a scale and a zero point of its own."""

    def __init__(self, seed: int, dtype: type) -> None:
        self.rng = np.random.default_rng(seed)
        self.dtype = dtype
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, array: Array) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def add(self, op: str, *inputs: str, **attributes: object) -> str:
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], **attributes))
        return name

    def parameters(self, scale: float) -> tuple[str, str]:
        """A scale near the given one and a zero point near the middle."""
        middle = 128 if self.dtype is np.uint8 else 0
        zero: Array = np.array(middle + self.rng.integers(-9, 9), self.dtype)
        factor = self.rng.uniform(0.8, 1.2)
        return self.constant(np.array(scale * factor, np.float32)), self.constant(zero)

    def quantise(self, value: str, scale: float) -> str:
        """To integers and back: what exporters write between operators."""
        parameters = self.parameters(scale)
        return self.add(
            "DequantizeLinear", self.add("QuantizeLinear", value, *parameters), *parameters
        )

    def weights(self, scales: Array, *shape: int) -> str:
        """Of 7 bits, so that no machine saturates sums of two products."""
        values = self.rng.integers(-64, 64, shape).astype(np.int8)
        zeros = np.zeros(scales.shape, np.int8)
        parts = [self.constant(array) for array in (values, scales, zeros)]
        return self.add("DequantizeLinear", *parts, axis=0)

    def conv(self, x: str, inputs: int, outputs: int, **attributes: object) -> str:
        """Of a dequantised value."""
        groups = int(str(attributes.get("group", 1)))
        size = attributes["kernel_shape"]
        assert isinstance(size, list)
        depth = inputs // groups * size[0] * size[1]
        scales = (self.rng.uniform(0.5, 1.5, outputs) / (20 * depth**0.5)).astype(np.float32)
        weights = self.weights(scales, outputs, inputs // groups, *size)
        bias_scales = scales * np.float32(self.scale_of(x))
        bias = self.rng.integers(-900, 900, outputs).astype(np.int32)
        none = np.zeros(outputs, np.int32)
        parts = [self.constant(array) for array in (bias, bias_scales, none)]
        bias_name = self.add("DequantizeLinear", *parts, axis=0)
        return self.add("Conv", x, weights, bias_name, **attributes)

    def scale_of(self, x: str) -> float:
        """The scale of a dequantised value."""
        node = next(node for node in self.nodes if node.output[0] == x)
        array = next(c for c in self.constants if c.name == node.input[1])
        return float(numpy_helper.to_array(array))

    def finish(self, output: str, shape: tuple[int, ...]) -> onnx.ModelProto:
        graph = helper.make_graph(
            self.nodes,
            "quantised",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
            [helper.make_empty_tensor_value_info(output)],
            self.constants,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def bottleneck(b: Quantised, x: str, channels: tuple[int, int, int], stride: int) -> str:
    """As in MobileNet v2; x joins the result where it can."""
    inputs, hidden, outputs = channels
    wide = b.conv(x, inputs, hidden, kernel_shape=[1, 1])
    wide = b.quantise(b.add("Relu", wide), 0.05)
    deep = b.conv(
        wide,
        hidden,
        hidden,
        kernel_shape=[3, 3],
        pads=[1, 1, 1, 1],
        strides=[stride, stride],
        group=hidden,
    )
    low, high = (b.constant(np.array(limit, np.float32)) for limit in (0, 6))
    deep = b.quantise(b.add("Clip", deep, low, high), 0.03)
    narrow = b.quantise(b.conv(deep, hidden, outputs, kernel_shape=[1, 1]), 0.04)
    if stride > 1 or inputs != outputs:
        return narrow
    return b.quantise(b.add("Add", x, narrow), 0.06)


def differences(model: onnx.ModelProto, feed: Array, folder: Path) -> Array:
    """Between nncc and onnxruntime."""
    onnx.save(model, folder / "m.onnx")
    nncc.compile(folder / "m.onnx", folder / "m.wasm")
    (got,) = nncc.load(folder / "m.wasm").run({"x": feed}).values()
    (want,) = reference(model, {"x": feed}, optimise=True).values()
    assert got.shape == want.shape
    return np.abs(got.astype(np.float64) - want)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
@pytest.mark.parametrize(("size", "seed"), [(13, 0), (16, 1), (7, 2)])
def test_mobile_blocks(dtype: type, size: int, seed: int, tmp_path: Path) -> None:
    b = Quantised(seed, dtype)
    x = b.quantise("x", 0.02)
    x = b.conv(x, 3, 11, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    x = b.quantise(b.add("Relu", x), 0.05)
    x = bottleneck(b, x, (11, 21, 11), stride=1)
    x = bottleneck(b, x, (11, 33, 17), stride=2)
    pooled = b.quantise(b.add("GlobalAveragePool", x), 0.01)
    shape = (2, 3, size, size)
    feed = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    off = differences(b.finish(pooled, shape), feed, tmp_path)
    step = b.scale_of(pooled)
    assert off.max() <= 1.01 * step
    assert np.mean(off > step / 2) <= 0.05


def test_joined_branches(tmp_path: Path) -> None:
    """A concatenation of branches with scales of their own, and pooling."""
    b = Quantised(3, np.uint8)
    x = b.quantise("x", 0.02)
    left = b.conv(x, 5, 9, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    left = b.quantise(left, 0.05)
    right = b.add("MaxPool", x, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    joined = b.quantise(b.add("Concat", left, right, axis=1), 0.06)
    y = b.conv(joined, 14, 6, kernel_shape=[1, 1])
    y = b.quantise(b.add("Mul", b.quantise(y, 0.05), b.quantise(y, 0.04)), 0.05)
    shape = (1, 5, 9, 11)
    feed = np.random.default_rng(4).standard_normal(shape).astype(np.float32)
    off = differences(b.finish(y, shape), feed, tmp_path)
    assert np.mean(off > b.scale_of(y) / 2) <= 0.01
