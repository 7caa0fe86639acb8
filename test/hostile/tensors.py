# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Initializers that claim what is not there."""

from collections.abc import Sequence

import numpy as np
from onnx import ModelProto, TensorProto

from cases import FLOAT, Made, case, ints, model, node, relu, tensor, with_weight


def raw(dims: Sequence[int], data: bytes, dtype: int = FLOAT) -> ModelProto:
    weight = TensorProto(name="w", data_type=dtype, raw_data=data)
    weight.dims.extend(dims)
    return with_weight(weight)


@case(r"initializer 'w': the tensor claims too many elements")
def tensor_of_2_60_elements(folder: str) -> Made:
    return raw([1 << 60], b"\0" * 8)


@case(r"initializer 'w': the tensor claims too many elements")
def tensor_dims_overflow(folder: str) -> Made:
    return raw([1 << 32, 1 << 32, 4], b"\0" * 8)


@case(r"initializer 'w': the tensor has the negative dimension -4")
def negative_tensor_dimension(folder: str) -> Made:
    return raw([-4, 2], b"\0" * 8)


@case(r"initializer 'w': the tensor's shape asks for 6 elements \(24 bytes\), its data has 20")
def short_raw_data(folder: str) -> Made:
    return raw([2, 3], b"\0" * 20)


@case(r"initializer 'w': the tensor's shape asks for 6 elements .* has 28 bytes")
def long_raw_data(folder: str) -> Made:
    return raw([2, 3], b"\0" * 28)


@case(r"initializer 'w': the tensor's shape asks for 6 elements .* has 0 bytes")
def tensor_without_data(folder: str) -> Made:
    return with_weight(TensorProto(name="w", data_type=FLOAT, dims=[2, 3]))


@case(r"initializer 'w': the tensor's shape asks for 6 elements .* has 8 bytes")
def short_typed_data(folder: str) -> Made:
    return with_weight(TensorProto(name="w", data_type=FLOAT, dims=[2, 3], float_data=[1, 2]))


@case(r"initializer 'w': the tensor's shape asks for 6 elements .* has 0 bytes")
def data_in_wrong_field(folder: str) -> Made:
    return with_weight(TensorProto(name="w", data_type=FLOAT, dims=[2, 3], int32_data=[1] * 6))


@case(r"initializer 'w': the element type STRING is not supported")
def string_tensor(folder: str) -> Made:
    return with_weight(
        TensorProto(name="w", data_type=TensorProto.STRING, dims=[1], string_data=[b"a"])
    )


@case(r"initializer 'w': the element type COMPLEX64 is not supported")
def complex_tensor(folder: str) -> Made:
    return raw([1], b"\0" * 8, TensorProto.COMPLEX64)


@case(r"initializer 'w': the element type UNDEFINED is not supported")
def untyped_tensor(folder: str) -> Made:
    return raw([1], b"\0" * 8, 0)


@case(r"initializer 'w': the element type number -5 is not supported")
def negative_type(folder: str) -> Made:
    return raw([1], b"\0" * 8, -5)


@case(r"initializer 'w': the tensor has 100 dimensions")
def tensor_rank(folder: str) -> Made:
    return raw([1] * 100, b"\0" * 4)


@case(r"initializer 'w': tensors in segments are not supported")
def tensor_in_segments(folder: str) -> Made:
    m = raw([2, 3], b"\0" * 24)
    m.graph.initializer[0].segment.begin = 0
    m.graph.initializer[0].segment.end = 3
    return m


@case(r"sparse initializers are not supported")
def sparse_initializer(folder: str) -> Made:
    m = relu()
    sparse = m.graph.sparse_initializer.add()
    sparse.values.CopyFrom(tensor("s", np.ones(1, np.float32)))
    sparse.indices.CopyFrom(ints("i", 0))
    sparse.dims.append(4)
    return m


@case(r"node 'n' .*attribute 'value': the tensor claims too many elements")
def huge_constant(folder: str) -> Made:
    weight = TensorProto(name="w", data_type=FLOAT, dims=[1 << 50], raw_data=b"abcd")
    return model([node("Constant", (), value=weight)])
