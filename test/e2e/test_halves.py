# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Networks whose tensors are f16 on the GPU (--f16), with what f16 is known to spoil."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

import nncc
from gpu import gpu_host
from harness import (
    BIN,
    HALF_TOLERANCE,
    ROOT,
    Array,
    compare,
    gpu_problem,
    network,
    node_program,
    random,
    reference,
)

Feed = dict[str, Array]
Case = tuple[onnx.ModelProto, Feed]


def odd_products() -> Case:
    """Rows of odd length: two threads write the halves of one word."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["p"]),
        helper.make_node("Add", ["p", "b"], ["q"]),
        helper.make_node("Relu", ["q"], ["r"]),
        helper.make_node("MatMul", ["r", "v"], ["y"]),
    ]
    constants = {"w": random(67, 13, seed=1), "b": random(13, seed=2), "v": random(13, 5, seed=3)}
    feed = {"x": random(9, 67)}
    return network(nodes, feed, constants=constants), feed


def images() -> Case:
    """Convolutions of 3 and of 6 channels, and a depthwise one, with padding."""
    nodes = [
        helper.make_node("Conv", ["x", "a"], ["p"], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("Conv", ["p", "d"], ["q"], pads=[1, 1, 1, 1], group=6),
        helper.make_node("Clip", ["q", "low", "high"], ["r"]),
        helper.make_node("Conv", ["r", "c"], ["s"]),
        helper.make_node("GlobalAveragePool", ["s"], ["y"]),
    ]
    constants = {
        "a": random(6, 3, 3, 3, seed=1),
        "d": random(6, 1, 3, 3, seed=2),
        "c": random(8, 6, 1, 1, seed=3),
        "low": np.array(0, np.float32),
        "high": np.array(6, np.float32),
    }
    feed = {"x": random(1, 3, 33, 31)}
    return network(nodes, feed, constants=constants), feed


def masked_attention() -> Case:
    """Masks hold the lowest number of f32, which f16 has not."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["q"]),
        helper.make_node("Transpose", ["q"], ["k"], perm=[1, 0]),
        helper.make_node("MatMul", ["q", "k"], ["s"]),
        helper.make_node("Where", ["m", "s", "lowest"], ["t"]),
        helper.make_node("Softmax", ["t"], ["a"], axis=-1),
        helper.make_node("MatMul", ["a", "q"], ["y"]),
    ]
    lowest = np.array(np.finfo(np.float32).min, np.float32)
    constants: dict[str, Array] = {"w": random(16, 16, seed=1) / 4, "lowest": lowest}
    feed = {"x": random(11, 16), "m": np.tri(11, dtype=bool)}
    return network(nodes, feed, constants=constants), feed


def large_rows() -> Case:
    """The squares in a variance are beyond the numbers of f16."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["p"]),
        helper.make_node("ReduceMean", ["p"], ["m"], axes=[-1]),
        helper.make_node("Sub", ["p", "m"], ["c"]),
        helper.make_node("Mul", ["c", "c"], ["d"]),
        helper.make_node("ReduceMean", ["d"], ["v"], axes=[-1]),
        helper.make_node("Sqrt", ["v"], ["s"]),
        helper.make_node("Div", ["c", "s"], ["n"]),
        helper.make_node("MatMul", ["n", "u"], ["y"]),
    ]
    constants = {"w": 200 * random(24, 48, seed=1), "u": random(48, 7, seed=2) / 8}
    feed = {"x": random(5, 24)}
    return network(nodes, feed, constants=constants), feed


def angles() -> Case:
    """Positions times frequencies: of 2000 radians f16 knows one."""
    nodes = [
        helper.make_node("Mul", ["x", "f"], ["a"]),
        helper.make_node("Concat", ["a", "a"], ["b"], axis=1),
        helper.make_node("Cos", ["b"], ["c"]),
        helper.make_node("Sin", ["b"], ["s"]),
        helper.make_node("MatMul", ["c", "w"], ["p"]),
        helper.make_node("MatMul", ["s", "w"], ["q"]),
        helper.make_node("Add", ["p", "q"], ["y"]),
    ]
    frequencies = (10000.0 ** (-np.arange(8) / 8)).astype(np.float32).reshape(1, 8)
    feed = {"x": np.arange(1990, 2000, dtype=np.float32).reshape(10, 1)}
    return network(nodes, feed, constants={"f": frequencies, "w": random(16, 6, seed=1)}), feed


def recurrence() -> Case:
    """A state of 60 steps."""
    node = helper.make_node("GRU", ["x", "w", "r"], ["s", "y"], hidden_size=12)
    constants = {"w": random(1, 36, 10, seed=1) / 4, "r": random(1, 36, 12, seed=2) / 4}
    feed = {"x": random(60, 1, 10)}
    return network([node], feed, constants=constants), feed


def large_scores() -> Case:
    """Scores of some hundred: f16 would be off by a tenth, which is in the exponent."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["q"]),
        helper.make_node("MatMul", ["x", "u"], ["k"]),
        helper.make_node("Transpose", ["k"], ["t"], perm=[1, 0]),
        helper.make_node("MatMul", ["q", "t"], ["s"]),
        helper.make_node("Softmax", ["s"], ["a"], axis=-1),
        helper.make_node("MatMul", ["a", "v"], ["y"]),
    ]
    constants: dict[str, Array] = {
        "w": 4 * random(16, 24, seed=1),
        "u": random(16, 24, seed=2) / 2,
        "v": random(31, 9, seed=3),
    }
    feed = {"x": random(31, 16)}
    return network(nodes, feed, constants=constants), feed


def masked_rows() -> Case:
    """Where all of a row is masked, each score is the lowest number and counts as much."""
    nodes = [
        helper.make_node("Sub", ["one", "m"], ["n"]),
        helper.make_node("Mul", ["n", "lowest"], ["mask"]),
        helper.make_node("MatMul", ["x", "w"], ["q"]),
        helper.make_node("Transpose", ["q"], ["k"], perm=[1, 0]),
        helper.make_node("MatMul", ["q", "k"], ["s"]),
        helper.make_node("Add", ["s", "mask"], ["t"]),
        helper.make_node("Softmax", ["t"], ["a"], axis=-1),
        helper.make_node("MatMul", ["a", "q"], ["y"]),
    ]
    constants: dict[str, Array] = {
        "w": random(16, 16, seed=1),
        "one": np.array(1, np.float32),
        "lowest": np.array(np.finfo(np.float32).min, np.float32),
    }
    mask = np.tri(11, dtype=np.float32)
    mask[[0, 5]] = 0
    feed = {"x": random(11, 16), "m": mask}
    return network(nodes, feed, constants=constants), feed


def rounded() -> Case:
    """What is quantised and then computed with: one step is a tenth of the numbers."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["p"]),
        helper.make_node("Relu", ["p"], ["r"]),
        helper.make_node("MatMul", ["r", "u"], ["s"]),
        helper.make_node("QuantizeLinear", ["s", "step", "zero"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "step", "zero"], ["d"]),
        helper.make_node("MatMul", ["d", "v"], ["y"]),
    ]
    constants: dict[str, Array] = {
        "w": random(24, 40, seed=1),
        "u": random(40, 30, seed=2) / 8,
        "v": random(30, 9, seed=3),
        "step": np.array(0.1, np.float32),
        "zero": np.array(128, np.uint8),
    }
    feed = {"x": random(17, 24)}
    return network(nodes, feed, constants=constants), feed


CASES = [
    odd_products,
    images,
    masked_attention,
    large_rows,
    angles,
    recurrence,
    large_scores,
    masked_rows,
    rounded,
]


def run_tool(*args: str | Path) -> str:
    result = subprocess.run(list(map(str, args)), capture_output=True, text=True, check=False)
    assert result.returncode == 0, (result.stdout + result.stderr)[-2000:]
    return result.stdout


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_halves(case: Callable[[], Case], tmp_path: Path) -> None:
    """The texts for GPUs with f16 and without, and the results on the GPU that there is."""
    if problem := gpu_problem():
        pytest.skip(f"no GPU: {problem}")
    model, feed = case()
    onnx.save(model, tmp_path / "model.onnx")
    flags = ["--target=webgpu", "--f16", "--require-gpu"]
    nncc.compile(tmp_path / "model.onnx", tmp_path / "model.wasm", flags=flags)
    validate = ROOT / "test" / "gpu" / "validate-wgsl.mjs"
    run_tool(node_program(), validate, tmp_path / "model.wasm")
    outputs = gpu_host().run(tmp_path / "model.wasm", list(feed.values()))
    expected = reference(model, feed)
    got = dict(zip(expected, outputs, strict=True))
    compare(got, expected, HALF_TOLERANCE, HALF_TOLERANCE)
    # The CPU's program computes as ever.
    compare(nncc.load(tmp_path / "model.wasm").run(feed), expected, 1e-3, 1e-4)


def test_storage(tmp_path: Path) -> None:
    """Kernels with f16 come in two texts, weights once; SPIR-V needs 16-bit storage alone."""
    model, _ = odd_products()
    onnx.save(model, tmp_path / "model.onnx")
    tool: list[str | Path] = [BIN / "nncc", tmp_path / "model.onnx", "--target=webgpu", "--f16"]
    run_tool(*tool, "--no-fallback", "-o", tmp_path / "model.wasm")
    run_tool(*tool, "--emit=wgsl", "-o", tmp_path / "wgsl")
    run_tool(*tool, "--emit=spirv", "-o", tmp_path / "spirv")
    texts = {file.name: file.read_text() for file in (tmp_path / "wgsl").iterdir()}
    assert len(texts) == 4
    for name, text in texts.items():
        assert text.startswith("enable f16;") == (".shader-f16" in name)
    for binary in (tmp_path / "spirv").iterdir():
        run_tool("spirv-val", "--target-env", "vulkan1.1", binary)
        assert "OpCapability StorageBuffer16BitAccess" in run_tool("spirv-dis", binary)
    info = json.loads(run_tool(BIN / "nncc-run", tmp_path / "model.wasm", "--info", "--json"))
    # Each begins at a multiple of 256: 67 x 13, padded to panels, 13 and 13 x 5.
    assert info["weightBytes"] < 4 * 67 * 16


def test_needs_gpu_target(tmp_path: Path) -> None:
    result = subprocess.run(
        [str(BIN / "nncc"), "x.onnx", "--f16"], capture_output=True, text=True, check=False
    )
    assert result.returncode != 0
    assert "--f16" in result.stderr
    assert "--target=webgpu" in result.stderr
