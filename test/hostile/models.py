# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models with bad opsets, inputs, outputs or options."""

import onnx
from onnx import TensorProto, helper

from cases import FLOAT, Made, case, model, node, relu, value


@case(r"imports no opset")
def no_opset(folder: str) -> Made:
    return relu(opset_imports=[])


@case(r"imports no opset")
def no_default_opset(folder: str) -> Made:
    return relu(opset_imports=[helper.make_opsetid("com.example", 1)])


@case(r"opset 0 of ai\.onnx; the oldest supported one is 1")
def old_opset(folder: str) -> Made:
    return relu(opset=0)


@case(r"opset 1000 of ai\.onnx; the newest supported one is")
def new_opset(folder: str) -> Made:
    return relu(opset=1000)


@case(r"opset -3 of ai\.onnx")
def negative_opset(folder: str) -> Made:
    return relu(opset=-3)


@case(r"imports two versions of the domain")
def two_opsets(folder: str) -> Made:
    return relu(opset_imports=[helper.make_opsetid("", 13), helper.make_opsetid("", 17)])


@case(r"has no outputs")
def no_outputs(folder: str) -> Made:
    return relu(outputs=[])


@case(r"output 'z' of the graph is computed by no node")
def undefined_output(folder: str) -> Made:
    return relu(outputs=[value("z")])


@case(r"output '' of the graph is computed by no node")
def unnamed_output(folder: str) -> Made:
    return relu(outputs=[value("")])


@case(r"output 'y' is listed twice")
def output_twice(folder: str) -> Made:
    return relu(outputs=[value("y"), value("y")])


@case(r"input of the graph has no name")
def unnamed_input(folder: str) -> Made:
    return relu(inputs=[value("")])


@case(r"name 'x' is defined twice")
def input_twice(folder: str) -> Made:
    return relu(inputs=[value("x"), value("x")])


@case(r"input 'x' is not a tensor")
def sequence_input(folder: str) -> Made:
    info = helper.make_tensor_sequence_value_info("x", FLOAT, [2])
    return relu(inputs=[info])


@case(r"input 'x' is not a tensor")
def untyped_input(folder: str) -> Made:
    return relu(inputs=[onnx.ValueInfoProto(name="x")])


@case(r"input 'x' has the element type STRING")
def string_input(folder: str) -> Made:
    return relu(inputs=[value("x", (2,), TensorProto.STRING)])


@case(r"input 'x' has the element type number 9999")
def unknown_input_type(folder: str) -> Made:
    return relu(inputs=[value("x", (2,), 9999)])


@case(r"input 'x' has no shape")
def input_without_shape(folder: str) -> Made:
    return relu(inputs=[value("x", None)])


@case(r"input 'x' has the negative dimension -7")
def negative_input_dimension(folder: str) -> Made:
    return relu(inputs=[value("x", (2, -7))])


@case(r"input 'x' is too large")
def huge_input(folder: str) -> Made:
    return relu(inputs=[value("x", (1 << 20, 1 << 20, 1 << 20))])


@case(r"input 'x' is too large")
def overflowing_input(folder: str) -> Made:
    return relu(inputs=[value("x", (1 << 33, 1 << 33))])


@case(r"input 'x' has 200 dimensions")
def rank_of_input(folder: str) -> Made:
    return relu(inputs=[value("x", [1] * 200)])


def calling(
    *bodies: list[onnx.NodeProto], inputs: tuple[str, ...] = ("a",), opset: int = 17
) -> onnx.ModelProto:
    """A model that calls F0; the function number n is Fn and computes b from a."""
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("local", 1)]
    functions = [
        helper.make_function("local", f"F{number}", inputs, ["b"], body, opsets)
        for number, body in enumerate(bodies)
    ]
    return model(
        [node("F0", domain="local")],
        functions=functions,
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("local", 1)],
    )


def call(number: int, source: str = "a", result: str = "b") -> onnx.NodeProto:
    return node(f"F{number}", [source], [result], domain="local")


@case(r"calls functions more than 100 deep; none may call itself")
def recursive_function(folder: str) -> Made:
    return calling([call(1)], [call(0)])


@case(r"functions of this model come to more than 1048576 nodes")
def functions_of_functions(folder: str) -> Made:
    twice = [[call(n + 1, "a", "t"), call(n + 1, "t", "b")] for n in range(40)]
    return calling(*twice, [node("Relu", ["a"], ["b"])])


@case(r"node 'n/nothing' .*: its input 'x' is defined nowhere")
def name_outside_of_function(folder: str) -> Made:
    return calling([node("Relu", ["x"], ["b"], name="nothing")])


@case(r"output 'b' of the function is computed by no node")
def function_without_result(folder: str) -> Made:
    return calling([node("Relu", ["a"], ["c"])])


@case(r"node 'n/n' \(op Nonsense, domain ai\.onnx")
def unknown_operator_in_function(folder: str) -> Made:
    return calling([node("Nonsense", ["a"], ["b"])])


@case(r"has 1 inputs and 1 outputs, the model's function of this name 0 and 1")
def function_without_inputs(folder: str) -> Made:
    return calling([node("Relu", ["a"], ["b"])], inputs=())


@case(r"opset 1000 of ai\.onnx; the newest supported one is")
def new_opset_of_function(folder: str) -> Made:
    return calling([node("Relu", ["a"], ["b"])], opset=1000)


@case(r"defines the function 'F0' of the domain 'local' twice")
def function_twice(folder: str) -> Made:
    made = calling([node("Relu", ["a"], ["b"])])
    made.functions.append(made.functions[0])
    return made


@case(r"no input has a dimension named 'nope'", ["--dim", "nope=3"])
def unknown_dimension(folder: str) -> Made:
    return relu(inputs=[value("x", ("batch", 3))])


@case(r"'batch=many': a dimension is given as NAME=VALUE", ["--dim", "batch=many"])
def bad_dimension(folder: str) -> Made:
    return relu(inputs=[value("x", ("batch", 3))])


@case(r"'batch=9\.\.2': a dimension is given as", ["--dim", "batch=9..2"])
def reversed_dimension(folder: str) -> Made:
    return relu(inputs=[value("x", ("batch", 3))])
