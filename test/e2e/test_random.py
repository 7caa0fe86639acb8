# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random numbers: no other generator draws the same ones, but all draw as they should."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

import nncc
from harness import Array, Feeds, network, random

COUNT = 40000


def draw(
    op: str, folder: Path, feed: Feeds | None = None, copies: int = 1, **attributes: Any
) -> list[Array]:
    """What `copies` nodes of one network give."""
    feed = feed or {}
    outputs = [f"y{i}" for i in range(copies)]
    nodes = [helper.make_node(op, list(feed), [name], name=name, **attributes) for name in outputs]
    onnx.save(network(nodes, feed, outputs), folder / "model.onnx")
    nncc.compile(folder / "model.onnx", folder / "model.wasm")
    got = nncc.load(folder / "model.wasm").run(feed)
    return [got[name] for name in outputs]


def test_uniform(tmp_path: Path) -> None:
    (y,) = draw("RandomUniform", tmp_path, shape=[4, COUNT // 4], low=-2.0, high=6.0)
    assert y.shape == (4, COUNT // 4)
    assert y.dtype == np.float32
    assert -2 <= y.min() < -1.9
    assert 5.9 < y.max() < 6
    counts, _ = np.histogram(y, 10, (-2, 6))
    np.testing.assert_allclose(counts, COUNT / 10, rtol=0.06)
    flat = y.reshape(-1) - y.mean()
    for lag in (1, 2, COUNT // 4):
        assert abs(np.mean(flat[lag:] * flat[:-lag])) < 0.1 * flat.var()


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_normal(kind: type, tmp_path: Path) -> None:
    feed: dict[str, Array] = {"x": np.zeros((COUNT,), kind)}
    (y,) = draw("RandomNormalLike", tmp_path, feed, mean=3.0, scale=2.0)
    assert y.dtype == kind
    assert abs(y.mean() - 3) < 0.05
    assert abs(y.std() - 2) < 0.05
    for part, share in ((1, 0.683), (2, 0.954), (3, 0.997)):
        assert abs(np.mean(np.abs(y - 3) < 2 * part) - share) < 0.01


def test_chances(tmp_path: Path) -> None:
    feed = {"p": np.repeat([0.0, 0.2, 0.7, 1.0], COUNT // 4).astype(np.float32)}
    (y,) = draw("Bernoulli", tmp_path, feed)
    assert set(y) == {0.0, 1.0}
    means = y.reshape(4, -1).mean(1)
    np.testing.assert_allclose(means, [0, 0.2, 0.7, 1], atol=0.02)


def test_classes(tmp_path: Path) -> None:
    odds = np.array([[0.1, 0.6, 0.3], [0.5, 0.0, 0.5]], np.float32)
    with np.errstate(divide="ignore"):
        feed = {"x": np.log(odds)}
    (y,) = draw("Multinomial", tmp_path, feed, sample_size=COUNT)
    assert y.shape == (2, COUNT)
    for row, chances in zip(y, odds, strict=True):
        shares = np.bincount(row, minlength=3) / COUNT
        np.testing.assert_allclose(shares, chances, atol=0.02)


def test_seeds(tmp_path: Path) -> None:
    """Nodes of one seed draw the same; nodes without one differ from each other."""
    same = draw("RandomUniform", tmp_path, copies=2, shape=[9], seed=4.0)
    np.testing.assert_array_equal(same[0], same[1])
    other = draw("RandomUniform", tmp_path, shape=[9], seed=5.0)
    assert not np.array_equal(same[0], other[0])
    free = draw("RandomUniform", tmp_path, copies=2, shape=[9])
    assert not np.array_equal(free[0], free[1])
    again = draw("RandomUniform", tmp_path, copies=2, shape=[9])
    np.testing.assert_array_equal(free, again)
    noise = draw("RandomNormalLike", tmp_path, {"x": random(9)}, copies=2)
    assert not np.array_equal(noise[0], noise[1])
