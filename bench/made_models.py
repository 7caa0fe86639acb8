# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Networks that the bench makes itself, with seeded random weights: a small BERT
and single layers of the sizes that networks have."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

Array = npt.NDArray[Any]
Made = tuple[onnx.ModelProto, dict[str, Array]]
MICROSOFT = "com.microsoft"


class Builder:
    """A graph under construction. Values are names; every weight is a new one."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, array: npt.ArrayLike) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def weight(self, *shape: int) -> str:
        """Of a scale that keeps the values' size; the first dimension is summed over."""
        values = self.rng.standard_normal(shape) / np.sqrt(shape[0])
        return self.constant(values.astype(np.float32))

    def add(self, op: str, *inputs: str, **attributes: Any) -> str:
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], f"{op}_{name}", **attributes))
        return name

    def finish(self, output: str, **shapes: tuple[int, ...]) -> Made:
        inputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shapes.items()]
        result = helper.make_empty_tensor_value_info(output)
        graph = helper.make_graph(self.nodes, "made", inputs, [result], self.constants)
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid(MICROSOFT, 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
        feed = {n: self.rng.standard_normal(s).astype(np.float32) for n, s in shapes.items()}
        return model, feed


# Transformer


def dense(b: Builder, x: str, inputs: int, outputs: int) -> str:
    return b.add("Add", b.add("MatMul", x, b.weight(inputs, outputs)), b.weight(outputs))


def gelu(b: Builder, x: str) -> str:
    """As exporters write it."""
    half, one = (b.constant(np.float32(value)) for value in (0.5, 1.0))
    erf = b.add("Erf", b.add("Div", x, b.constant(np.float32(np.sqrt(2)))))
    return b.add("Mul", b.add("Mul", x, b.add("Add", erf, one)), half)


def attention(b: Builder, x: str, tokens: int, hidden: int, heads: int) -> str:
    size = hidden // heads
    split = b.constant(np.array([1, tokens, heads, size]))
    perms = {"query": [0, 2, 1, 3], "key": [0, 2, 3, 1], "value": [0, 2, 1, 3]}
    query, key, value = (
        b.add("Transpose", b.add("Reshape", dense(b, x, hidden, hidden), split), perm=perm)
        for perm in perms.values()
    )
    scale = b.constant(np.float32(np.sqrt(size)))
    scores = b.add("Div", b.add("MatMul", query, key), scale)
    mixed = b.add("MatMul", b.add("Softmax", scores, axis=-1), value)
    joined = b.add("Transpose", mixed, perm=[0, 2, 1, 3])
    flat = b.add("Reshape", joined, b.constant(np.array([1, tokens, hidden])))
    return dense(b, flat, hidden, hidden)


def normalization(b: Builder, x: str, hidden: int) -> str:
    scale = b.constant(np.ones(hidden, np.float32))
    return b.add("LayerNormalization", x, scale, b.weight(hidden), axis=-1)


def bert(layers: int = 6, hidden: int = 384, heads: int = 12, tokens: int = 128) -> Made:
    """The encoder of a sentence embedding network; from embeddings to hidden states."""
    b = Builder()
    x = "embeddings"
    for _ in range(layers):
        x = normalization(b, b.add("Add", x, attention(b, x, tokens, hidden, heads)), hidden)
        inner = gelu(b, dense(b, x, hidden, 4 * hidden))
        x = normalization(b, b.add("Add", x, dense(b, inner, 4 * hidden, hidden)), hidden)
    return b.finish(x, embeddings=(1, tokens, hidden))


# MobileNet v2


@dataclass
class Mobile:
    """MobileNet v2, in f32 or, `quantised`, in 8 bits between QuantizeLinear and
    DequantizeLinear."""

    b: Builder
    quantised: bool

    def value(self, x: str) -> str:
        """What the next layer reads of x."""
        if not self.quantised:
            return x
        parts = self.b.constant(np.float32(0.05)), self.b.constant(np.uint8(114))
        return self.b.add("DequantizeLinear", self.b.add("QuantizeLinear", x, *parts), *parts)

    def parameters(self, shape: tuple[int, ...]) -> tuple[str, str]:
        b = self.b
        size = 1 / np.sqrt(np.prod(shape[1:]))
        if not self.quantised:
            weight = b.constant((b.rng.standard_normal(shape) * size).astype(np.float32))
            return weight, b.weight(shape[0])
        steps = b.rng.integers(-127, 128, shape, np.int8)
        scale = np.float32(size / 60)
        none = b.constant(np.int8(0))
        weight = b.add("DequantizeLinear", b.constant(steps), b.constant(scale), none)
        bias = b.constant(b.rng.integers(-999, 999, shape[0], np.int32))
        bias_scale = b.constant(np.float32(0.05) * scale)
        return weight, b.add("DequantizeLinear", bias, bias_scale, b.constant(np.int32(0)))

    def conv(self, x: str, shape: tuple[int, ...], stride: int = 1, relu: bool = True) -> str:
        """`shape`: outputs, inputs (1: depthwise), and the kernel's."""
        group = shape[0] if shape[1] == 1 else 1
        geometry = {"pads": [shape[2] // 2] * 4, "strides": [stride] * 2, "group": group}
        y = self.b.add("Conv", x, *self.parameters(shape), **geometry)
        return self.value(self.b.add("Relu", y) if relu else y)

    def block(self, x: str, inputs: int, outputs: int, expand: int, stride: int) -> str:
        hidden = inputs * expand
        y = self.conv(x, (hidden, inputs, 1, 1)) if expand > 1 else x
        y = self.conv(y, (hidden, 1, 3, 3), stride)
        y = self.conv(y, (outputs, hidden, 1, 1), relu=False)
        if stride > 1 or inputs != outputs:
            return y
        return self.value(self.b.add("Add", x, y))


def mobilenet(quantised: bool, size: int = 224) -> Made:
    """Expansion, channels, number and first stride of the blocks are the paper's,
    https://arxiv.org/abs/1801.04381, table 2."""
    b = Builder()
    net = Mobile(b, quantised)
    x = net.conv(net.value("x"), (32, 3, 3, 3), 2)
    inputs = 32
    for expand, outputs, count, stride in (
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    ):
        for i in range(count):
            x = net.block(x, inputs, outputs, expand, stride if i == 0 else 1)
            inputs = outputs
    x = net.conv(x, (1280, 320, 1, 1))
    pooled = net.value(b.add("GlobalAveragePool", x))
    weight, bias = net.parameters((1000, 1280))
    y = b.add("Gemm", b.add("Flatten", pooled), weight, bias, transB=1)
    return b.finish(net.value(y), x=(1, 3, size, size))


# Layers


@dataclass(frozen=True)
class Conv:
    """A convolution with ReLU, on square maps of `size`, padded to keep it."""

    channels: int
    outputs: int
    size: int
    kernel: int = 3
    stride: int = 1
    group: int = 1

    def add_to(self, b: Builder, x: str) -> str:
        shape = (self.outputs, self.channels // self.group, self.kernel, self.kernel)
        filters = b.rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
        weight = b.constant(filters.astype(np.float32))
        geometry = {"pads": [self.kernel // 2] * 4, "strides": [self.stride] * 2}
        y = b.add("Conv", x, weight, b.weight(self.outputs), **geometry, group=self.group)
        return b.add("Relu", y)

    def shape(self) -> tuple[int, ...]:
        return (1, self.channels, self.size, self.size)


def layers(conv: Conv, count: int = 1) -> Made:
    """Several in a row, where moving the input in would count otherwise."""
    b = Builder()
    x = "x"
    for _ in range(count):
        x = conv.add_to(b, x)
    return b.finish(x, x=conv.shape())


def matmul(rows: int, inner: int, columns: int) -> Made:
    b = Builder()
    return b.finish(b.add("MatMul", "x", b.weight(inner, columns)), x=(rows, inner))


def halved(made: Made) -> Made:
    """The same in f16, between inputs and outputs that stay f32."""
    model, feed = made
    graph = model.graph
    for tensor in graph.initializer:
        half = numpy_helper.to_array(tensor).astype(np.float16)
        tensor.CopyFrom(numpy_helper.from_array(half, tensor.name))
    inner = {value.name: f"{value.name}_half" for value in (*graph.input, *graph.output)}
    for node in graph.node:
        node.input[:] = [inner.get(name, name) for name in node.input]
        node.output[:] = [inner.get(name, name) for name in node.output]
    for i, value in enumerate(graph.input):
        name = value.name
        half = TensorProto.FLOAT16
        cast = helper.make_node("Cast", [name], [inner[name]], f"{name}_cast", to=half)
        graph.node.insert(i, cast)
    for value in graph.output:
        name = value.name
        cast = helper.make_node("Cast", [inner[name]], [name], f"{name}_cast", to=TensorProto.FLOAT)
        graph.node.append(cast)
    return model, feed


def dynamic_matmul(batch: int, rows: int, inner: int, columns: int) -> Made:
    b = Builder()
    shapes = {"x": (batch, rows, inner), "y": (batch, inner, columns)}
    return b.finish(b.add("MatMul", "x", "y"), **shapes)


def rows_of_one(size: int, count: int) -> Made:
    """Matrix products with one row, as a decoder has them."""
    b = Builder()
    x = "x"
    for _ in range(count):
        x = b.add("MatMul", x, b.weight(size, size))
    return b.finish(x, x=(1, size))


def int4_matmul(rows: int, inner: int, columns: int, accuracy: int = 0) -> Made:
    """With weights of 4 bits in blocks of 32, as language models have them."""
    b = Builder()
    blocks = inner // 32
    weights = b.constant(b.rng.integers(0, 256, (columns, blocks, 16), np.uint8))
    scales = b.constant(b.rng.uniform(0.01, 0.02, columns * blocks).astype(np.float32))
    sizes = {"K": inner, "N": columns, "bits": 4, "block_size": 32, "accuracy_level": accuracy}
    y = b.add("MatMulNBits", "x", weights, scales, domain=MICROSOFT, **sizes)
    return b.finish(y, x=(rows, inner))


def dynamic_int8_matmul(rows: int, inner: int, columns: int) -> Made:
    """Quantised when it runs, as onnxruntime's dynamic quantisation writes it."""
    b = Builder()
    b.nodes.append(helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "scale", "zero"]))
    weights = b.constant(b.rng.integers(-127, 128, (inner, columns), np.int8))
    sums = b.add("MatMulInteger", "q", weights, "zero", b.constant(np.int8(0)))
    scale = b.add("Mul", "scale", b.constant(np.float32(0.01)))
    numbers = b.add("Mul", b.add("Cast", sums, to=TensorProto.FLOAT), scale)
    return b.finish(b.add("Add", numbers, b.weight(columns)), x=(rows, inner))


NETWORKS: dict[str, Callable[[], Made]] = {
    "bert-6x384": bert,
    "mobilenet-v2-f32": lambda: mobilenet(quantised=False),
    "mobilenet-v2-int8": lambda: mobilenet(quantised=True),
}


# Work enough for a GPU; one layer of BERT-base among it.
FOR_GPUS: dict[str, Callable[[], Made]] = {
    "bert-base-layer": lambda: bert(layers=1, hidden=768, heads=12, tokens=128),
    "matmul-1024": lambda: matmul(1024, 1024, 1024),
    "matmul-4096": lambda: matmul(4096, 4096, 4096),
    "matmul-1024-f16": lambda: halved(matmul(1024, 1024, 1024)),
    "matmul-4096-f16": lambda: halved(matmul(4096, 4096, 4096)),
}


def single(
    op: str, *shape: int, constants: tuple[npt.ArrayLike, ...] = (), **attributes: Any
) -> Made:
    """One op on one input of this shape, with constant further inputs."""
    b = Builder()
    inputs = [b.constant(array) for array in constants]
    return b.finish(b.add(op, "x", *inputs, **attributes), x=shape)


def resize(size: int, channels: int, mode: str) -> Made:
    """To twice the height and width."""
    b = Builder()
    none = b.constant(np.zeros(0, np.float32))
    scales = b.constant(np.array([1, 1, 2, 2], np.float32))
    y = b.add("Resize", "x", none, scales, mode=mode)
    return b.finish(y, x=(1, channels, size, size))


def concat(*shape: int) -> Made:
    """Two computed tensors along the channels."""
    b = Builder()
    parts = b.add("Relu", "x"), b.add("Neg", "x")
    return b.finish(b.add("Concat", *parts, axis=1), x=shape)


def layer_norm(rows: int, hidden: int) -> Made:
    b = Builder()
    return b.finish(normalization(b, "x", hidden), x=(rows, hidden))


def instance_norm(channels: int, size: int) -> Made:
    b = Builder()
    scale = b.constant(np.ones(channels, np.float32))
    y = b.add("InstanceNormalization", "x", scale, b.weight(channels))
    return b.finish(y, x=(1, channels, size, size))


POOL: dict[str, Any] = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [0, 0, 1, 1]}

LAYERS: dict[str, Callable[[], Made]] = {
    "conv3x3-56x64": lambda: layers(Conv(64, 64, 56)),
    "conv3x3-14x256": lambda: layers(Conv(256, 256, 14)),
    "conv3x3-7x512": lambda: layers(Conv(512, 512, 7)),
    "conv3x3-stride2-56x128": lambda: layers(Conv(128, 128, 56, stride=2)),
    "conv7x7-first-224": lambda: layers(Conv(3, 64, 224, kernel=7, stride=2)),
    "conv1x1-28x256-4": lambda: layers(Conv(256, 256, 28, kernel=1), 4),
    "depthwise3x3-112x32-8": lambda: layers(Conv(32, 32, 112, group=32), 8),
    "depthwise3x3-14x384-8": lambda: layers(Conv(384, 384, 14, group=384), 8),
    "depthwise3x3-stride2-112x96": lambda: layers(Conv(96, 96, 112, stride=2, group=96)),
    "matmul-512": lambda: matmul(512, 512, 512),
    "matmul-row-1024-4": lambda: rows_of_one(1024, 4),
    "int8-dynamic-128x384x1536": lambda: dynamic_int8_matmul(128, 384, 1536),
    "int8-dynamic-row-1024x1024": lambda: dynamic_int8_matmul(1, 1024, 1024),
    "int4-row-768x3072": lambda: int4_matmul(1, 768, 3072),
    "int4-row-2048x2048": lambda: int4_matmul(1, 2048, 2048),
    "int4-level4-row-768x3072": lambda: int4_matmul(1, 768, 3072, accuracy=4),
    "int4-128-768x3072": lambda: int4_matmul(128, 768, 3072),
    "matmul-dynamic-12x128": lambda: dynamic_matmul(12, 128, 128, 128),
    "softmax-1536x128": lambda: single("Softmax", 1536, 128, axis=-1),
    "softmax-1x50257": lambda: single("Softmax", 1, 50257, axis=-1),
    "layernorm-128x768": lambda: layer_norm(128, 768),
    "maxpool3x3-112x64": lambda: single("MaxPool", 1, 64, 112, 112, **POOL),
    "avgpool3x3-112x64": lambda: single("AveragePool", 1, 64, 112, 112, **POOL),
    "globalpool-7x1280": lambda: single("GlobalAveragePool", 1, 1280, 7, 7),
    "transpose-512x768": lambda: single("Transpose", 512, 768, perm=[1, 0]),
    "transpose-heads-128x12x64": lambda: single("Transpose", 1, 128, 12, 64, perm=[0, 2, 1, 3]),
    "transpose-channels-56x64": lambda: single("Transpose", 1, 64, 56, 56, perm=[0, 2, 3, 1]),
    "reduce-last-512x768": lambda: single("ReduceMean", 512, 768, axes=[1]),
    "reduce-first-512x768": lambda: single("ReduceMean", 512, 768, axes=[0]),
    "reduce-max-512x768": lambda: single("ReduceMax", 512, 768, axes=[1]),
    "reduce-middle-16x64x768": lambda: single("ReduceMean", 16, 64, 768, axes=[1]),
    "argmax-512x768": lambda: single("ArgMax", 512, 768, axis=1),
    "instancenorm-56x64": lambda: instance_norm(64, 56),
    "resize-nearest-56x64": lambda: resize(56, 64, "nearest"),
    "resize-linear-56x64": lambda: resize(56, 64, "linear"),
    "concat-64x56": lambda: concat(1, 64, 56, 56),
    "erf-128x1536": lambda: single("Erf", 128, 1536),
    "sigmoid-128x1536": lambda: single("Sigmoid", 128, 1536),
    "tanh-128x1536": lambda: single("Tanh", 128, 1536),
    "exp-128x1536": lambda: single("Exp", 128, 1536),
}
