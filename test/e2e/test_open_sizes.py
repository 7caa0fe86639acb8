# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Sizes that the network leaves open, though its operators allow one value or two."""

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from harness import Array, Feeds, check, compiled, network, random

CHANNELS_OPEN = {"x": ["n", "c", "h", "w"]}


@pytest.mark.parametrize("size", [1, 4])
def test_one_element_or_all_of_them(size: int, tmp_path: Path) -> None:
    feed = {"x": random(3, size, 2)}
    shape = {"s": np.array([3, 4, 2])}
    nodes = [helper.make_node("Expand", ["x", "s"], ["y"])]
    check(network(nodes, feed, shapes={"x": ["a", "b", 2]}, constants=shape), tmp_path, feed)


@pytest.mark.parametrize("sizes", [(1, 5), (5, 5)])
def test_as_large_as_another_tensor(sizes: tuple[int, int], tmp_path: Path) -> None:
    feed = {"x": random(sizes[0], 3), "other": random(sizes[1], 3)}
    nodes = [
        helper.make_node("Shape", ["other"], ["s"]),
        helper.make_node("Expand", ["x", "s"], ["y"]),
    ]
    check(network(nodes, feed, shapes={"x": ["a", 3], "other": ["b", 3]}), tmp_path, feed)


@pytest.mark.parametrize("size", [1, 6])
def test_vectors_of_one_number(size: int, tmp_path: Path) -> None:
    feed = {"x": random(2, 6, 3), "v": random(size)}
    bytes_ = {"w": np.arange(36, dtype=np.uint8).reshape(2, 6, 3)}
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"], perm=[0, 2, 1]),
        helper.make_node("Mul", ["t", "v"], ["y"]),
        helper.make_node("DequantizeLinear", ["w", "v"], ["z"], axis=1),
    ]
    outputs = ["y", "z"] if size > 1 else ["y"]
    model = network(nodes, feed, outputs, shapes={"v": ["n"]}, constants=bytes_)
    check(model, tmp_path, feed)


def test_groups_of_open_channels(tmp_path: Path) -> None:
    feed = {"x": random(2, 6, 5, 7)}
    weights = {"w": random(12, 3, 3, 3), "v": random(12, 2, 2, 2), "s": random(8), "b": random(8)}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], group=2),
        helper.make_node("ConvTranspose", ["a", "v"], ["c"], group=4),
        helper.make_node("GroupNormalization", ["c", "s", "b"], ["y"], num_groups=4),
    ]
    model = network(nodes, feed, shapes=CHANNELS_OPEN, constants=weights, opset=21)
    check(model, tmp_path, feed)


def test_a_reshape_that_says_what_is_open(tmp_path: Path) -> None:
    feed = {"x": random(2, 3, 4, 1)}
    nodes = [helper.make_node("Reshape", ["x", "s"], ["y"])]
    shapes: dict[str, list[int | str]] = {"x": [2, "a", 4, "b"]}
    check(network(nodes, feed, shapes=shapes, constants={"s": np.array([6, 4])}), tmp_path, feed)


def test_channels_made_of_open_sizes(tmp_path: Path) -> None:
    feed = {"x": random(2, 3, 4, 6)}
    nodes = [helper.make_node("SpaceToDepth", ["x"], ["y"], blocksize=2)]
    check(network(nodes, feed, shapes=CHANNELS_OPEN), tmp_path, feed)


@pytest.mark.parametrize("axes", [[2], [3], [2, 3]])
def test_means_of_open_images(axes: list[int], tmp_path: Path) -> None:
    feed = {"x": random(2, 3, 4, 6)}
    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["m"]),
        helper.make_node("Squeeze", ["m", "axes"], ["y"]),
    ]
    constants = {"axes": np.array(axes)}
    check(network(nodes, feed, shapes=CHANNELS_OPEN, constants=constants), tmp_path, feed)


SAME = {"strides": [2, 2], "kernel_shape": [3, 3]}


@pytest.mark.parametrize("side", ["UPPER", "LOWER"])
@pytest.mark.parametrize("op", ["Conv", "MaxPool", "AveragePool", "LpPool"])
def test_pads_that_depend_on_the_size(op: str, side: str, tmp_path: Path) -> None:
    """As exporters of TensorFlow pad; what has the same size is added."""
    feeds = [{"x": random(1, 3, *size) - 2} for size in ((7, 8), (8, 9), (5, 1))]
    weights = ["w"] if op == "Conv" else []
    nodes = [
        helper.make_node(op, ["x", *weights], ["a"], auto_pad=f"SAME_{side}", **SAME),
        helper.make_node("MaxPool", ["x"], ["b"], kernel_shape=[1, 1], strides=[2, 2]),
        helper.make_node("Add", ["a", "b"], ["y"]),
    ]
    constants = {"w": random(3, 3, 3, 3)} if weights else {}
    model = network(nodes, feeds[0], shapes={"x": [1, 3, "h", "w"]}, constants=constants)
    check(model, tmp_path, *feeds)


WRONG: dict[str, tuple[str, dict[str, Array], Array, str]] = {
    "product": ("MatMul", {"w": random(8, 3)}, random(2, 5), "'b'. is 5, expected 8"),
    "sum": ("Add", {"w": random(8)}, random(2, 5), "'b'. is 5, expected 8"),
    "channels": ("Conv", {"w": random(4, 3, 1, 1)}, random(1, 2, 5, 5), "'b'. is 2, expected 3"),
}


@pytest.mark.parametrize("case", WRONG)
def test_refused(case: str, tmp_path: Path) -> None:
    op, weights, x, message = WRONG[case]
    feed: Feeds = {"x": x}
    shapes = {"x": [*"abcd"][: x.ndim]}
    model = network(
        [helper.make_node(op, ["x", "w"], ["y"])], feed, shapes=shapes, constants=weights
    )
    with pytest.raises(Exception, match=message):
        compiled(model, tmp_path).run(feed)


@pytest.mark.parametrize("flags", [(), ("--target=webgpu",)])
@pytest.mark.parametrize(
    ("op", "shapes", "message"),
    [
        ("Add", [(2, 3), (2, 4)], "node 'fit': sizes that should be equal are 4 and 3"),
        ("MatMul", [(2, 3), (4, 3)], "node 'fit': sizes that should be equal are 4 and 3"),
        ("Concat", [(2, 3), (4, 5)], "node 'fit': sizes that should be equal are 3 and 5"),
    ],
)
def test_sizes_that_do_not_fit(
    op: str, shapes: list[tuple[int, int]], message: str, flags: tuple[str, ...], tmp_path: Path
) -> None:
    feed = {"x": random(*shapes[0]), "z": random(*shapes[1])}
    attributes = {"axis": 0} if op == "Concat" else {}
    node = helper.make_node(op, ["x", "z"], ["y"], name="fit", **attributes)
    model = network([node], feed, shapes={"x": ["a", "b"], "z": ["c", "d"]})
    with pytest.raises(Exception, match=message):
        compiled(model, tmp_path, flags).run(feed)
    check(model, tmp_path, {"x": random(3, 3), "z": random(3, 3)})


@pytest.mark.parametrize("flags", [(), ("--fast-math",)])
def test_minimal_filtering_of_open_sizes(flags: tuple[str, ...], tmp_path: Path) -> None:
    """Images that are smaller than its blocks, too; the second one's epilogue reads more."""
    weights = {"w": random(64, 64, 3, 3) / 24, "b": random(64)}
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("Conv", ["r", "w", "b"], ["d"], pads=[1, 1, 1, 1]),
        helper.make_node("Add", ["d", "x"], ["y"]),
    ]
    sizes = [(2, 20, 40), (1, 8, 16), (1, 7, 17), (2, 9, 3), (1, 1, 1), (1, 33, 15)]
    feeds = [{"x": random(n, 64, h, w)} for n, h, w in sizes]
    model = network(nodes, feeds[0], shapes={"x": ["n", 64, "h", "w"]}, constants=weights)
    tolerance = 1e-3 if flags else 1e-4
    check(model, tmp_path, *feeds, flags=flags, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_scales_that_are_quotients_of_sizes(mode: str, tmp_path: Path) -> None:
    """As exporters resize to the size of another tensor."""
    nodes = [
        helper.make_node("Shape", ["x"], ["own"]),
        helper.make_node("Shape", ["like"], ["wanted"]),
        *(
            helper.make_node("Cast", [n], [f"{n}f"], to=TensorProto.FLOAT)
            for n in ("own", "wanted")
        ),
        helper.make_node("Div", ["wantedf", "ownf"], ["all"]),
        helper.make_node("Slice", ["all", "two", "four"], ["space"]),
        helper.make_node("Concat", ["ones", "space"], ["scales"], axis=0),
        helper.make_node("Resize", ["x", "", "scales"], ["y"], mode=mode),
    ]
    constants: Feeds = {
        "two": np.array([2], np.int64),
        "four": np.array([4], np.int64),
        "ones": np.ones(2, np.float32),
    }
    feeds = [
        {"x": random(1, 2, *own), "like": random(1, 3, *wanted)}
        for own, wanted in [((3, 4), (6, 3)), ((2, 8), (7, 4))]
    ]
    shapes: dict[str, list[int | str]] = {"x": [1, 2, "h", "w"], "like": [1, 3, "p", "q"]}
    check(network(nodes, feeds[0], shapes=shapes, constants=constants), tmp_path, *feeds)


def test_steps_of_what_windows_leave(tmp_path: Path) -> None:
    """A convolution over time before a recurrence."""
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], strides=[2]),
        helper.make_node("Transpose", ["c"], ["t"], perm=[2, 0, 1]),
        helper.make_node("GRU", ["t", "i", "r"], ["y", "h"], hidden_size=6),
    ]
    constants = {"w": random(5, 4, 5), "b": random(5), "i": random(1, 18, 5), "r": random(1, 18, 6)}
    feeds = [{"x": random(1, 4, length)} for length in (40, 5, 17)]
    model = network(nodes, feeds[0], ["y", "h"], shapes={"x": [1, 4, "t"]}, constants=constants)
    check(model, tmp_path, *feeds)


def test_steps_over_sizes_that_are_joined(tmp_path: Path) -> None:
    """The length of a sequence is computed from several open sizes."""
    feed = {"x": random(1, 5, 9, 4)}
    constants = {"s": np.array([-1, 2, 3]), "w": random(1, 6, 3), "r": random(1, 6, 6)}
    nodes = [
        helper.make_node("Reshape", ["x", "s"], ["steps"]),
        helper.make_node("RNN", ["steps", "w", "r"], ["y"], hidden_size=6),
    ]
    model = network(nodes, feed, shapes={"x": [1, "h", "w", 4]}, constants=constants)
    check(model, tmp_path, feed)


def test_groups_beside_a_constant_of_known_rows(tmp_path: Path) -> None:
    """What a constant tells of the batch does not keep MLIR's patterns from an end."""
    feed = {"x": random(9, 7, 2, 12)}
    constants = {"w": random(14, 1, 2, 1), "low": random(1, 14, 1, 4), "other": random(9, 14, 1, 4)}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], group=7, pads=[1, 0, 1, 0], strides=[3, 3]),
        helper.make_node("Greater", ["c", "low"], ["above"]),
        helper.make_node("Where", ["above", "c", "other"], ["y"]),
    ]
    model = network(nodes, feed, shapes={"x": ["n", "c", "h", 12]}, constants=constants)
    check(model, tmp_path, feed)
