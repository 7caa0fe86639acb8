#!/usr/bin/env python3
# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Files that must be refused: each gives a message, an exit code other than
0, no output file and no crash.

usage: test_hostile.py NNCC [NAME...]

A case is a function that writes a model into a folder and returns its path, and
a regular expression that one line of the messages has to match.
"""

import os
import re
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CASES = []
FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def case(message, options=()):
    """Registers a case: its function gets the folder; it returns a ModelProto,
    the file's bytes, or a path."""

    def register(function):
        CASES.append((function.__name__, function, message, list(options)))
        return function

    return register


def value(name, shape=(2, 3), dtype=FLOAT):
    return helper.make_tensor_value_info(name, dtype, shape)


def model(nodes, inputs=None, outputs=None, initializers=(), opset=17, **kwargs):
    """A model from x to y."""
    inputs = [value("x")] if inputs is None else inputs
    outputs = [value("y", None)] if outputs is None else outputs
    graph = helper.make_graph(nodes, "g", inputs, outputs, list(initializers))
    kwargs.setdefault("opset_imports", [helper.make_opsetid("", opset)])
    return helper.make_model(graph, ir_version=8, **kwargs)


def node(op, inputs=("x",), outputs=("y",), name="n", **attributes):
    return helper.make_node(op, list(inputs), list(outputs), name=name, **attributes)


def relu(**kwargs):
    return model([node("Relu")], **kwargs)


def tensor(name, array):
    return numpy_helper.from_array(np.asarray(array), name)


def ints(name, *numbers):
    return tensor(name, np.array(numbers, dtype=np.int64))


def one(op, inputs=("x",), initializers=(), shape=(2, 3), opset=17, **attributes):
    """A model of one node."""
    return model([node(op, inputs, **attributes)], [value("x", shape)],
                 initializers=initializers, opset=opset)


# ---------------------------------------------------------------------------
# The file
# ---------------------------------------------------------------------------


@case(r"nothere\.onnx.*(can't be read|No such file)")
def missing_file(folder):
    return os.path.join(folder, "nothere.onnx")


@case(r"(can't be read|[Ii]s a directory)")
def a_folder(folder):
    return folder


@case(r"is empty")
def empty_file(folder):
    return b""


@case(r"model\.onnx: (is not an ONNX file|has no graph)")
def text_file(folder):
    return b"This is no model at all.\n" * 10


@case(r"model\.onnx: (is not an ONNX file|has no graph)")
def zeros(folder):
    return bytes(4096)


@case(r"model\.onnx: (is not an ONNX file|has no graph)")
def random_bytes(folder):
    return np.random.default_rng(7).integers(0, 256, 5000, dtype=np.uint8).tobytes()


@case(r"is not an ONNX file, or damaged")
def truncated(folder):
    data = one("Add", ("x", "w"), [tensor("w", np.ones((2, 3), np.float32))])
    return data.SerializeToString()[:-20]


@case(r"is not an ONNX file, or damaged")
def truncated_early(folder):
    return relu().SerializeToString()[:11]


@case(r"has no graph")
def no_graph(folder):
    return onnx.ModelProto(ir_version=8)


@case(r"is not an ONNX file, or damaged")
def deep_nesting(folder):
    """Bytes that nest a hundred thousand messages."""
    data = b""
    for _ in range(20000):
        data = b"\x32" + varint(len(data)) + data  # AttributeProto.g
        data = b"\x2a" + varint(len(data)) + data  # NodeProto.attribute
        data = b"\x0a" + varint(len(data)) + data  # GraphProto.node
        if len(data) > 200000:
            break
    return b"\x08\x08\x3a" + varint(len(data)) + data


def varint(number):
    out = bytearray()
    while number >= 128:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


@case(r"is not an ONNX file, or damaged")
def huge_length_field(folder):
    return b"\x08\x08\x3a" + varint(1 << 40) + b"abc"


# ---------------------------------------------------------------------------
# The model
# ---------------------------------------------------------------------------


@case(r"imports no opset")
def no_opset(folder):
    return relu(opset_imports=[])


@case(r"imports no opset")
def no_default_opset(folder):
    return relu(opset_imports=[helper.make_opsetid("com.example", 1)])


@case(r"opset 6 of ai\.onnx; the oldest supported one is 7")
def old_opset(folder):
    return relu(opset=6)


@case(r"opset 1000 of ai\.onnx; the newest supported one is")
def new_opset(folder):
    return relu(opset=1000)


@case(r"opset -3 of ai\.onnx")
def negative_opset(folder):
    return relu(opset=-3)


@case(r"imports two versions of the domain")
def two_opsets(folder):
    return relu(opset_imports=[helper.make_opsetid("", 13), helper.make_opsetid("", 17)])


@case(r"has no outputs")
def no_outputs(folder):
    return relu(outputs=[])


@case(r"output 'z' of the graph is computed by no node")
def undefined_output(folder):
    return relu(outputs=[value("z")])


@case(r"output '' of the graph is computed by no node")
def unnamed_output(folder):
    return relu(outputs=[value("")])


@case(r"output 'y' is listed twice")
def output_twice(folder):
    return relu(outputs=[value("y"), value("y")])


@case(r"input of the graph has no name")
def unnamed_input(folder):
    return relu(inputs=[value("")])


@case(r"name 'x' is defined twice")
def input_twice(folder):
    return relu(inputs=[value("x"), value("x")])


@case(r"input 'x' is not a tensor")
def sequence_input(folder):
    info = helper.make_tensor_sequence_value_info("x", FLOAT, [2])
    return relu(inputs=[info])


@case(r"input 'x' is not a tensor")
def untyped_input(folder):
    return relu(inputs=[onnx.ValueInfoProto(name="x")])


@case(r"input 'x' has the element type STRING")
def string_input(folder):
    return relu(inputs=[value("x", (2,), TensorProto.STRING)])


@case(r"input 'x' has the element type number 9999")
def unknown_input_type(folder):
    return relu(inputs=[value("x", (2,), 9999)])


@case(r"input 'x' has no shape")
def input_without_shape(folder):
    return relu(inputs=[value("x", None)])


@case(r"input 'x' has the negative dimension -7")
def negative_input_dimension(folder):
    return relu(inputs=[value("x", (2, -7))])


@case(r"input 'x' is too large")
def huge_input(folder):
    return relu(inputs=[value("x", (1 << 20, 1 << 20, 1 << 20))])


@case(r"input 'x' is too large")
def overflowing_input(folder):
    return relu(inputs=[value("x", (1 << 33, 1 << 33))])


@case(r"input 'x' has 200 dimensions")
def rank_of_input(folder):
    return relu(inputs=[value("x", [1] * 200)])


@case(r"has functions of its own")
def local_functions(folder):
    function = helper.make_function("local", "F", ["a"], ["b"],
                                    [node("Relu", ["a"], ["b"])],
                                    [helper.make_opsetid("", 17)])
    return model([node("F", domain="local")], functions=[function],
                 opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("local", 1)])


@case(r"no input has a dimension named 'nope'", ["--dim", "nope=3"])
def unknown_dimension(folder):
    return relu(inputs=[value("x", ("batch", 3))])


@case(r"'batch=many': a dimension is given as NAME=VALUE", ["--dim", "batch=many"])
def bad_dimension(folder):
    return relu(inputs=[value("x", ("batch", 3))])


@case(r"'batch=9\.\.2': a dimension is given as", ["--dim", "batch=9..2"])
def reversed_dimension(folder):
    return relu(inputs=[value("x", ("batch", 3))])


# ---------------------------------------------------------------------------
# The graph
# ---------------------------------------------------------------------------


@case(r"node 'n' \(op Relu, domain ai\.onnx\): its input 'ghost' is defined nowhere")
def undefined_input(folder):
    return model([node("Relu", ["ghost"])])


@case(r"node '[ab]' .*: its inputs depend on its own output")
def cycle(folder):
    return model([node("Add", ("x", "q"), ("p",), "a"), node("Relu", ("p",), ("q",), "b"),
                  node("Relu", ("q",))])


@case(r"node 'n' .*: its inputs depend on its own output")
def own_input(folder):
    return model([node("Add", ("x", "y"))])


@case(r"name 'y' is defined twice")
def output_name_twice(folder):
    return model([node("Relu", name="a"), node("Abs", name="b")])


@case(r"name 'w' is defined twice")
def initializer_twice(folder):
    return relu(initializers=[ints("w", 1), ints("w", 2)])


@case(r"name 'y' is defined twice")
def initializer_and_node(folder):
    return relu(initializers=[ints("y", 1)])


@case(r"node 'n' .*: the node has no op type")
def no_op_type(folder):
    return model([node("")])


@case(r"node 'n' \(op Frobnicate, domain ai\.onnx, opset 17\) on \(f32\[2,3\]\): "
      r"the operator is not supported")
def unknown_op(folder):
    return model([node("Frobnicate")])


@case(r"node 'n' \(op Relu, domain com\.example, opset 3\).*not supported")
def unknown_domain(folder):
    return model([node("Relu", domain="com.example")],
                 opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.example", 3)])


@case(r"node 'n' \(op LeakyRelu.*: the attribute 'frob' is not supported")
def unknown_attribute(folder):
    return one("LeakyRelu", frob=3)


@case(r"the attribute 'alpha' is given twice")
def attribute_twice(folder):
    m = one("LeakyRelu", alpha=0.5)
    m.graph.node[0].attribute.append(helper.make_attribute("alpha", 0.25))
    return m


@case(r"node 'n' .*: the attribute 'alpha' is not a number")
def attribute_of_wrong_type(folder):
    return one("LeakyRelu", alpha="fast")


@case(r"an attribute has no name")
def attribute_without_name(folder):
    m = one("LeakyRelu", alpha=0.5)
    m.graph.node[0].attribute[0].name = ""
    return m


@case(r"'alpha' refers to a function's attribute")
def attribute_reference(folder):
    m = one("LeakyRelu", alpha=0.5)
    m.graph.node[0].attribute[0].ref_attr_name = "outer"
    return m


@case(r"the attribute 'tp' has a type that is not supported")
def attribute_type(folder):
    return one("Relu", tp=helper.make_tensor_type_proto(FLOAT, [1]))


@case(r"node 'n' \(op Add.*: its input 1 is missing")
def too_few_inputs(folder):
    return model([node("Add", ("x",))])


@case(r"node 'n' \(op Add.*: its input 0 is missing")
def skipped_input(folder):
    return model([node("Add", ("", "x"))])


@case(r"node 'n' \(op Relu.*: the node has too many inputs")
def too_many_inputs(folder):
    return model([node("Relu", ("x", "x", "x"))])


@case(r"node 'n' \(op Relu.*: its output 1 is not supported")
def too_many_outputs(folder):
    return model([node("Relu", ("x",), ("y", "z"))], outputs=[value("y", None), value("z", None)])


@case(r"node 'n' \(op Mish.*, opset 17\).*does not exist in this opset")
def op_of_later_opset(folder):
    return one("Mish")


@case(r"node 'n' \(op If, .*: the condition depends on data and the branches give different types")
def data_dependent_branch(folder):
    branch = helper.make_graph([node("Relu", ("x",), ("b",))], "g", [], [value("b", None)])
    other = helper.make_graph([node("Shape", ("x",), ("b",))], "g", [], [value("b", None)])
    return model([node("If", ("c",), then_branch=branch, else_branch=other)],
                 [value("x"), value("c", (), TensorProto.BOOL)])


@case(r"node 'inner' \(op Relu, .*its input 'nowhere' is defined nowhere")
def undefined_in_branch(folder):
    branch = helper.make_graph([node("Relu", ("nowhere",), ("b",), "inner")], "g", [],
                               [value("b", None)])
    return model([node("If", ("c",), then_branch=branch, else_branch=branch)],
                 initializers=[tensor("c", np.array(True))])


@case(r"a branch is missing")
def missing_branch(folder):
    branch = helper.make_graph([node("Relu", ("x",), ("b",))], "g", [], [value("b", None)])
    return model([node("If", ("c",), else_branch=branch)],
                 initializers=[tensor("c", np.array(True))])


@case(r"the branch has 0 outputs, the node 1")
def branch_outputs(folder):
    branch = helper.make_graph([], "g", [], [])
    return model([node("If", ("c",), then_branch=branch, else_branch=branch)],
                 initializers=[tensor("c", np.array(True))])


@case(r"node 'n' \(op Loop, .*the operator is not supported")
def loop(folder):
    body = helper.make_graph([node("Identity", ("c",), ("d",))], "g",
                             [value("i", (), INT64), value("c", (), TensorProto.BOOL)],
                             [value("d", (), TensorProto.BOOL)])
    return model([node("Loop", ("m", ""), (), body=body), node("Relu")],
                 initializers=[tensor("m", np.array(3))])


# ---------------------------------------------------------------------------
# Tensors
# ---------------------------------------------------------------------------


def with_weight(weight):
    return model([node("Add", ("x", "w"))], initializers=[weight])


def raw(dims, data, dtype=FLOAT):
    weight = TensorProto(name="w", data_type=dtype, raw_data=data)
    weight.dims.extend(dims)
    return with_weight(weight)


@case(r"initializer 'w': the tensor claims too many elements")
def tensor_of_2_60_elements(folder):
    return raw([1 << 60], b"\0" * 8)


@case(r"initializer 'w': the tensor claims too many elements")
def tensor_dims_overflow(folder):
    return raw([1 << 32, 1 << 32, 4], b"\0" * 8)


@case(r"initializer 'w': the tensor has the negative dimension -4")
def negative_tensor_dimension(folder):
    return raw([-4, 2], b"\0" * 8)


@case(r"initializer 'w': the tensor's shape asks for 6 elements \(24 bytes\), its data has 20")
def short_raw_data(folder):
    return raw([2, 3], b"\0" * 20)


@case(r"initializer 'w': the tensor's shape asks for 6 elements .* has 28 bytes")
def long_raw_data(folder):
    return raw([2, 3], b"\0" * 28)


@case(r"initializer 'w': the tensor's shape asks for 6 elements .* has 0 bytes")
def tensor_without_data(folder):
    return with_weight(TensorProto(name="w", data_type=FLOAT, dims=[2, 3]))


@case(r"initializer 'w': the tensor's shape asks for 6 elements .* has 8 bytes")
def short_typed_data(folder):
    return with_weight(TensorProto(name="w", data_type=FLOAT, dims=[2, 3], float_data=[1, 2]))


@case(r"initializer 'w': the tensor's shape asks for 6 elements .* has 0 bytes")
def data_in_wrong_field(folder):
    return with_weight(TensorProto(name="w", data_type=FLOAT, dims=[2, 3], int32_data=[1] * 6))


@case(r"initializer 'w': the element type STRING is not supported")
def string_tensor(folder):
    return with_weight(TensorProto(name="w", data_type=TensorProto.STRING, dims=[1],
                                   string_data=[b"a"]))


@case(r"initializer 'w': the element type COMPLEX64 is not supported")
def complex_tensor(folder):
    return raw([1], b"\0" * 8, TensorProto.COMPLEX64)


@case(r"initializer 'w': the element type UNDEFINED is not supported")
def untyped_tensor(folder):
    return raw([1], b"\0" * 8, 0)


@case(r"initializer 'w': the element type number -5 is not supported")
def negative_type(folder):
    return raw([1], b"\0" * 8, -5)


@case(r"initializer 'w': the tensor has 100 dimensions")
def tensor_rank(folder):
    return raw([1] * 100, b"\0" * 4)


@case(r"initializer 'w': tensors in segments are not supported")
def tensor_in_segments(folder):
    m = raw([2, 3], b"\0" * 24)
    m.graph.initializer[0].segment.begin = 0
    m.graph.initializer[0].segment.end = 3
    return m


@case(r"sparse initializers are not supported")
def sparse_initializer(folder):
    m = relu()
    sparse = m.graph.sparse_initializer.add()
    sparse.values.CopyFrom(tensor("s", np.ones(1, np.float32)))
    sparse.indices.CopyFrom(ints("i", 0))
    sparse.dims.append(4)
    return m


@case(r"node 'n' .*attribute 'value': the tensor claims too many elements")
def huge_constant(folder):
    weight = TensorProto(name="w", data_type=FLOAT, dims=[1 << 50], raw_data=b"abcd")
    return model([node("Constant", (), value=weight)])


# ---------------------------------------------------------------------------
# External data
# ---------------------------------------------------------------------------


def external(location, offset=None, length=None, size=24):
    weight = TensorProto(name="w", data_type=FLOAT, dims=[2, size // 8],
                         data_location=TensorProto.EXTERNAL)
    for key, text in (("location", location), ("offset", offset), ("length", length)):
        if text is not None:
            weight.external_data.add(key=key, value=str(text))
    return with_weight(weight)


def write(folder, name, size=24):
    with open(os.path.join(folder, name), "wb") as file:
        file.write(bytes(size))


@case(r"external data '\.\./secret\.bin' must be a relative path inside the model's folder")
def parent_path(folder):
    write(os.path.dirname(folder), "secret.bin")
    return external("../secret.bin")


@case(r"external data 'a/\.\./\.\./secret\.bin' must be a relative path")
def hidden_parent_path(folder):
    os.mkdir(os.path.join(folder, "a"))
    write(os.path.dirname(folder), "secret.bin")
    return external("a/../../secret.bin")


@case(r"external data '/etc/hostname' must be a relative path")
def absolute_path(folder):
    return external("/etc/hostname", 0, 4, 4)


@case(r"external data 'link\.bin' must be a relative path inside")
def link_to_outside(folder):
    write(os.path.dirname(folder), "secret.bin")
    os.symlink("../secret.bin", os.path.join(folder, "link.bin"))
    return external("link.bin")


@case(r"external data 'sub/secret\.bin' must be a relative path inside")
def linked_folder(folder):
    outside = os.path.join(os.path.dirname(folder), "outside")
    os.mkdir(outside)
    write(outside, "secret.bin")
    os.symlink(outside, os.path.join(folder, "sub"))
    return external("sub/secret.bin")


@case(r"external data 'absent\.bin' can't be read")
def absent_data(folder):
    return external("absent.bin")


@case(r"external data '' must be a relative path")
def no_location(folder):
    return external(None)


@case(r"external data 'd' is not a regular file")
def data_is_a_folder(folder):
    os.mkdir(os.path.join(folder, "d"))
    return external("d")


@case(r"external data 'w\.bin' has 20 bytes, the tensor claims 24 bytes at offset 0")
def short_external_data(folder):
    write(folder, "w.bin", 20)
    return external("w.bin")


@case(r"external data 'w\.bin' has 24 bytes, the tensor claims 24 bytes at offset 8")
def offset_behind_end(folder):
    write(folder, "w.bin")
    return external("w.bin", 8, 24)


@case(r"external data 'w\.bin' has 24 bytes, the tensor claims .* at offset 18446744073709551608")
def overflowing_offset(folder):
    write(folder, "w.bin")
    return external("w.bin", (1 << 64) - 8, 24)


@case(r"the offset of its external data, '-8', is not a size")
def negative_offset(folder):
    write(folder, "w.bin")
    return external("w.bin", -8)


@case(r"the length of its external data, 'lots', is not a size")
def bad_length(folder):
    write(folder, "w.bin")
    return external("w.bin", 0, "lots")


@case(r"asks for 6 elements \(24 bytes\), its data has 16 bytes")
def length_of_other_size(folder):
    write(folder, "w.bin")
    return external("w.bin", 0, 16)


# ---------------------------------------------------------------------------
# Operators
# ---------------------------------------------------------------------------


@case(r"node 'n' \(op Add, .*on \(f32\[2,3\], f32\[2,4\]\)")
def shapes_do_not_broadcast(folder):
    return model([node("Add", ("x", "z"))], [value("x"), value("z", (2, 4))])


@case(r"node 'n' \(op Add, .*on \(f32\[2,3\], i64\[2,3\]\)")
def types_do_not_fit(folder):
    return model([node("Add", ("x", "z"))], [value("x"), value("z", (2, 3), INT64)])


@case(r"node 'n' \(op MatMul, .*on \(f32\[2,3\], f32\[4,5\]\)")
def matmul_shapes(folder):
    return model([node("MatMul", ("x", "z"))], [value("x"), value("z", (4, 5))])


@case(r"node 'n' \(op Gemm, .*A and B must be matrices")
def gemm_rank(folder):
    return model([node("Gemm", ("x", "z"))], [value("x", (2, 3, 4)), value("z", (4, 5))])


@case(r"node 'n' \(op Exp, .*on \(i64\[2\]\)")
def exp_of_integers(folder):
    return model([node("Exp")], [value("x", (2,), INT64)])


@case(r"node 'n' \(op Softmax, .*the axis 7 is out of range for rank 2")
def axis_out_of_range(folder):
    return one("Softmax", axis=7)


@case(r"node 'n' \(op ReduceSum, .*the axis -9 is out of range")
def reduce_axis(folder):
    return one("ReduceSum", ("x", "a"), [ints("a", -9)])


@case(r"node 'n' \(op Transpose, .*the axis 0 is given twice")
def bad_permutation(folder):
    return one("Transpose", perm=[0, 0])


@case(r"node 'n' \(op Transpose, .*perm must have one entry a dimension")
def short_permutation(folder):
    return one("Transpose", perm=[0])


@case(r"node 'n' \(op Reshape, .*the number of elements doesn't fit the shape \[4,5\]")
def reshape_elements(folder):
    return one("Reshape", ("x", "s"), [ints("s", 4, 5)])


@case(r"node 'n' \(op Reshape, .*at most one -1")
def reshape_unknowns(folder):
    return one("Reshape", ("x", "s"), [ints("s", -1, -1)])


@case(r"node 'n' \(op Reshape, .*the shape must be known when compiling")
def reshape_by_data(folder):
    return model([node("Reshape", ("x", "s"))], [value("x"), value("s", (2,), INT64)])


@case(r"node 'n' \(op NonZero, .*depends on data")
def non_zero(folder):
    return one("NonZero")


@case(r"node 'n' \(op Conv, .*on \(f32\[1,3,8,8\], f32\[4,5,3,3\]\)")
def conv_channels(folder):
    return one("Conv", ("x", "w"), [tensor("w", np.ones((4, 5, 3, 3), np.float32))], (1, 3, 8, 8))


@case(r"node 'n' \(op Conv, .*the filter must have the input's rank")
def conv_rank(folder):
    return one("Conv", ("x", "w"), [tensor("w", np.ones((4, 3, 3), np.float32))], (1, 3, 8, 8))


@case(r"node 'n' \(op Conv, ")
def conv_groups(folder):
    return one("Conv", ("x", "w"), [tensor("w", np.ones((4, 3, 3, 3), np.float32))], (1, 3, 8, 8),
               group=0)


@case(r"node 'n' \(op Conv, .*'strides' has the entry 0, which is out of range")
def conv_stride(folder):
    return one("Conv", ("x", "w"), [tensor("w", np.ones((4, 3, 3, 3), np.float32))], (1, 3, 8, 8),
               strides=[0, 1])


@case(r"node 'n' \(op Conv, .*'pads' has 3 entries; expected 4")
def conv_pads(folder):
    return one("Conv", ("x", "w"), [tensor("w", np.ones((4, 3, 3, 3), np.float32))], (1, 3, 8, 8),
               pads=[1, 1, 1])


@case(r"node 'n' \(op Conv, ")
def conv_larger_than_input(folder):
    return one("Conv", ("x", "w"), [tensor("w", np.ones((4, 3, 9, 9), np.float32))], (1, 3, 8, 8))


@case(r"node 'n' \(op MaxPool, .*kernel_shape.*positive")
def pool_kernel(folder):
    return one("MaxPool", shape=(1, 3, 8, 8), kernel_shape=[0, 2])


@case(r"node 'n' \(op MaxPool, .*its output 1 is not supported")
def pool_indices(folder):
    return model([node("MaxPool", ("x",), ("y", "i"), kernel_shape=[2, 2])],
                 [value("x", (1, 3, 8, 8))], [value("y", None), value("i", None, INT64)])


@case(r"node 'n' \(op Expand, .*")
def huge_expand(folder):
    return one("Expand", ("x", "s"), [ints("s", 1 << 40, 2, 3)])


@case(r"node 'n' \(op ConstantOfShape, .*too large")
def huge_fill(folder):
    return one("ConstantOfShape", ("s",), [ints("s", 1 << 20, 1 << 20, 1 << 20)])


@case(r"node 'n' \(op ConstantOfShape, .*a dimension is negative")
def negative_fill(folder):
    return one("ConstantOfShape", ("s",), [ints("s", 4, -4)])


@case(r"node 'n' \(op Range, .*the step (must )?not (be )?0|step not 0")
def endless_range(folder):
    return one("Range", ("a", "b", "c"), [tensor("a", np.array(0)), tensor("b", np.array(9)),
                                          tensor("c", np.array(0))])


@case(r"node 'n' \(op Split, .*split does not add up to 3")
def split_sizes(folder):
    return model([node("Split", ("x", "s"), ("y", "z"), axis=1)], initializers=[ints("s", 1, 1)],
                 outputs=[value("y", None), value("z", None)])


@case(r"node 'n' \(op Squeeze, .*dimension 0 is not 1")
def squeeze(folder):
    return one("Squeeze", ("x", "a"), [ints("a", 0)])


@case(r"node 'n' \(op Slice, .*the step 0 is out of range")
def slice_step(folder):
    return one("Slice", ("x", "a", "b", "c", "d"),
               [ints("a", 0), ints("b", 2), ints("c", 0), ints("d", 0)])


@case(r"node 'n' \(op Cast, .*a cast to STRING is not supported")
def cast_to_string(folder):
    return one("Cast", to=TensorProto.STRING)


@case(r"node 'n' \(op Resize, .*the scale .* is out of range")
def resize_scale(folder):
    return one("Resize", ("x", "", "s"), [tensor("s", np.array([1, -2], np.float32))])


@case(r"node 'n' \(op LSTM, .*the activation 'Bogus' is unknown")
def lstm_activation(folder):
    w = tensor("w", np.ones((1, 16, 3), np.float32))
    r = tensor("r", np.ones((1, 16, 4), np.float32))
    return one("LSTM", ("x", "w", "r"), [w, r], (5, 2, 3), hidden_size=4,
               activations=["Bogus", "Tanh", "Tanh"])


@case(r"node 'q1' .*(\n.*)*node 'q2' ")
def several_errors(folder):
    """Both nodes are reported."""
    return model([node("Frob", name="q1", outputs=("a",)), node("Nicate", name="q2", outputs=("b",)),
                  node("Add", ("a", "b"))])


# ---------------------------------------------------------------------------


def run(nncc, name, function, message, options):
    """The reason why the case fails, or None."""
    with tempfile.TemporaryDirectory() as outer:
        folder = os.path.join(outer, "model")
        os.mkdir(folder)
        made = function(folder)
        path = made
        if not isinstance(made, str):
            path = os.path.join(folder, "model.onnx")
            with open(path, "wb") as file:
                file.write(made if isinstance(made, bytes) else made.SerializeToString())
        output = os.path.join(outer, "out.wasm")
        try:
            done = subprocess.run([nncc, path, "-o", output] + options, capture_output=True,
                                  text=True, errors="replace", timeout=60)
        except subprocess.TimeoutExpired:
            return "does not end"
        text = done.stdout + done.stderr
        if done.returncode == 0:
            return "is accepted"
        if done.returncode < 0 or done.returncode > 2:
            return f"crashes ({done.returncode}): {text[:500]}"
        if re.search(r"Assertion|Stack dump|Sanitizer|terminate called|LLVM ERROR", text):
            return f"crashes: {text[:500]}"
        if os.path.exists(output):
            return "leaves an output file"
        if not re.search(message, text):
            return f"says {text.strip()!r}\n    expected {message!r}"
        if len(text.splitlines()) > 12:
            return f"says too much:\n{text[:2000]}"
    return None


def main():
    nncc, names = sys.argv[1], sys.argv[2:]
    failures = 0
    for name, function, message, options in CASES:
        if names and name not in names:
            continue
        reason = run(nncc, name, function, message, options)
        if reason:
            failures += 1
            print(f"FAIL {name}: {reason}")
    print(f"{len(CASES)} hostile files, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
