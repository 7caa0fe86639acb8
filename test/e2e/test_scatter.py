# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""ScatterND and ScatterElements: slices that are assigned, and updates in their order."""

import json
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
    check,
    compare,
    gpu_problem,
    network,
    parse,
    random,
    reference,
)


def grid(*ranges: range) -> Array:
    """The positions of a box, as exporters write the assignment of a slice."""
    return np.stack(np.meshgrid(*map(list, ranges), indexing="ij"), axis=-1).astype(np.int64)


INDICES = {
    "box": grid(range(1, 3), range(2, 4), range(0, 5)),
    "leading": grid(range(1, 4), range(2, 3)),
    "one": np.array([[2]]),
    "from the end": np.array([[-2], [-1]]),
    "backwards": np.array([[2], [1]]),
    "twice": np.array([[1, 2], [1, 2]]),
}


def assignment(where: str, **attributes: str) -> tuple[onnx.ModelProto, dict[str, Array]]:
    """Updates and data that are both computed, the data last."""
    indices = INDICES[where]
    feed = {
        "x": random(4, 6, 5),
        "u": random(*indices.shape[:-1], *(4, 6, 5)[indices.shape[-1] :], seed=1),
    }
    nodes = [
        helper.make_node("Tanh", ["u"], ["t"], name="updates"),
        helper.make_node("Exp", ["x"], ["d"], name="data"),
        helper.make_node("ScatterND", ["d", "i", "t"], ["r"], name="scatter", **attributes),
        helper.make_node("Neg", ["r"], ["y"], name="end"),
    ]
    outputs = ["r", "y", "d"]
    return network(nodes, feed, outputs, constants={"i": indices}, opset=18), feed


@pytest.mark.parametrize("where", INDICES)
def test_constant_indices(where: str, tmp_path: Path) -> None:
    model, feed = assignment(where)
    check(model, tmp_path, feed)


OPEN_SLICE = """
g (float[b, n, 5] x, float[b, n, 1] u) => (float[b, n, 5] y)
  <int64 zero = {0}, int64 one = {1}, int64[1] last = {-1}, int64[1] at = {AT}>
{
  d = Exp(x)
  t = Tanh(u)
  given = Shape(u)
  b = Gather(given, zero)
  n = Gather(given, one)
  rows = Range(zero, b, one)
  deep = Constant<value_ints = [-1, 1, 1]>()
  i0 = Reshape(rows, deep)
  columns = Range(zero, n, one)
  flat = Constant<value_ints = [-1, 1]>()
  i1 = Reshape(columns, flat)
  e0 = Expand(i0, given)
  e1 = Expand(i1, given)
  e2 = Expand(at, given)
  u0 = Unsqueeze(e0, last)
  u1 = Unsqueeze(e1, last)
  u2 = Unsqueeze(e2, last)
  where = Concat<axis = -1>(u0, u1, u2)
  y = ScatterND(d, where, t)
}
"""


@pytest.mark.parametrize("at", [0, 3, -1])
def test_a_slice_of_open_sizes(at: int, tmp_path: Path) -> None:
    """As exporters write `y[:, :, at] = t`."""
    model = parse(OPEN_SLICE.replace("AT", str(at)))
    feed = {"x": random(3, 4, 5), "u": random(3, 4, 1, seed=1)}
    check(model, tmp_path, feed)
    flags = ["--target=webgpu", "--no-fallback", "--require-gpu"]
    nncc.compile(tmp_path / "model.onnx", tmp_path / "gpu.wasm", flags=flags)
    if problem := gpu_problem():
        pytest.skip(f"no GPU: {problem}")
    (output,) = gpu_host().run(tmp_path / "gpu.wasm", list(feed.values()))
    compare({"y": output}, reference(model, feed), RTOL, ATOL)


@pytest.mark.parametrize("reduction", ["add", "mul", "max", "min"])
@pytest.mark.parametrize("where", ["box", "one", "backwards", "twice"])
def test_constant_indices_that_join(where: str, reduction: str, tmp_path: Path) -> None:
    model, feed = assignment(where, reduction=reduction)
    check(model, tmp_path, feed)


@pytest.mark.parametrize("reduction", ["none", "add", "max"])
def test_elements_that_data_place(reduction: str, tmp_path: Path) -> None:
    """Also the same element twice, where updates join."""
    feed = {
        "x": random(2, 7),
        "u": random(2, 4, seed=1),
        "i": np.array([[5, 0, -2, 1], [2, 6, 3, 0]]),
    }
    same = feed | {"i": np.array([[5, 0, 5, 1], [2, 2, -5, 0]])}
    nodes = [
        helper.make_node("Tanh", ["u"], ["t"]),
        helper.make_node("ScatterElements", ["x", "i", "t"], ["y"], axis=1, reduction=reduction),
    ]
    check(network(nodes, feed, opset=18), tmp_path, feed, same)


@pytest.mark.parametrize("reduction", ["none", "add", "mul", "min"])
def test_tuples_that_data_place(reduction: str, tmp_path: Path) -> None:
    feed = {
        "x": random(3, 7),
        "u": random(2, 2, seed=1),
        "i": np.array([[[2, 5], [0, -1]], [[-3, 3], [1, 0]]]),
    }
    same = feed | {"i": np.array([[[2, 5], [0, -1]], [[-1, 5], [0, 6]]])}
    nodes = [
        helper.make_node("Tanh", ["u"], ["t"]),
        helper.make_node("ScatterND", ["x", "i", "t"], ["y"], reduction=reduction),
    ]
    check(network(nodes, feed, opset=18), tmp_path, feed, same)


@pytest.mark.parametrize("where", ["box", "one", "backwards", "twice"])
def test_a_scatter_runs_on_a_gpu(where: str, tmp_path: Path) -> None:
    if problem := gpu_problem():
        pytest.skip(problem)
    model, _ = assignment(where)
    onnx.save(model, tmp_path / "model.onnx")
    report = tmp_path / "report.json"
    flags = ["--target=webgpu", "--require-gpu", f"--report={report}"]
    nncc.compile(tmp_path / "model.onnx", tmp_path / "gpu.wasm", flags=flags)
    assert json.loads(report.read_text())["readbacks"] == 0
