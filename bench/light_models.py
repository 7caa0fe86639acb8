# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The onnx wheel's `light` networks with seeded random weights put in.

Their own weights are constants, so that any answer looks right; random ones of
a sane scale keep the values within range from layer to layer.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, numpy_helper

Array = npt.NDArray[Any]

LIGHT_FOLDER = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"


def randomized(path: Path, seed: int = 0) -> tuple[onnx.ModelProto, dict[str, Array]]:
    """The model at `path` with random weights, and an input for it."""
    model = onnx.load(path)
    graph = model.graph
    rng = np.random.default_rng(seed)
    shapes = _weight_shapes(graph)
    roles = _roles(graph)
    kept = [node for node in graph.node if node.op_type != "ConstantOfShape"]
    used = {name for node in kept for name in node.input}
    old = [tensor for tensor in graph.initializer if tensor.name in used]
    initializers = [tensor for tensor in old if tensor.name not in shapes]
    for name, shape in shapes.items():
        initializers.append(
            numpy_helper.from_array(_weights(shape, roles.get(name, ""), rng), name)
        )
    names = {tensor.name for tensor in initializers}
    inputs = [value for value in graph.input if value.name in used and value.name not in names]
    for field, values in (("node", kept), ("initializer", initializers), ("input", inputs)):
        del getattr(graph, field)[:]
        getattr(graph, field).extend(values)
    # Since version 4 of the format, weights need not be inputs too.
    model.ir_version = max(model.ir_version, 4)
    sizes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in inputs}
    feed = {name: rng.standard_normal(size).astype(np.float32) for name, size in sizes.items()}
    return model, feed


def _weight_shapes(graph: onnx.GraphProto) -> dict[str, tuple[int, ...]]:
    """The floating point constants of the network, made by a node or given."""
    given = {tensor.name: tensor for tensor in graph.initializer}
    shapes = {
        node.output[0]: tuple(int(dim) for dim in numpy_helper.to_array(given[node.input[0]]))
        for node in graph.node
        if node.op_type == "ConstantOfShape"
    }
    floats = {name: t for name, t in given.items() if t.data_type == TensorProto.FLOAT}
    return shapes | {name: tuple(tensor.dims) for name, tensor in floats.items()}


def _roles(graph: onnx.GraphProto) -> dict[str, str]:
    """What each value is used as: "Conv.1" is the second operand of a Conv."""
    roles: dict[str, str] = {}
    for node in reversed(graph.node):
        for i, name in enumerate(node.input):
            # A weight that is reshaped first has the role of the result.
            through = node.op_type in {"Unsqueeze", "Reshape"}
            roles[name] = roles.get(node.output[0], "") if through else f"{node.op_type}.{i}"
    return roles


def _weights(shape: tuple[int, ...], role: str, rng: np.random.Generator) -> Array:
    if role in {"Conv.1", "Gemm.1"}:
        fan_in = int(np.prod(shape[1:]))
        values = rng.standard_normal(shape) * np.sqrt(2 / fan_in)
    elif role in {"BatchNormalization.1", "BatchNormalization.4", "Mul.1"}:
        values = rng.uniform(0.5, 1.5, shape)
    else:
        values = 0.1 * rng.standard_normal(shape)
    result: Array = values.astype(np.float32)
    return result
