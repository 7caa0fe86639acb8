# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Networks of which a part runs on the CPU, between parts on the GPU; and empty tensors."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import nncc
from gpu import gpu_host
from harness import (
    ATOL,
    BIN,
    RTOL,
    Array,
    check_on_gpu,
    compare,
    compile_for_gpu,
    gpu_problem,
    network,
    random,
    reference,
)

Feed = dict[str, Array]


def branch() -> tuple[onnx.ModelProto, list[Feed]]:
    """A product, and one of two activations by the sign of its sum."""

    def side(op: str) -> onnx.GraphProto:
        node = helper.make_node(op, ["p"], [f"{op}_y"], name=op)
        return helper.make_graph([node], op, [], [helper.make_empty_tensor_value_info(f"{op}_y")])

    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["p"], name="product"),
        helper.make_node("ReduceSum", ["p"], ["s"], keepdims=0, name="sum"),
        helper.make_node("Greater", ["s", "zero"], ["c"], name="positive"),
        helper.make_node("If", ["c"], ["b"], then_branch=side("Tanh"), else_branch=side("Relu")),
        helper.make_node("Add", ["b", "s"], ["y"], name="end"),
    ]
    constants = {"w": random(6, 5, seed=1), "zero": np.array(0, np.float32)}
    x = random(3, 6)
    return network(nodes, {"x": x}, constants=constants), [{"x": x}, {"x": -x}]


def scatter() -> tuple[onnx.ModelProto, list[Feed]]:
    """Rows that the GPU computes go where indices that it computes say."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["u"], name="product"),
        helper.make_node("Add", ["i", "one"], ["j"], name="index"),
        helper.make_node("ScatterND", ["d", "j", "u"], ["r"], name="scatter"),
        helper.make_node("Sigmoid", ["r"], ["y"], name="end"),
    ]
    feed = {"x": random(2, 4), "i": np.array([[2], [0]]), "d": random(5, 3, seed=2)}
    constants = {"w": random(4, 3, seed=1), "one": np.array(1)}
    return network(nodes, feed, constants=constants), [feed, feed | {"i": np.array([[3], [1]])}]


def doubles() -> tuple[onnx.ModelProto, list[Feed]]:
    """Double precision in the middle, with an open size."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["r"], name="begin"),
        helper.make_node("Cast", ["r"], ["d"], to=TensorProto.DOUBLE, name="up"),
        helper.make_node("Exp", ["d"], ["e"], name="precise"),
        helper.make_node("Cast", ["e"], ["f"], to=TensorProto.FLOAT, name="down"),
        helper.make_node("MatMul", ["f", "w"], ["l"], name="end"),
        helper.make_node("Sub", ["l", "r"], ["y"], name="last"),
    ]
    feeds = [{"x": random(n, 7)} for n in (2, 5, 2)]
    constants = {"w": random(7, 7, seed=1)}
    return network(nodes, feeds[0], shapes={"x": ["n", 7]}, constants=constants), feeds


def double_ends() -> tuple[onnx.ModelProto, list[Feed]]:
    """Inputs and outputs of double precision, with an open size."""
    nodes = [
        helper.make_node("Exp", ["x"], ["e"], name="precise"),
        helper.make_node("Cast", ["e"], ["f"], to=TensorProto.FLOAT, name="down"),
        helper.make_node("MatMul", ["f", "w"], ["y"], name="product"),
        helper.make_node("Cast", ["y"], ["u"], to=TensorProto.DOUBLE, name="up"),
        helper.make_node("Add", ["u", "x"], ["z"], name="sum"),
    ]
    feeds = [{"x": random(n, 7).astype(np.float64)} for n in (2, 5)]
    constants = {"w": random(7, 7, seed=1)}
    model = network(nodes, feeds[0], ["y", "z"], shapes={"x": ["n", 7]}, constants=constants)
    return model, feeds


def subgraph(
    name: str, nodes: list[onnx.NodeProto], inputs: dict[str, tuple[int, list[int]]], *outputs: str
) -> onnx.GraphProto:
    """A body with inputs of these types and sizes."""
    given = [helper.make_tensor_value_info(key, *kind) for key, kind in inputs.items()]
    made = [helper.make_empty_tensor_value_info(output) for output in outputs]
    return helper.make_graph(nodes, name, given, made)


STEP: dict[str, tuple[int, list[int]]] = {
    "i": (TensorProto.INT64, []),
    "go": (TensorProto.BOOL, []),
}


def padded_loop() -> tuple[onnx.ModelProto, list[Feed]]:
    """Convolutions, which pad, until their sum is large enough; too few for a GPU."""
    body = [
        helper.make_node("Conv", ["s", "k"], ["n"], pads=[1, 1, 1, 1], name="conv"),
        helper.make_node("ReduceSum", ["n"], ["t"], keepdims=0, name="total"),
        helper.make_node("Less", ["t", "limit"], ["on"], name="less"),
    ]
    state = STEP | {"s": (TensorProto.FLOAT, [1, 2, 5, 6])}
    nodes = [
        helper.make_node("Exp", ["x"], ["e"], name="begin"),
        helper.make_node(
            "Loop", ["", "", "e"], ["l"], body=subgraph("body", body, state, "on", "n"), name="loop"
        ),
        helper.make_node("Sqrt", ["l"], ["y"], name="end"),
    ]
    constants: Feed = {
        "k": 0.1 + np.abs(random(2, 2, 3, 3, seed=1)),
        "limit": np.array(3e4, np.float32),
    }
    x = random(1, 2, 5, 6)
    return network(nodes, {"x": x}, constants=constants), [{"x": x}, {"x": x - 5}]


def long_loop() -> tuple[onnx.ModelProto, list[Feed]]:
    """Large products until their sum is large enough, in which a number is counted."""
    body = [
        helper.make_node("MatMul", ["s", "w"], ["n"], name="product"),
        helper.make_node("ReduceSum", ["n"], ["t"], keepdims=0, name="total"),
        helper.make_node("Less", ["t", "limit"], ["on"], name="less"),
        helper.make_node("Add", ["c", "t"], ["d"], name="count"),
    ]
    state = STEP | {"s": (TensorProto.FLOAT, [96, 96]), "c": (TensorProto.FLOAT, [])}
    loop = subgraph("body", body, state, "on", "n", "d")
    nodes = [
        helper.make_node("Exp", ["x"], ["e"], name="begin"),
        helper.make_node("Loop", ["", "", "e", "zero"], ["l", "z"], body=loop, name="loop"),
        helper.make_node("Sqrt", ["l"], ["y"], name="end"),
    ]
    constants: Feed = {
        "w": np.abs(random(96, 96, seed=1)) / 60,
        "limit": np.array(1e5, np.float32),
        "zero": np.array(0, np.float32),
    }
    x = random(96, 96)
    return network(nodes, {"x": x}, ["y", "z"], constants=constants), [{"x": x}, {"x": x + 9}]


def branches_in_a_loop() -> tuple[onnx.ModelProto, list[Feed]]:
    """A branch in each of some steps, by the sum of large products."""

    def side(op: str) -> onnx.GraphProto:
        return subgraph(op, [helper.make_node(op, ["n"], [f"{op}_y"], name=op)], {}, f"{op}_y")

    body = [
        helper.make_node("MatMul", ["s", "w"], ["n"], name="product"),
        helper.make_node("ReduceSum", ["n"], ["t"], keepdims=0, name="total"),
        helper.make_node("Less", ["t", "zero"], ["c"], name="less"),
        helper.make_node("If", ["c"], ["b"], then_branch=side("Neg"), else_branch=side("Tanh")),
        helper.make_node("Identity", ["go"], ["on"], name="same"),
    ]
    loop = subgraph("body", body, STEP | {"s": (TensorProto.FLOAT, [96, 96])}, "on", "b")
    nodes = [
        helper.make_node("Loop", ["many", "", "x"], ["l"], body=loop, name="loop"),
        helper.make_node("Sigmoid", ["l"], ["y"], name="end"),
    ]
    constants: Feed = {
        "w": random(96, 96, seed=1) / 5,
        "zero": np.array(0, np.float32),
    }
    feeds = [{"x": random(96, 96), "many": np.array(many)} for many in (3, 0, 2)]
    return network(nodes, feeds[0], constants=constants), feeds


def mixed_branch() -> tuple[onnx.ModelProto, list[Feed]]:
    """Large products in a branch, and between them double precision."""
    then = [
        helper.make_node("MatMul", ["p", "w"], ["q"], name="first"),
        helper.make_node("Cast", ["q"], ["d"], to=TensorProto.DOUBLE, name="up"),
        helper.make_node("Tanh", ["d"], ["t"], name="precise"),
        helper.make_node("Cast", ["t"], ["r"], to=TensorProto.FLOAT, name="down"),
        helper.make_node("MatMul", ["r", "w"], ["u"], name="second"),
        helper.make_node("Add", ["u", "q"], ["then_y"], name="add"),
    ]
    other = [helper.make_node("Relu", ["p"], ["else_y"], name="relu")]
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["p"], name="product"),
        helper.make_node("ReduceSum", ["p"], ["s"], keepdims=0, name="sum"),
        helper.make_node("Greater", ["s", "zero"], ["c"], name="positive"),
        helper.make_node(
            "If",
            ["c"],
            ["b"],
            then_branch=subgraph("then", then, {}, "then_y"),
            else_branch=subgraph("else", other, {}, "else_y"),
        ),
        helper.make_node("Sigmoid", ["b"], ["y"], name="end"),
    ]
    constants: Feed = {"w": random(96, 96, seed=1) / 5, "zero": np.array(0, np.float32)}
    x = random(96, 96)
    return network(nodes, {"x": x}, constants=constants), [{"x": x}, {"x": -x}, {"x": x}]


def constants_of_64_bits() -> tuple[onnx.ModelProto, list[Feed]]:
    """Booleans and integers that need more than 32 bits on the way."""
    nodes = [
        helper.make_node("Less", ["x", "zero"], ["b"], name="less"),
        helper.make_node("Cast", ["b"], ["i"], to=TensorProto.INT64, name="cast"),
        helper.make_node("Mul", ["i", "big"], ["m"], name="wide"),
        helper.make_node("Div", ["m", "big"], ["q"], name="narrow"),
        helper.make_node("Cast", ["q"], ["f"], to=TensorProto.FLOAT, name="back"),
        helper.make_node("MatMul", ["f", "w"], ["y"], name="end"),
    ]
    constants = {
        "zero": np.array(0, np.float32),
        "big": np.array(1 << 40),
        "w": random(4, 4, seed=3),
    }
    return network(nodes, {"x": random(3, 4)}, constants=constants), [{"x": random(3, 4)}]


def nothing() -> tuple[onnx.ModelProto, list[Feed]]:
    """Tensors without an element: one that is read, one that is given back."""
    nodes = [
        helper.make_node("Slice", ["e", "one", "far"], ["r"], name="rest"),
        helper.make_node("Exp", ["r"], ["p"], name="power"),
        helper.make_node("ReduceSum", ["p", "zero"], ["s"], name="sum"),
        helper.make_node("Add", ["x", "s"], ["y"], name="add"),
        helper.make_node("Slice", ["x", "end", "end"], ["z"], name="none"),
        helper.make_node("Exp", ["z"], ["u"], name="exp"),
        helper.make_node("Transpose", ["u"], ["n"], perm=[1, 0], name="turn"),
    ]
    feeds = [{"x": random(3, 4), "e": random(n, 4, seed=1)} for n in (1, 3)]
    constants = {
        "zero": np.array([0]),
        "one": np.array([1]),
        "end": np.array([3]),
        "far": np.array([1 << 60]),
    }
    model = network(nodes, feeds[0], ["y", "n"], shapes={"e": ["n", 4]}, constants=constants)
    return model, feeds


CASES = [
    branch,
    scatter,
    doubles,
    double_ends,
    padded_loop,
    long_loop,
    branches_in_a_loop,
    mixed_branch,
    constants_of_64_bits,
    nothing,
]


def run_nncc(*args: str | Path) -> subprocess.CompletedProcess[str]:
    command = [str(BIN / "nncc"), *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(autouse=True)
def _gpu() -> None:
    if problem := gpu_problem():
        pytest.skip(problem)


@pytest.mark.parametrize("flags", [[], ["--no-fallback", "--weights=external"]], ids=str)
@pytest.mark.parametrize("case", CASES)
def test_segments(
    case: Callable[[], tuple[onnx.ModelProto, list[Feed]]], flags: list[str], tmp_path: Path
) -> None:
    model, feeds = case()
    check_on_gpu(model, compile_for_gpu(model, tmp_path, *flags), feeds)


@pytest.mark.parametrize("case", [long_loop, branches_in_a_loop])
def test_loops_with_much_work_stay_on_the_gpu(
    case: Callable[[], tuple[onnx.ModelProto, list[Feed]]], tmp_path: Path
) -> None:
    compile_for_gpu(case()[0], tmp_path, "--require-gpu")


def test_a_trap_on_the_cpu_is_an_error_that_tells_where(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Mul", ["i", "big"], ["m"], name="wide"),
        helper.make_node("Div", ["m", "i"], ["q"], name="divide"),
        helper.make_node("Cast", ["q"], ["f"], to=TensorProto.FLOAT, name="back"),
        helper.make_node("MatMul", ["f", "w"], ["y"], name="end"),
    ]
    constants: Feed = {"big": np.array(1 << 40), "w": random(4, 4)}
    feed = np.arange(1, 5).reshape(1, 4)
    module = compile_for_gpu(network(nodes, {"i": feed}, constants=constants), tmp_path)
    with pytest.raises(AssertionError, match=r"trapped: divide by zero in '.*back"):
        gpu_host().run(module, [feed - 2])
    (y,) = gpu_host().run(module, [feed])
    np.testing.assert_allclose(y, np.full((1, 4), 2.0**40) @ constants["w"], rtol=RTOL)


def test_models_side_by_side(tmp_path: Path) -> None:
    jobs, expected = [], []
    for case in (branch, doubles):
        model, feeds = case()
        (tmp_path / case.__name__).mkdir()
        module = compile_for_gpu(model, tmp_path / case.__name__)
        names = [item.name for item in model.graph.input]
        jobs.append((module, [[feed[name] for name in names] for feed in feeds]))
        expected.append([reference(model, feed) for feed in feeds])
    for answers, references in zip(gpu_host().run_together(jobs), expected, strict=True):
        for outputs, wanted in zip(answers, references, strict=True):
            compare(dict(zip(wanted, outputs, strict=True)), wanted, RTOL, ATOL)


def test_networks_without_work_for_a_gpu_stay_on_the_cpu(tmp_path: Path) -> None:
    x = random(3).astype(np.float64)
    node = helper.make_node("Exp", ["x"], ["y"], name="precise")
    onnx.save(network([node], {"x": x}), tmp_path / "model.onnx")
    done = run_nncc(tmp_path / "model.onnx", "--target=webgpu", "-o", tmp_path / "m.wasm")
    assert done.returncode == 0
    assert "the network runs on the CPU: nothing is left for a GPU" in done.stderr
    np.testing.assert_allclose(nncc.load(tmp_path / "m.wasm").run({"x": x})["y"], np.exp(x))


def test_a_branch_with_much_work_leaves_the_cpu_what_a_gpu_cannot(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    compile_for_gpu(mixed_branch()[0], tmp_path, f"--report={report}")
    places = json.loads(report.read_text())["placement"]
    on_cpu = [entry["node"] for entry in places if entry["device"] != "gpu"]
    assert sorted(on_cpu) == ["down", "precise", "up"]


def test_nodes_on_the_cpu_are_named(tmp_path: Path) -> None:
    model, _ = doubles()
    report = tmp_path / "report.json"
    compile_for_gpu(model, tmp_path, f"--report={report}")
    told = json.loads(report.read_text())
    places = {entry["node"]: entry["device"] for entry in told["placement"]}
    assert told["readbacks"] == 1
    on_cpu = {"up": "cpu", "precise": "cpu", "down": "cpu"}
    assert places == {"begin": "gpu", "end": "gpu", "last": "gpu"} | on_cpu
    done = run_nncc(tmp_path / "model.onnx", "--target=webgpu", "--require-gpu", "-o", report)
    assert done.returncode == 1
    assert "on the CPU run" in done.stderr
    assert all(f"'{node}'" in done.stderr for node in on_cpu)


def test_kernels_of_a_model_with_external_weights(tmp_path: Path) -> None:
    model, _ = branch()
    module = compile_for_gpu(model, tmp_path, "--weights=external")
    assert module.with_suffix(".safetensors").exists()
    for kind, ending in (("wgsl", "*.wgsl"), ("spirv", "*.spv")):
        folder = tmp_path / kind
        flags = ("--target=webgpu", f"--emit={kind}", "--weights=external", "-o", folder)
        done = run_nncc(tmp_path / "model.onnx", *flags)
        assert done.returncode == 0, done.stderr
        assert list(folder.glob(ending))
