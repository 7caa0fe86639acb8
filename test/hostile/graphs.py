# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Graphs with bad nodes, names, attributes or branches."""

import numpy as np
from onnx import TensorProto, helper

from cases import FLOAT, Made, case, ints, model, node, one, relu, tensor, value


@case(r"node 'n' \(op Relu, domain ai\.onnx\): its input 'ghost' is defined nowhere")
def undefined_input(folder: str) -> Made:
    return model([node("Relu", ["ghost"])])


@case(r"node '[ab]' .*: its inputs depend on its own output")
def cycle(folder: str) -> Made:
    return model(
        [
            node("Add", ("x", "q"), ("p",), "a"),
            node("Relu", ("p",), ("q",), "b"),
            node("Relu", ("q",)),
        ]
    )


@case(r"node 'n' .*: its inputs depend on its own output")
def own_input(folder: str) -> Made:
    return model([node("Add", ("x", "y"))])


@case(r"name 'y' is defined twice")
def output_name_twice(folder: str) -> Made:
    return model([node("Relu", name="a"), node("Abs", name="b")])


@case(r"name 'w' is defined twice")
def initializer_twice(folder: str) -> Made:
    return relu(initializers=[ints("w", 1), ints("w", 2)])


@case(r"name 'y' is defined twice")
def initializer_and_node(folder: str) -> Made:
    return relu(initializers=[ints("y", 1)])


@case(r"node 'n' .*: the node has no op type")
def no_op_type(folder: str) -> Made:
    return model([node("")])


@case(
    r"node 'n' \(op Frobnicate, domain ai\.onnx, opset 17\) on \(f32\[2,3\]\): "
    r"the operator is not supported"
)
def unknown_op(folder: str) -> Made:
    return model([node("Frobnicate")])


@case(r"node 'n' \(op Relu, domain com\.example, opset 3\).*not supported")
def unknown_domain(folder: str) -> Made:
    return model(
        [node("Relu", domain="com.example")],
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.example", 3)],
    )


@case(r"node 'n' \(op LeakyRelu.*: the attribute 'frob' is not supported")
def unknown_attribute(folder: str) -> Made:
    return one("LeakyRelu", frob=3)


@case(r"the attribute 'alpha' is given twice")
def attribute_twice(folder: str) -> Made:
    m = one("LeakyRelu", alpha=0.5)
    m.graph.node[0].attribute.append(helper.make_attribute("alpha", 0.25))
    return m


@case(r"node 'n' .*: the attribute 'alpha' is not a number")
def attribute_of_wrong_type(folder: str) -> Made:
    return one("LeakyRelu", alpha="fast")


@case(r"an attribute has no name")
def attribute_without_name(folder: str) -> Made:
    m = one("LeakyRelu", alpha=0.5)
    m.graph.node[0].attribute[0].name = ""
    return m


@case(r"'alpha' refers to a function's attribute")
def attribute_reference(folder: str) -> Made:
    m = one("LeakyRelu", alpha=0.5)
    m.graph.node[0].attribute[0].ref_attr_name = "outer"
    return m


@case(r"the attribute 'tp' has a type that is not supported")
def attribute_type(folder: str) -> Made:
    return one("Relu", tp=helper.make_tensor_type_proto(FLOAT, [1]))


@case(r"node 'n' \(op Add.*: its input 1 is missing")
def too_few_inputs(folder: str) -> Made:
    return model([node("Add", ("x",))])


@case(r"node 'n' \(op Add.*: its input 0 is missing")
def skipped_input(folder: str) -> Made:
    return model([node("Add", ("", "x"))])


@case(r"node 'n' \(op Relu.*: the node has too many inputs")
def too_many_inputs(folder: str) -> Made:
    return model([node("Relu", ("x", "x", "x"))])


@case(r"node 'n' \(op Relu.*: its output 1 is not supported")
def too_many_outputs(folder: str) -> Made:
    return model([node("Relu", ("x",), ("y", "z"))], outputs=[value("y", None), value("z", None)])


@case(r"node 'n' \(op Mish.*, opset 17\).*does not exist in this opset")
def op_of_later_opset(folder: str) -> Made:
    return one("Mish")


@case(r"node 'n' \(op If, .*: the condition depends on data and the branches give different types")
def data_dependent_branch(folder: str) -> Made:
    branch = helper.make_graph([node("Relu", ("x",), ("b",))], "g", [], [value("b", None)])
    other = helper.make_graph([node("Shape", ("x",), ("b",))], "g", [], [value("b", None)])
    return model(
        [node("If", ("c",), then_branch=branch, else_branch=other)],
        [value("x"), value("c", (), TensorProto.BOOL)],
    )


@case(r"node 'inner' \(op Relu, .*its input 'nowhere' is defined nowhere")
def undefined_in_branch(folder: str) -> Made:
    branch = helper.make_graph(
        [node("Relu", ("nowhere",), ("b",), "inner")], "g", [], [value("b", None)]
    )
    return model(
        [node("If", ("c",), then_branch=branch, else_branch=branch)],
        initializers=[tensor("c", np.array(True))],
    )


@case(r"a branch is missing")
def missing_branch(folder: str) -> Made:
    branch = helper.make_graph([node("Relu", ("x",), ("b",))], "g", [], [value("b", None)])
    return model(
        [node("If", ("c",), else_branch=branch)], initializers=[tensor("c", np.array(True))]
    )


@case(r"the branch has 0 outputs, the node 1")
def branch_outputs(folder: str) -> Made:
    branch = helper.make_graph([], "g", [], [])
    return model(
        [node("If", ("c",), then_branch=branch, else_branch=branch)],
        initializers=[tensor("c", np.array(True))],
    )


@case(r"node 'n' \(op Loop, .*the body's inputs and outputs do not fit the node's")
def loop(folder: str) -> Made:
    body = helper.make_graph(
        [node("Identity", ("c",), ("d",))],
        "g",
        [value("c", (), TensorProto.BOOL)],
        [value("d", (), TensorProto.BOOL)],
    )
    return model(
        [node("Loop", ("m", ""), (), body=body), node("Relu")],
        initializers=[tensor("m", np.array(3))],
    )
