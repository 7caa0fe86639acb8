# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How many dispatches networks take on a GPU, where results do not tell."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

import nncc
from gpu import gpu_host
from harness import ATOL, RTOL, Array, compare, gpu_problem, network, random, reference

Case = tuple[onnx.ModelProto, dict[str, Array]]


def shuffled_groups() -> Case:
    """A convolution in groups with bias and Relu, a channel shuffle, one by channels."""
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], group=4),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("Reshape", ["r", "split"], ["s"]),
        helper.make_node("Transpose", ["s"], ["t"], perm=[0, 2, 1, 3, 4]),
        helper.make_node("Reshape", ["t", "joined"], ["j"]),
        helper.make_node("Conv", ["j", "d"], ["y"], group=24, pads=[1, 1, 1, 1]),
    ]
    constants = {
        "w": random(24, 4, 1, 1, seed=1),
        "b": random(24, seed=2),
        "d": random(24, 1, 3, 3, seed=3),
        "split": np.array([0, 4, 6, 9, 9]),
        "joined": np.array([0, 24, 9, 9]),
    }
    feed = {"x": random(2, 16, 9, 9)}
    return network(nodes, feed, constants=constants), feed


def squeeze_and_excite() -> Case:
    """Of an open batch: a mean, two products with what follows them, a product of all."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["m"]),
        helper.make_node("Conv", ["m", "v", "a"], ["s"]),
        helper.make_node("Relu", ["s"], ["r"]),
        helper.make_node("Conv", ["r", "w", "b"], ["e"]),
        helper.make_node("HardSigmoid", ["e"], ["h"]),
        helper.make_node("Mul", ["x", "h"], ["y"]),
    ]
    constants = {
        "v": random(8, 32, 1, 1, seed=1),
        "a": random(8, seed=2),
        "w": random(32, 8, 1, 1, seed=3),
        "b": random(32, seed=4),
    }
    feed = {"x": random(3, 32, 12, 12)}
    return network(nodes, feed, constants=constants, shapes={"x": ["n", 32, 12, 12]}), feed


def attention(memory: str) -> Case:
    """Of one or two inputs, without what follows it."""
    nodes = []
    constants = {"split": np.array([2, 64, 4, 64]), "scale": np.array(0.35, np.float32)}
    for i, (name, source) in enumerate([("q", "x"), ("k", memory), ("v", memory)]):
        constants |= {
            f"w{name}": random(256, 256, seed=i) / 16,
            f"b{name}": random(256, seed=3 + i),
        }
        perm = [0, 2, 3, 1] if name == "k" else [0, 2, 1, 3]
        nodes += [
            helper.make_node("MatMul", [source, f"w{name}"], [f"p{name}"]),
            helper.make_node("Add", [f"p{name}", f"b{name}"], [f"a{name}"]),
            helper.make_node("Reshape", [f"a{name}", "split"], [f"r{name}"]),
            helper.make_node("Transpose", [f"r{name}"], [name], perm=perm),
        ]
    nodes += [
        helper.make_node("MatMul", ["q", "k"], ["s"]),
        helper.make_node("Mul", ["s", "scale"], ["m"]),
        helper.make_node("Softmax", ["m"], ["e"], axis=-1),
        helper.make_node("MatMul", ["e", "v"], ["y"]),
    ]
    feed = {name: random(2, 64, 256) for name in sorted({"x", memory})}
    return network(nodes, feed, constants=constants), feed


def dense_block() -> Case:
    """Of three layers, each of which reads all that those before have made."""
    nodes = [helper.make_node("Conv", ["x", "w0"], ["f0"], pads=[1, 1, 1, 1])]
    constants = {"w0": random(16, 3, 3, 3, seed=1)}
    features = ["f0"]
    for i in range(1, 4):
        channels = 8 * (i + 1)
        constants[f"s{i}"] = random(channels, 1, 1, seed=i)
        constants[f"w{i}"] = random(8, channels, 3, 3, seed=10 + i) / channels
        nodes += [
            helper.make_node("Concat", features, [f"c{i}"], axis=1),
            helper.make_node("Mul", [f"c{i}", f"s{i}"], [f"m{i}"]),
            helper.make_node("Relu", [f"m{i}"], [f"r{i}"]),
            helper.make_node("Conv", [f"r{i}", f"w{i}"], [f"f{i}"], pads=[1, 1, 1, 1]),
        ]
        features.append(f"f{i}")
    nodes += [
        helper.make_node("Concat", features, ["c"], axis=1),
        helper.make_node("GlobalAveragePool", ["c"], ["y"]),
    ]
    feed = {"x": random(1, 3, 9, 9)}
    return network(nodes, feed, constants=constants), feed


def recurrent() -> Case:
    """A layer of seven small steps: what their input gives, the first state, and they."""
    constants = {
        "w": random(1, 36, 5, seed=1),
        "r": random(1, 36, 12, seed=2) / 4,
        "b": random(1, 72, seed=3),
    }
    feed = {"x": random(7, 1, 5)}
    node = helper.make_node("GRU", ["x", "w", "r", "b"], ["y"], hidden_size=12)
    return network([node], feed, constants=constants), feed


def recurrent_batch(op: str, gates: int) -> Case:
    """Both directions of a layer, of an open batch and an open number of steps."""
    size = 20
    constants = {
        "w": random(2, gates * size, 6, seed=1),
        "r": random(2, gates * size, size, seed=2) / 4,
        "b": random(2, 2 * gates * size, seed=3),
    }
    feed = {"x": random(5, 3, 6)}
    node = helper.make_node(
        op, ["x", "w", "r", "b"], ["y"], hidden_size=size, direction="bidirectional"
    )
    return network([node], feed, constants=constants, shapes={"x": ["t", "n", 6]}), feed


CASES = {
    "gru-batch": (lambda: recurrent_batch("GRU", 3), 6),
    "lstm-batch": (lambda: recurrent_batch("LSTM", 4), 6),
    "dense-block": (dense_block, 7),
    "recurrent": (recurrent, 2),
    "self-attention": (lambda: attention("x"), 4),
    "cross-attention": (lambda: attention("z"), 5),
    "shuffled-groups": (shuffled_groups, 3),
    "squeeze-and-excite": (squeeze_and_excite, 3),
}


@pytest.mark.parametrize(("make", "count"), CASES.values(), ids=CASES.keys())
def test_dispatches(make: Callable[[], Case], count: int, tmp_path: Path) -> None:
    model, feed = make()
    onnx.save(model, tmp_path / "model.onnx")
    report = tmp_path / "report.json"
    flags = ["--target=webgpu", "--no-fallback", "--require-gpu", f"--report={report}"]
    nncc.compile(tmp_path / "model.onnx", tmp_path / "model.wasm", flags=flags)
    assert len(json.loads(report.read_text())["dispatches"]) == count
    if problem := gpu_problem():
        pytest.skip(f"no GPU: {problem}")
    outputs = gpu_host().run(tmp_path / "model.wasm", list(feed.values()))
    expected = reference(model, feed)
    compare(dict(zip(expected, outputs, strict=True)), expected, RTOL, ATOL)
