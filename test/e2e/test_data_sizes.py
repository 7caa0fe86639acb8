# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Results whose sizes the data tell, and what is computed from them."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from harness import Array, check, compiled, network, random


def ints(*values: int) -> Array:
    return np.array(values, np.int64)


def test_non_zero_of_an_open_size(tmp_path: Path) -> None:
    """Some, none and all; memory grows and is used again."""
    x = np.where(np.arange(12).reshape(3, 4) % 5 == 1, 2, 0).astype(np.float32)
    feeds = [{"x": a} for a in (x, np.zeros((3, 5), np.float32), np.ones((3, 200), np.float32), x)]
    nodes = [
        helper.make_node("NonZero", ["x"], ["p"]),
        helper.make_node("Transpose", ["p"], ["t"], perm=[1, 0]),
        helper.make_node("GatherND", ["x", "t"], ["v"]),
        helper.make_node("ReduceSum", ["v"], ["s"], keepdims=0),
        helper.make_node("Concat", ["v", "v", "c"], ["y"], axis=0),
    ]
    model = network(
        nodes, feeds[0], ["t", "y", "s"], shapes={"x": [3, "n"]}, constants={"c": random(2)}
    )
    check(model, tmp_path, *feeds)


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_compress(axis: int | None, tmp_path: Path) -> None:
    attributes = {} if axis is None else {"axis": axis}
    node = helper.make_node("Compress", ["x", "c"], ["y"], **attributes)
    feeds = [
        {"x": random(2, 3, 4), "c": np.array(flags)} for flags in ([True, False], [False, False])
    ]
    check(network([node], feeds[0]), tmp_path, *feeds)


def detections(boxes: Array, scores: Array, **attributes: int) -> onnx.ModelProto:
    """The boxes that are kept, as networks take them: [k, 4] and their scores."""
    nodes = [
        helper.make_node(
            "NonMaxSuppression", ["b", "s", "most", "part", "least"], ["i"], **attributes
        ),
        helper.make_node("Gather", ["i", "two"], ["box"], axis=1),
        helper.make_node("Squeeze", ["box", "one"], ["flat"]),
        helper.make_node("Gather", ["b", "flat"], ["rows"], axis=1),
        helper.make_node("MatMul", ["rows", "m"], ["y"]),
        helper.make_node("GatherND", ["s", "i"], ["kept"]),
    ]
    constants = {
        "most": ints(7),
        "part": np.array([0.4], np.float32),
        "least": np.array([0.3], np.float32),
        "two": ints(2),
        "one": ints(1),
        "m": random(4, 4, seed=5),
    }
    feed = {"b": boxes, "s": scores}
    return network(nodes, feed, ["i", "y", "kept"], constants=constants)


@pytest.mark.parametrize("center", [0, 1])
def test_non_max_suppression(center: int, tmp_path: Path) -> None:
    """Many boxes, boxes that are equal, no box at all."""
    generator = np.random.default_rng(center)
    boxes = generator.random((1, 60, 4)).astype(np.float32)
    boxes[:, 10:20] = boxes[:, :1]
    scores = generator.random((1, 3, 60)).astype(np.float32)
    scores[:, :, 30:40] = 0.5
    model = detections(boxes, scores, center_point_box=center)
    none = {"b": boxes, "s": np.zeros_like(scores)}
    check(model, tmp_path, {"b": boxes, "s": scores}, none)


def test_scores_that_are_no_numbers(tmp_path: Path) -> None:
    boxes = random(1, 8, 4)
    scores = np.full((1, 1, 8), np.nan, np.float32)
    scores[0, 0, 3] = 1
    got = compiled(detections(boxes, scores), tmp_path).run({"b": boxes, "s": scores})
    assert got["i"].tolist() == [[0, 0, 3]]


SHAPES: dict[str, tuple[onnx.NodeProto, dict[str, Array]]] = {
    "reshape": (helper.make_node("Reshape", ["x", "s"], ["y"]), {"s": ints(5, -1, 3)}),
    "copies": (helper.make_node("Reshape", ["x", "s"], ["y"]), {"s": ints(0, 1, -1)}),
    "expand": (helper.make_node("Expand", ["x", "s"], ["y"]), {"s": ints(4, 2, 3, 5)}),
    "tile": (helper.make_node("Tile", ["x", "s"], ["y"]), {"s": ints(2, 1, 3)}),
    "pad": (helper.make_node("Pad", ["x", "s"], ["y"]), {"s": ints(0, 1, 2, 1, 0, 3)}),
    "fill": (helper.make_node("ConstantOfShape", ["s"], ["y"]), {"s": ints(2, 0, 3)}),
    "slice": (
        helper.make_node("Slice", ["x", "s", "e", "axes", "steps"], ["y"]),
        {"s": ints(-2, 4), "e": ints(9, -9)},
    ),
    "range": (
        helper.make_node("Range", ["s", "e", "d"], ["y"]),
        {"s": np.array(10), "e": np.array(-1), "d": np.array(-3)},
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_that_are_inputs(name: str, tmp_path: Path) -> None:
    node, shape = SHAPES[name]
    feed = {k: v for k, v in ({"x": random(2, 3, 5)} | shape).items() if k in node.input}
    constants = {"axes": ints(1, 2), "steps": ints(1, -2)} if name == "slice" else {}
    nodes = [node, helper.make_node("Add", ["y", "y"], ["z"])]
    check(network(nodes, feed, ["y", "z"], constants=constants), tmp_path, feed)


@pytest.mark.parametrize("shape", [(2, -1, 3), (3, 8), (24,), (2, 3, 2, 2), (0, 3, 2)])
def test_open_sizes_become_others(shape: tuple[int, ...], tmp_path: Path) -> None:
    """None of the new sizes is one of the old."""
    node = helper.make_node("Reshape", ["x", "s"], ["y"])
    feed = {"x": random(4, 6), "s": ints(*shape)}
    check(network([node], feed, shapes={"x": ["a", "b"]}), tmp_path, feed)


def run_shape(folder: Path, *shape: int) -> None:
    node = helper.make_node("ConstantOfShape", ["s"], ["y"], name="fill")
    compiled(network([node], {"s": ints(1, 1, 1)}), folder).run({"s": ints(*shape)})


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((2, -1, 3), "node 'fill': a size is -1"),
        ((1 << 20, 1 << 20, 1 << 24), "node 'fill': sizes are too large"),
        ((1 << 40, 1, 1), "node 'fill': sizes are too large"),
        ((1 << 29, 2, 1), "node 'fill': out of memory"),
    ],
)
def test_refused_sizes(shape: tuple[int, ...], message: str, tmp_path: Path) -> None:
    with pytest.raises(Exception, match=message):
        run_shape(tmp_path, *shape)


def test_sizes_that_differ(tmp_path: Path) -> None:
    node = helper.make_node("Reshape", ["x", "s"], ["y"], name="shape")
    x, s = random(2, 3), ints(2, 2)
    model = compiled(network([node], {"x": x, "s": s}), tmp_path)
    with pytest.raises(Exception, match="node 'shape': sizes that should be equal are 4 and 6"):
        model.run({"x": x, "s": s})
    assert model.run({"x": x, "s": ints(3, 2)})["y"].shape == (3, 2)


def loop_body(ends: bool) -> onnx.GraphProto:
    """Doubles the state and stacks it; may end when the sum is large."""
    nodes = [
        helper.make_node("Add", ["s", "s"], ["t"]),
        helper.make_node("ReduceSum", ["t"], ["sum"], keepdims=0),
        helper.make_node("Less", ["sum", "bound"], ["go"]) if ends else None,
        None if ends else helper.make_node("Identity", ["c"], ["go"]),
        helper.make_node("Identity", ["t"], ["e"]),
    ]
    return helper.make_graph(
        [node for node in nodes if node],
        "body",
        [
            helper.make_tensor_value_info("i", onnx.TensorProto.INT64, []),
            helper.make_tensor_value_info("c", onnx.TensorProto.BOOL, []),
            helper.make_tensor_value_info("s", onnx.TensorProto.FLOAT, [3]),
        ],
        [
            helper.make_tensor_value_info("go", onnx.TensorProto.BOOL, []),
            helper.make_tensor_value_info("t", onnx.TensorProto.FLOAT, [3]),
            helper.make_tensor_value_info("e", onnx.TensorProto.FLOAT, [3]),
        ],
    )


@pytest.mark.parametrize("ends", [False, True])
def test_stacks_of_loops(ends: bool, tmp_path: Path) -> None:
    node = helper.make_node("Loop", ["n", "", "x"], ["last", "y"], body=loop_body(ends))
    feeds = [{"x": np.ones(3, np.float32), "n": np.array(n)} for n in (4, 0, 9)]
    model = network(
        [node, helper.make_node("MatMul", ["y", "m"], ["z"])],
        feeds[0],
        ["last", "y", "z"],
        constants={"bound": np.array(200, np.float32), "m": random(3, 2)},
    )
    check(model, tmp_path, *feeds)


@pytest.mark.parametrize("is_sorted", [0, 1])
@pytest.mark.parametrize("axis", [None, 0, 1])
def test_unique(axis: int | None, is_sorted: int, tmp_path: Path) -> None:
    attributes = {"sorted": is_sorted} | ({} if axis is None else {"axis": axis})
    node = helper.make_node("Unique", ["x"], ["y", "first", "inverse", "count"], **attributes)
    x = np.random.default_rng(1).integers(0, 2, (4, 3)).astype(np.float32)
    model = network([node], {"x": x}, ["y", "first", "inverse", "count"])
    check(model, tmp_path, {"x": x}, {"x": np.zeros_like(x)})


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
def test_resize_to_sizes_that_data_tell(mode: str, tmp_path: Path) -> None:
    node = helper.make_node("Resize", ["x", "", "", "s"], ["y"], mode=mode)
    x = random(1, 2, 5, 4)
    feeds = [{"x": x, "s": ints(1, 2, *size)} for size in ((7, 9), (3, 4), (10, 2))]
    check(network([node], feeds[0]), tmp_path, *feeds)


@pytest.mark.parametrize("dtype", [np.int64, np.float64])
def test_many_unique_numbers(dtype: type, tmp_path: Path) -> None:
    """More than could be compared with each other, all with all."""
    node = helper.make_node("Unique", ["x"], ["y", "first", "inverse", "count"], sorted=0)
    feeds: list[dict[str, Array]] = [
        {"x": np.random.default_rng(seed).integers(-900, 900, n).astype(dtype)}
        for seed, n in enumerate([50000, 1])
    ]
    outputs = ["y", "first", "inverse", "count"]
    check(network([node], feeds[0], outputs, shapes={"x": ["n"]}), tmp_path, *feeds)


@pytest.mark.parametrize("mode", ["avg", "max"])
@pytest.mark.parametrize("ratio", [0, 2])
def test_roi_align(mode: str, ratio: int, tmp_path: Path) -> None:
    """Regions that lie in the image, beyond it, and are empty; no region at all."""
    attributes = {"output_height": 3, "output_width": 2, "spatial_scale": 0.5, "mode": mode}
    node = helper.make_node("RoiAlign", ["x", "r", "n"], ["y"], sampling_ratio=ratio, **attributes)
    rois = np.array([[1, 2, 9, 8], [-9, -9, 60, 40], [5, 5, 5, 5]], np.float32)
    feed = {"x": random(2, 3, 8, 9), "r": rois, "n": ints(1, 0, 1)}
    check(network([node], feed, shapes={"r": ["k", 4], "n": ["k"]}), tmp_path, feed)


@pytest.mark.parametrize("keepdims", [0, 1])
@pytest.mark.parametrize("op", ["ReduceSum", "ReduceMean", "ReduceMax", "ReduceLogSumExp"])
def test_reduced_axes_that_data_tell(op: str, keepdims: int, tmp_path: Path) -> None:
    node = helper.make_node(op, ["x", "a"], ["y"], keepdims=keepdims)
    feeds = [{"x": random(2, 3, 4), "a": ints(*axes)} for axes in ((0, -1), (1, 2), (2, 0))]
    check(network([node], feeds[0], opset=18), tmp_path, *feeds)


@pytest.mark.parametrize("axis", [0, 2, -2])
def test_other_axes_that_data_tell(axis: int, tmp_path: Path) -> None:
    nodes = [
        helper.make_node("CumSum", ["x", "a"], ["s"]),
        helper.make_node("Unsqueeze", ["s", "a"], ["u"]),
        helper.make_node("Squeeze", ["u", "a"], ["y"]),
    ]
    feed = {"x": random(2, 3, 4), "a": ints(axis)}
    check(network(nodes, feed, ["s", "u", "y"], shapes={"x": ["n", 3, 4]}), tmp_path, feed)
