# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The largest elements, sampled images and spectra against onnxruntime."""

from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from harness import ON_GPU, Array, check, network, random


@pytest.mark.parametrize("largest", [0, 1])
@pytest.mark.parametrize("kind", [np.float32, np.int64])
@pytest.mark.parametrize("axis", [0, -1])
def test_top_k(axis: int, kind: type, largest: int, tmp_path: Path) -> None:
    x: Array = np.round(random(5, 7) * 2).astype(kind)  # with equal elements
    node = helper.make_node("TopK", ["x", "k"], ["y", "i"], axis=axis, largest=largest)
    constants = {"k": np.array([4])}
    check(network([node], {"x": x}, ["y", "i"], constants=constants), tmp_path, {"x": x})


@pytest.mark.skipif(ON_GPU, reason="WGSL has no infinities")
@pytest.mark.parametrize("largest", [0, 1])
def test_top_k_of_infinities(largest: int, tmp_path: Path) -> None:
    x = random(5, 7)
    x[2, :4] = -np.inf
    x[3, 2:] = np.inf
    node = helper.make_node("TopK", ["x", "k"], ["y", "i"], largest=largest)
    constants = {"k": np.array([4])}
    check(network([node], {"x": x}, ["y", "i"], constants=constants), tmp_path, {"x": x})


@pytest.mark.parametrize("corners", [0, 1])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_grid_sample(mode: str, padding: str, corners: int, tmp_path: Path) -> None:
    feed = {"x": random(2, 3, 5, 4), "g": random(2, 3, 6, 2, seed=1) * np.float32(1.3)}
    node = helper.make_node(
        "GridSample", ["x", "g"], ["y"], mode=mode, padding_mode=padding, align_corners=corners
    )
    check(network([node], feed), tmp_path, feed)


@pytest.mark.parametrize(
    ("x", "length", "attributes"),
    [
        (random(2, 12, 1), None, {"onesided": 1}),
        (random(2, 12, 2), None, {}),
        (random(2, 12, 2), None, {"inverse": 1}),
        (random(2, 12, 1), 16, {}),
        (random(2, 12, 1), 7, {"onesided": 1}),
    ],
)
def test_dft(x: Array, length: int | None, attributes: dict[str, int], tmp_path: Path) -> None:
    inputs, constants = ["x"], {}
    if length:
        inputs, constants = ["x", "n"], {"n": np.array(length)}
    node = helper.make_node("DFT", inputs, ["y"], axis=1, **attributes)
    check(network([node], {"x": x}, constants=constants), tmp_path, {"x": x})


@pytest.mark.parametrize("parts", [(), (1,)])
@pytest.mark.parametrize("window", ["HannWindow", "HammingWindow", "BlackmanWindow"])
def test_stft(window: str, parts: tuple[int, ...], tmp_path: Path) -> None:
    feeds = [{"x": random(2, n, *parts)} for n in (40, 57)]
    nodes = [
        helper.make_node(window, ["length"], ["w"]),
        helper.make_node("STFT", ["x", "step", "w", "length"], ["y"]),
    ]
    constants = {"length": np.array(16), "step": np.array(8)}
    model = network(nodes, feeds[0], constants=constants, shapes={"x": [2, "n", *parts]})
    check(model, tmp_path, *feeds)


@pytest.mark.parametrize(("time", "batch"), [(0, 1), (1, 0)])
def test_reverse_sequence(time: int, batch: int, tmp_path: Path) -> None:
    feed = {"x": random(4, 4, 3), "n": np.array([4, 1, 3, 2])}
    node = helper.make_node("ReverseSequence", ["x", "n"], ["y"], time_axis=time, batch_axis=batch)
    check(network([node], feed), tmp_path, feed)


@pytest.mark.parametrize(("opset", "axis"), [(13, 0), (11, 1), (9, 1), (9, 2), (9, 0)])
def test_hardmax(opset: int, axis: int, tmp_path: Path) -> None:
    feed = {"x": np.round(random(4, 5, 3))}
    node = helper.make_node("Hardmax", ["x"], ["y"], axis=axis)
    check(network([node], feed, opset=opset), tmp_path, feed)
