# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The registry of the cases and what builds their models."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64

Shape: TypeAlias = Sequence[int | str | None]
#: What a case makes: a model, the bytes of a file, or the path of one.
Made: TypeAlias = ModelProto | bytes | str
Make: TypeAlias = Callable[[str], Made]


@dataclass(frozen=True)
class Case:
    name: str
    make: Make
    message: str
    options: list[str]


CASES: list[Case] = []


def case(message: str, options: Sequence[str] = ()) -> Callable[[Make], Make]:
    """Registers a function that gets the folder and makes the file."""

    def register(make: Make) -> Make:
        CASES.append(Case(make.__name__, make, message, list(options)))
        return make

    return register


def value(name: str, shape: Shape | None = (2, 3), dtype: int = FLOAT) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, dtype, shape)


def model(
    nodes: Sequence[NodeProto],
    inputs: Sequence[ValueInfoProto] | None = None,
    outputs: Sequence[ValueInfoProto] | None = None,
    initializers: Sequence[TensorProto] = (),
    opset: int = 17,
    **kwargs: Any,
) -> ModelProto:
    """A model from x to y."""
    inputs = [value("x")] if inputs is None else inputs
    outputs = [value("y", None)] if outputs is None else outputs
    graph = helper.make_graph(nodes, "g", inputs, outputs, list(initializers))
    kwargs.setdefault("opset_imports", [helper.make_opsetid("", opset)])
    return helper.make_model(graph, ir_version=8, **kwargs)


def node(
    op: str,
    inputs: Sequence[str] = ("x",),
    outputs: Sequence[str] = ("y",),
    name: str = "n",
    **attributes: Any,
) -> NodeProto:
    return helper.make_node(op, list(inputs), list(outputs), name=name, **attributes)


def relu(**kwargs: Any) -> ModelProto:
    return model([node("Relu")], **kwargs)


def tensor(name: str, array: npt.ArrayLike) -> TensorProto:
    return numpy_helper.from_array(np.asarray(array), name)


def ints(name: str, *numbers: int) -> TensorProto:
    return tensor(name, np.array(numbers, dtype=np.int64))


def one(
    op: str,
    inputs: Sequence[str] = ("x",),
    initializers: Sequence[TensorProto] = (),
    shape: Shape = (2, 3),
    opset: int = 17,
    **attributes: Any,
) -> ModelProto:
    """A model of one node."""
    return model(
        [node(op, inputs, **attributes)],
        [value("x", shape)],
        initializers=initializers,
        opset=opset,
    )


def with_weight(weight: TensorProto) -> ModelProto:
    return model([node("Add", ("x", "w"))], initializers=[weight])
