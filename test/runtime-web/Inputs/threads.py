# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""threads.py NETWORK FILE: a network whose kernels are worth several threads."""

import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def random_weights(shapes: dict[str, tuple[int, ...]]) -> list[onnx.TensorProto]:
    """The same in each call."""
    rng = np.random.default_rng(0)
    return [
        numpy_helper.from_array(rng.standard_normal(shape).astype(np.float32) / 9, name)
        for name, shape in shapes.items()
    ]


def convs() -> onnx.GraphProto:
    """Dense, depthwise and wide convolutions over images of any number and size."""
    weights = random_weights({"w0": (30, 8, 3, 3), "w1": (30, 1, 3, 3), "w2": (70, 30, 1, 1)})
    nodes = [
        helper.make_node("Conv", ["x", "w0"], ["a"], pads=[1] * 4, name="dense"),
        helper.make_node("Conv", ["a", "w1"], ["b"], pads=[1] * 4, group=30, name="depthwise"),
        helper.make_node("Conv", ["b", "w2"], ["c"], name="wide"),
        helper.make_node("Tanh", ["c"], ["t"], name="tanh"),
        helper.make_node("ReduceMean", ["t"], ["m"], axes=[1], keepdims=1, name="mean"),
        helper.make_node("Sub", ["t", "m"], ["y"], name="centre"),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 8, "h", "w"])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 70, "h", "w"])
    return helper.make_graph(nodes, "convs", [x], [y], weights)


def tiles() -> onnx.GraphProto:
    """Fixed sizes that make grids of few steps in each loop: groups, channels, pixels."""
    weights = random_weights({"w0": (20, 8, 1, 1), "w1": (40, 5, 3, 3), "w2": (2, 40, 3, 3)})
    nodes = [
        helper.make_node("Conv", ["x", "w0"], ["a"], name="few"),
        helper.make_node("Conv", ["a", "w1"], ["b"], pads=[1] * 4, group=4, name="grouped"),
        helper.make_node("Conv", ["b", "w2"], ["y"], strides=[2, 2], name="planes"),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [3, 8, 45, 45])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [3, 2, 22, 22])
    return helper.make_graph(nodes, "tiles", [x], [y], weights)


def quantised() -> onnx.GraphProto:
    """Products of bytes whose sums of two exceed 16 bits, of odd and even depths."""
    rng = np.random.default_rng(0)
    constants: dict[str, np.ndarray] = {}

    def number(name: str, value: float, dtype: type = np.float32) -> str:
        constants[name] = np.array(value, dtype)
        return name

    def quantise(x: str, scale: float, zero: int) -> str:
        parts = [number(f"{x}_s", scale), number(f"{x}_z", zero, np.uint8)]
        nodes.append(helper.make_node("QuantizeLinear", [x, *parts], [f"{x}_q"]))
        nodes.append(helper.make_node("DequantizeLinear", [f"{x}_q", *parts], [f"{x}_d"]))
        return f"{x}_d"

    nodes: list[onnx.NodeProto] = []
    x = quantise("x", 1 / 128, 0)
    for name, inputs, outputs in (("a", 18, 31), ("b", 31, 26), ("c", 26, 9)):
        weights = rng.choice([-128, 127], (outputs, inputs, 1, 1)).astype(np.int8)
        constants[f"{name}_w"] = weights
        parts = [number(f"{name}_ws", 1 / 512), number(f"{name}_wz", 0, np.int8)]
        nodes.append(helper.make_node("DequantizeLinear", [f"{name}_w", *parts], [f"{name}_f"]))
        nodes.append(helper.make_node("Conv", [x, f"{name}_f"], [name], name=name))
        x = quantise(name, 1 / 128, 100)
    initializers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    value = helper.make_tensor_value_info
    return helper.make_graph(
        nodes,
        "quantised",
        [value("x", TensorProto.FLOAT, ["n", 18, "h", "w"])],
        [value(x, TensorProto.FLOAT, ["n", 9, "h", "w"])],
        initializers,
    )


def division() -> onnx.GraphProto:
    """An integer division, which traps."""
    values = [
        helper.make_tensor_value_info(name, TensorProto.INT32, [1 << 18])
        for name in ("a", "b", "y")
    ]
    nodes = [helper.make_node("Div", ["a", "b"], ["y"], name="divide")]
    return helper.make_graph(nodes, "division", values[:2], values[2:])


networks = {"convs": convs, "tiles": tiles, "division": division, "quantised": quantised}
opset = [helper.make_opsetid("", 13)]
model = helper.make_model(networks[sys.argv[1]](), opset_imports=opset, ir_version=8)
onnx.save(model, sys.argv[2])
