# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Networks on a GPU in which data tell sizes: what is known before runs there as ever."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

import nncc
from gpu import gpu_host
from harness import (
    ATOL,
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


@pytest.fixture(autouse=True)
def _gpu() -> None:
    if problem := gpu_problem():
        pytest.skip(problem)


def backbone() -> list[onnx.NodeProto]:
    """From a picture "x" features "f" [1, 8, h, w], "boxes" [1, n, 4] and "scores" [1, 2, n]."""
    return [
        helper.make_node("Conv", ["x", "k1"], ["c1"], strides=[2, 2], pads=[1] * 4, name="stem"),
        helper.make_node("Relu", ["c1"], ["r1"], name="relu"),
        helper.make_node("Conv", ["r1", "k2"], ["c2"], pads=[1] * 4, name="body"),
        helper.make_node("Tanh", ["c2"], ["f"], name="tanh"),
        helper.make_node("Conv", ["f", "kb"], ["cb"], name="box_head"),
        helper.make_node("Reshape", ["cb", "four"], ["rb"], name="box_rows"),
        helper.make_node("Transpose", ["rb"], ["boxes"], perm=[0, 2, 1], name="box_turn"),
        helper.make_node("Conv", ["f", "ks"], ["cs"], name="score_head"),
        helper.make_node("Reshape", ["cs", "two"], ["rs"], name="score_rows"),
        helper.make_node("Sigmoid", ["rs"], ["scores"], name="score"),
    ]


WEIGHTS: Feed = {
    "k1": random(8, 3, 3, 3, seed=1),
    "k2": random(8, 8, 3, 3, seed=2) / 4,
    "kb": random(4, 8, 1, 1, seed=3),
    "ks": random(2, 8, 1, 1, seed=4),
    "four": np.array([1, 4, -1]),
    "two": np.array([1, 2, -1]),
}


def detector() -> tuple[onnx.ModelProto, list[Feed]]:
    """Boxes by their scores, then a second stage on the features of those that stay."""
    nodes = [
        *backbone(),
        helper.make_node(
            "NonMaxSuppression", ["boxes", "scores", "most", "part", "least"], ["i"], name="select"
        ),
        helper.make_node("Slice", ["i", "at2", "at3", "at1"], ["column"], name="column"),
        helper.make_node("Squeeze", ["column", "at1"], ["flat"], name="flat"),
        helper.make_node("Gather", ["boxes", "flat"], ["kept"], axis=1, name="boxes_kept"),
        helper.make_node("Reshape", ["f", "eight"], ["rf"], name="feature_rows"),
        helper.make_node("Gather", ["rf", "flat"], ["picked"], axis=2, name="features_kept"),
        helper.make_node("Transpose", ["picked"], ["rows"], perm=[0, 2, 1], name="turn"),
        helper.make_node("MatMul", ["rows", "w"], ["h"], name="second"),
        helper.make_node("Softmax", ["h"], ["classes"], axis=-1, name="classes"),
        helper.make_node("GatherND", ["scores", "i"], ["best"], name="best"),
    ]
    constants = WEIGHTS | {
        "most": np.array([20]),
        "part": np.array([0.5], np.float32),
        "eight": np.array([1, 8, -1]),
        "at1": np.array([1]),
        "at2": np.array([2]),
        "at3": np.array([3]),
        "w": random(8, 6, seed=5),
    }
    feeds = [
        {"x": random(1, 3, size, size), "least": np.array([least], np.float32)}
        for size, least in [(12, 0.6), (12, 2), (12, 0), (40, 0.01), (12, 0.6), (12, 0.9), (6, 2)]
    ]
    outputs = ["i", "kept", "classes", "best"]
    shapes: dict[str, Sequence[int | str]] = {"x": [1, 3, "h", "w"]}
    return network(nodes, feeds[0], outputs, shapes=shapes, constants=constants), feeds


def positions() -> tuple[onnx.ModelProto, list[Feed]]:
    """Two sizes one after the other: what is positive, and of that what is large."""
    nodes = [
        *backbone(),
        helper.make_node("Greater", ["f", "limit"], ["g"], name="positive"),
        helper.make_node("NonZero", ["g"], ["p"], name="where"),
        helper.make_node("Transpose", ["p"], ["t"], perm=[1, 0], name="turn"),
        helper.make_node("GatherND", ["f", "t"], ["v"], name="values"),
        helper.make_node("Exp", ["v"], ["e"], name="exp"),
        helper.make_node("Greater", ["e", "limit2"], ["g2"], name="large"),
        helper.make_node("Compress", ["e", "g2"], ["l"], axis=0, name="compress"),
        helper.make_node("ReduceSum", ["l"], ["s"], keepdims=0, name="sum"),
        helper.make_node("Mul", ["f", "s"], ["m"], name="scaled"),
        helper.make_node("Concat", ["l", "v"], ["y"], axis=0, name="both"),
    ]
    feeds: list[Feed] = [
        {"x": random(1, 3, 10, 10), "limit": np.array(a), "limit2": np.array(b)}
        for a, b in np.array([(0, 1.5), (2, 1), (-2, 0), (0.5, 9), (0, 1.5)], np.float32)
    ]
    return network(nodes, feeds[0], ["m", "y", "s"], constants=WEIGHTS), feeds


def two_stages() -> tuple[onnx.ModelProto, list[Feed]]:
    """Convolutions on what lies in the boxes that stay, as many as there are."""
    nodes = [
        *backbone(),
        helper.make_node(
            "NonMaxSuppression", ["boxes", "scores", "most", "part", "least"], ["i"], name="select"
        ),
        helper.make_node("Gather", ["i", "two_at"], ["flat"], axis=1, name="flat"),
        helper.make_node("Gather", ["i", "zero_at"], ["batch"], axis=1, name="batch"),
        helper.make_node("Squeeze", ["boxes", "first"], ["rows"], name="rows"),
        helper.make_node("Gather", ["rows", "flat"], ["kept"], axis=0, name="kept"),
        helper.make_node("Mul", ["kept", "scale"], ["rois"], name="rois"),
        helper.make_node(
            "RoiAlign",
            ["f", "rois", "batch"],
            ["crops"],
            output_height=5,
            output_width=5,
            sampling_ratio=2,
            name="crops",
        ),
        helper.make_node("Conv", ["crops", "k2"], ["c3"], pads=[1] * 4, name="second"),
        helper.make_node("Relu", ["c3"], ["r3"], name="relu2"),
        helper.make_node("GlobalAveragePool", ["r3"], ["g"], name="pool"),
        helper.make_node("Flatten", ["g"], ["v"], name="flatten"),
        helper.make_node("Gemm", ["v", "w"], ["h"], name="classes"),
        helper.make_node("TopK", ["h", "first_2"], ["y", "which"], name="top"),
    ]
    constants = WEIGHTS | {
        "most": np.array([20]),
        "part": np.array([0.5], np.float32),
        "first": np.array([0]),
        "first_2": np.array([2]),
        "zero_at": np.array(0),
        "two_at": np.array(2),
        "scale": np.array(4, np.float32),
        "w": random(8, 6, seed=5),
    }
    feeds = [
        {"x": random(1, 3, 16, 16), "least": np.array([least], np.float32)}
        for least in (0.6, 2, 0, 0.6)
    ]
    return network(nodes, feeds[0], ["y", "rois"], constants=constants), feeds


def sizes_given() -> tuple[onnx.ModelProto, list[Feed]]:
    """A size that is an input, before anything was computed."""
    nodes = [
        helper.make_node("Expand", ["x", "size"], ["e"], name="expand"),
        helper.make_node("MatMul", ["e", "w"], ["p"], name="product"),
        helper.make_node("Relu", ["p"], ["y"], name="relu"),
    ]
    feeds = [{"x": random(1, 5), "size": np.array([n, 5])} for n in (3, 1, 50, 0, 3)]
    return network(nodes, feeds[0], constants={"w": random(5, 7, seed=1)}), feeds


CASES = [detector, positions, two_stages, sizes_given]


@pytest.mark.parametrize("flags", [[], ["--no-fallback", "--weights=external"]], ids=str)
@pytest.mark.parametrize("case", CASES)
def test_data_sizes_on_a_gpu(
    case: Callable[[], tuple[onnx.ModelProto, list[Feed]]], flags: list[str], tmp_path: Path
) -> None:
    model, feeds = case()
    module = compile_for_gpu(model, tmp_path, *flags)
    check_on_gpu(model, module, feeds)
    if flags:
        return
    for feed in feeds:
        compare(nncc.load(module).run(feed), reference(model, feed), RTOL, ATOL)


def test_data_sizes_with_halves(tmp_path: Path) -> None:
    """Scores that lie apart: as many boxes stay as in f32."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["f"], name="features"),
        helper.make_node("Greater", ["x", "limit"], ["g"], name="large"),
        helper.make_node("NonZero", ["g"], ["p"], name="where"),
        helper.make_node("Slice", ["p", "first", "second"], ["row"], name="row"),
        helper.make_node("Squeeze", ["row", "first"], ["rows"], name="rows"),
        helper.make_node("Gather", ["f", "rows"], ["kept"], axis=0, name="kept"),
        helper.make_node("MatMul", ["kept", "w"], ["h"], name="second_product"),
        helper.make_node("Tanh", ["h"], ["y"], name="tanh"),
    ]
    constants: Feed = {
        "w": random(70, 70, seed=1) / 8,
        "first": np.array([0]),
        "second": np.array([1]),
    }
    x = np.round(4 * random(9, 70)) / 4
    feeds: list[Feed] = [{"x": x, "limit": np.array(a, np.float32)} for a in (1.4, 9, 0.1, 1.4)]
    model = network(nodes, feeds[0], ["y"], constants=constants)
    module = compile_for_gpu(model, tmp_path, "--f16")
    for feed in feeds:
        outputs = dict(zip("y", gpu_host().run(module, list(feed.values())), strict=True))
        compare(outputs, reference(model, feed), 1e-2, 1e-2)


def test_only_what_finds_the_sizes_runs_on_the_cpu(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    compile_for_gpu(detector()[0], tmp_path, f"--report={report}")
    told = json.loads(report.read_text())
    assert told["readbacks"] == 1
    places = {entry["node"]: entry["device"] for entry in told["placement"]}
    assert [node for node, device in places.items() if device != "gpu"] == ["select"]
    with pytest.raises(nncc.CompileError, match="on the CPU run 'select': the runtime has code"):
        compile_for_gpu(detector()[0], tmp_path, "--require-gpu")


def test_sizes_that_a_gpu_cannot_have(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["r"], name="relu"),
        helper.make_node("Reshape", ["r", "s"], ["y"], name="shape"),
        helper.make_node("ConstantOfShape", ["t"], ["z"], name="zeros"),
    ]
    x = random(2, 3)
    feed: Feed = {"x": x, "s": np.array([3, 2]), "t": np.array([2, 2])}
    module = compile_for_gpu(network(nodes, feed, ["y", "z"]), tmp_path)
    for change, message in [
        ({"s": np.array([2, 2])}, "node 'shape': sizes that should be equal are 4 and 6"),
        ({"t": np.array([2, -1])}, "node 'zeros': a size is -1"),
        ({"t": np.array([1 << 30, 4])}, "node 'zeros': sizes are too large: 4 times"),
        ({"t": np.array([1 << 14, 1 << 16])}, "out of memory"),
    ]:
        with pytest.raises(AssertionError, match=message):
            gpu_host().run(module, list((feed | change).values()))
    y, z = gpu_host().run(module, list(feed.values()))
    np.testing.assert_allclose(y, np.maximum(x, 0).reshape(3, 2))
    np.testing.assert_allclose(z, np.zeros((2, 2)))
