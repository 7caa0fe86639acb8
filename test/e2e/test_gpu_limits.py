# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tensors that a GPU need not bind as a whole, with limits so small that a test has such."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from gpu import gpu_host
from harness import (
    BIN,
    HALF_TOLERANCE,
    Array,
    compare,
    gpu_problem,
    network,
    random,
    reference,
)

Feed = dict[str, Array]
Case = tuple[onnx.ModelProto, Feed]

BINDING = 16384


def convolutions() -> Case:
    """Rows that overlap, padding at both ends, strides, and a result that two ops read."""
    nodes = [
        helper.make_node("Conv", ["x", "a"], ["p"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["p"], ["q"]),
        helper.make_node("Conv", ["q", "d"], ["r"], pads=[2, 2, 2, 2], dilations=[2, 2], group=8),
        helper.make_node("Add", ["q", "r"], ["s"]),
        helper.make_node("MaxPool", ["s"], ["m"], kernel_shape=[3, 3], strides=[2, 2]),
        helper.make_node("Conv", ["m", "c"], ["y"], strides=[2, 2]),
    ]
    constants = {
        "a": random(8, 3, 3, 3, seed=1) / 8,
        "d": random(8, 1, 3, 3, seed=2) / 4,
        "c": random(16, 8, 1, 1, seed=3) / 4,
    }
    feed = {"x": random(1, 3, 27, 29)}
    return network(nodes, feed, constants=constants), feed


def attention() -> Case:
    """Scores of four heads, of which two are as much as can be bound, and their softmax."""
    nodes = [
        helper.make_node("MatMul", ["q", "k"], ["s"]),
        helper.make_node("Mul", ["s", "scale"], ["t"]),
        helper.make_node("Softmax", ["t"], ["a"], axis=-1),
        helper.make_node("MatMul", ["a", "v"], ["y"]),
    ]
    feed = {"q": random(4, 45, 8), "k": random(4, 8, 45, seed=1), "v": random(4, 45, 8, seed=2)}
    return network(nodes, feed, constants={"scale": np.array(0.25, np.float32)}), feed


def logits() -> Case:
    """An output, and the table that it comes from, which is divided as weights are."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["p"]),
        helper.make_node("Add", ["p", "b"], ["y"]),
    ]
    constants = {"w": random(24, 200, seed=1) / 4, "b": random(200, seed=2)}
    feed = {"x": random(33, 24)}
    return network(nodes, feed, constants=constants), feed


def places() -> Case:
    """Kernels that ask for the place of an element, in parts as in the whole."""
    nodes = [
        helper.make_node("Resize", ["x", "", "scales"], ["p"], mode="linear"),
        helper.make_node("Tanh", ["p"], ["y"]),
    ]
    feed = {"x": random(1, 4, 19, 23)}
    constants = {"scales": np.array([1, 1, 2, 2], np.float32)}
    return network(nodes, feed, constants=constants), feed


def several() -> Case:
    """Tensors of 12 KB that are needed together, which is more than a buffer holds."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["p"]),
        helper.make_node("Softmax", ["p"], ["q"], axis=0),
        helper.make_node("MatMul", ["q", "w"], ["r"]),
        helper.make_node("Softmax", ["r"], ["s"], axis=0),
        helper.make_node("MatMul", ["s", "w"], ["t"]),
        helper.make_node("Softmax", ["t"], ["u"], axis=0),
        helper.make_node("Sum", ["p", "q", "r", "s", "t", "u"], ["y"]),
    ]
    feed = {"x": random(48, 64)}
    return network(nodes, feed, constants={"w": random(64, 64, seed=1) / 8}), feed


def compile_small(model: onnx.ModelProto, folder: Path, *flags: str) -> Path:
    """A module for GPUs that bind little; that nothing is beyond that is no warning."""
    onnx.save(model, folder / "model.onnx")
    module = folder / "model.wasm"
    command = [BIN / "nncc", folder / "model.onnx", "--target=webgpu", "--no-fallback"]
    command += ["--require-gpu", f"--gpu-binding={BINDING}", *flags, "-o", module]
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    return module


def read_section(module: Path) -> dict[str, Any]:
    """What the module says of its GPU code."""
    data = module.read_bytes()
    text = data[data.rindex(b"nncc.webgpu") + len("nncc.webgpu") :]
    return json.JSONDecoder().raw_decode(text.decode("utf-8", "replace"))[0]  # type: ignore[no-any-return]


CASES = [convolutions, attention, logits, places, several]


@pytest.mark.parametrize("flags", [[], ["--f16"]], ids=["f32", "f16"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_large_tensors(case: Callable[[], Case], flags: list[str], tmp_path: Path) -> None:
    model, feed = case()
    module = compile_small(model, tmp_path, *flags)
    section = read_section(module)
    assert section["limits"] == {}
    if problem := gpu_problem():
        pytest.skip(f"no GPU: {problem}")
    outputs = gpu_host().run(module, list(feed.values()))
    expected = reference(model, feed)
    got = dict(zip(expected, outputs, strict=True))
    tolerances = (HALF_TOLERANCE, HALF_TOLERANCE) if flags else (1e-3, 1e-4)
    compare(got, expected, *tolerances)


def test_arena_in_pages(tmp_path: Path) -> None:
    """What does not fit one buffer lies in several."""
    section = read_section(compile_small(several()[0], tmp_path))
    assert section["arenaPage"] == 2 * BINDING


def test_what_cannot_be_divided_is_told(tmp_path: Path) -> None:
    nodes = [helper.make_node("ReduceSum", ["x"], ["y"], keepdims=0, name="all")]
    model = network(nodes, {"x": random(100, 100)})
    onnx.save(model, tmp_path / "model.onnx")
    command = [BIN / "nncc", tmp_path / "model.onnx", "--target=webgpu", "--gpu-binding=4096"]
    command += ["-o", tmp_path / "model.wasm"]
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert result.returncode == 0
    assert "binds 40000 bytes of one tensor for the nodes 'all'" in result.stderr


@pytest.mark.parametrize("value", ["100", "300", "4294967296"])
def test_no_binding_is_refused(value: str) -> None:
    command = [str(BIN / "nncc"), "x.onnx", "--target=webgpu", f"--gpu-binding={value}"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode != 0
    assert f"--gpu-binding={value}: expected a multiple of 256" in result.stderr
