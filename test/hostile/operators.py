# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Operators on what they do not take."""

import numpy as np
from onnx import TensorProto

from cases import INT64, Made, case, ints, model, node, one, tensor, value


@case(r"node 'n' \(op Add, .*on \(f32\[2,3\], f32\[2,4\]\)")
def shapes_do_not_broadcast(folder: str) -> Made:
    return model([node("Add", ("x", "z"))], [value("x"), value("z", (2, 4))])


@case(r"node 'n' \(op Add, .*on \(f32\[2,3\], i64\[2,3\]\)")
def types_do_not_fit(folder: str) -> Made:
    return model([node("Add", ("x", "z"))], [value("x"), value("z", (2, 3), INT64)])


@case(r"node 'n' \(op MatMul, .*on \(f32\[2,3\], f32\[4,5\]\)")
def matmul_shapes(folder: str) -> Made:
    return model([node("MatMul", ("x", "z"))], [value("x"), value("z", (4, 5))])


@case(r"node 'n' \(op Gemm, .*A and B must be matrices")
def gemm_rank(folder: str) -> Made:
    return model([node("Gemm", ("x", "z"))], [value("x", (2, 3, 4)), value("z", (4, 5))])


@case(r"node 'n' \(op Exp, .*on \(i64\[2\]\)")
def exp_of_integers(folder: str) -> Made:
    return model([node("Exp")], [value("x", (2,), INT64)])


@case(r"node 'n' \(op Softmax, .*the axis 7 is out of range for rank 2")
def axis_out_of_range(folder: str) -> Made:
    return one("Softmax", axis=7)


@case(r"node 'n' \(op ReduceSum, .*the axis -9 is out of range")
def reduce_axis(folder: str) -> Made:
    return one("ReduceSum", ("x", "a"), [ints("a", -9)])


@case(r"node 'n' \(op Transpose, .*the axis 0 is given twice")
def bad_permutation(folder: str) -> Made:
    return one("Transpose", perm=[0, 0])


@case(r"node 'n' \(op Transpose, .*perm must have one entry a dimension")
def short_permutation(folder: str) -> Made:
    return one("Transpose", perm=[0])


@case(r"node 'n' \(op Reshape, .*the number of elements doesn't fit the shape \[4,5\]")
def reshape_elements(folder: str) -> Made:
    return one("Reshape", ("x", "s"), [ints("s", 4, 5)])


@case(r"node 'n' \(op Reshape, .*at most one -1")
def reshape_unknowns(folder: str) -> Made:
    return one("Reshape", ("x", "s"), [ints("s", -1, -1)])


@case(r"node 'n' \(op Reshape, .*the shape must be a vector of static size")
def reshape_by_data(folder: str) -> Made:
    return model([node("Reshape", ("x", "s"))], [value("x"), value("s", ("k",), INT64)])


@case(r"node 'n' \(op Conv, .*on \(f32\[1,3,8,8\], f32\[4,5,3,3\]\)")
def conv_channels(folder: str) -> Made:
    return one("Conv", ("x", "w"), [tensor("w", np.ones((4, 5, 3, 3), np.float32))], (1, 3, 8, 8))


@case(r"node 'n' \(op Conv, .*the filter must have the input's rank")
def conv_rank(folder: str) -> Made:
    return one("Conv", ("x", "w"), [tensor("w", np.ones((4, 3, 3), np.float32))], (1, 3, 8, 8))


@case(r"node 'n' \(op Conv, ")
def conv_groups(folder: str) -> Made:
    return one(
        "Conv", ("x", "w"), [tensor("w", np.ones((4, 3, 3, 3), np.float32))], (1, 3, 8, 8), group=0
    )


@case(r"node 'n' \(op Conv, .*'strides' has the entry 0, which is out of range")
def conv_stride(folder: str) -> Made:
    return one(
        "Conv",
        ("x", "w"),
        [tensor("w", np.ones((4, 3, 3, 3), np.float32))],
        (1, 3, 8, 8),
        strides=[0, 1],
    )


@case(r"node 'n' \(op Conv, .*'pads' has 3 entries; expected 4")
def conv_pads(folder: str) -> Made:
    return one(
        "Conv",
        ("x", "w"),
        [tensor("w", np.ones((4, 3, 3, 3), np.float32))],
        (1, 3, 8, 8),
        pads=[1, 1, 1],
    )


@case(r"node 'n' \(op Conv, ")
def conv_larger_than_input(folder: str) -> Made:
    return one("Conv", ("x", "w"), [tensor("w", np.ones((4, 3, 9, 9), np.float32))], (1, 3, 8, 8))


@case(r"node 'n' \(op MaxPool, .*kernel_shape.*positive")
def pool_kernel(folder: str) -> Made:
    return one("MaxPool", shape=(1, 3, 8, 8), kernel_shape=[0, 2])


@case(r"node 'n' \(op Expand, .*")
def huge_expand(folder: str) -> Made:
    return one("Expand", ("x", "s"), [ints("s", 1 << 40, 2, 3)])


@case(r"node 'n' \(op ConstantOfShape, .*too large")
def huge_fill(folder: str) -> Made:
    return one("ConstantOfShape", ("s",), [ints("s", 1 << 20, 1 << 20, 1 << 20)])


@case(r"node 'n' \(op ConstantOfShape, .*a dimension is negative")
def negative_fill(folder: str) -> Made:
    return one("ConstantOfShape", ("s",), [ints("s", 4, -4)])


@case(r"node 'n' \(op Range, .*the step (must )?not (be )?0|step not 0")
def endless_range(folder: str) -> Made:
    return one(
        "Range",
        ("a", "b", "c"),
        [tensor("a", np.array(0)), tensor("b", np.array(9)), tensor("c", np.array(0))],
    )


@case(r"node 'n' \(op Split, .*split does not add up to 3")
def split_sizes(folder: str) -> Made:
    return model(
        [node("Split", ("x", "s"), ("y", "z"), axis=1)],
        initializers=[ints("s", 1, 1)],
        outputs=[value("y", None), value("z", None)],
    )


@case(r"node 'n' \(op Squeeze, .*dimension 0 is not 1")
def squeeze(folder: str) -> Made:
    return one("Squeeze", ("x", "a"), [ints("a", 0)])


@case(r"node 'n' \(op Slice, .*the step 0 is out of range")
def slice_step(folder: str) -> Made:
    return one(
        "Slice", ("x", "a", "b", "c", "d"), [ints("a", 0), ints("b", 2), ints("c", 0), ints("d", 0)]
    )


@case(r"node 'n' \(op Cast, .*a cast to STRING is not supported")
def cast_to_string(folder: str) -> Made:
    return one("Cast", to=TensorProto.STRING)


@case(r"node 'n' \(op Resize, .*the scale .* is out of range")
def resize_scale(folder: str) -> Made:
    return one("Resize", ("x", "", "s"), [tensor("s", np.array([1, -2], np.float32))])


@case(r"node 'n' \(op LSTM, .*the activation 'Bogus' is unknown")
def lstm_activation(folder: str) -> Made:
    w = tensor("w", np.ones((1, 16, 3), np.float32))
    r = tensor("r", np.ones((1, 16, 4), np.float32))
    return one(
        "LSTM",
        ("x", "w", "r"),
        [w, r],
        (5, 2, 3),
        hidden_size=4,
        activations=["Bogus", "Tanh", "Tanh"],
    )


@case(r"node 'q1' .*(\n.*)*node 'q2' ")
def several_errors(folder: str) -> Made:
    """Both nodes are reported."""
    return model(
        [
            node("Frob", name="q1", outputs=("a",)),
            node("Nicate", name="q2", outputs=("b",)),
            node("Add", ("a", "b")),
        ]
    )
