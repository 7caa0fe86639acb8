# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Kernels of random odd sizes against references in double precision.

NNCC_CASES=N tries N of them instead of the usual number.
"""

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

import nncc
from harness import Array, network
from schedule_cases import Case, make_cases

CASES = int(os.environ.get("NNCC_CASES", "600"))
PER_MODULE = 60
RTOL, ATOL = 1e-3, 1e-4


def names(kind: str, number: int, arrays: list[Array]) -> list[str]:
    return [f"{kind}{number}_{i}" for i in range(len(arrays))]


def model_of(cases: list[Case], *, open_sizes: bool) -> tuple[onnx.ModelProto, dict[str, Array]]:
    """All cases side by side in one network; `open_sizes` leaves its inputs' sizes open
    where a case allows it: its weights and axes stay."""
    nodes: list[onnx.NodeProto] = []
    feeds: dict[str, Array] = {}
    constants: dict[str, Array] = {}
    shapes: dict[str, list[int | str]] = {}
    for number, case in enumerate(cases):
        inputs = names("x", number, case.inputs)
        weights = names("w", number, case.constants)
        feeds |= dict(zip(inputs, case.inputs, strict=True))
        constants |= dict(zip(weights, case.constants, strict=True))
        nodes.append(helper.make_node(case.op, inputs + weights, [f"y{number}"], **case.attributes))
        if open_sizes and len(inputs) == 1:
            shapes[inputs[0]] = open_shape(inputs[0], case)
    outputs = [f"y{number}" for number in range(len(cases))]
    return network(nodes, feeds, outputs, shapes=shapes, constants=constants), feeds


def open_shape(name: str, case: Case) -> list[int | str]:
    """Every size has a name but the channels that a filter fixes, and 0: a named
    size is 1 at least."""
    fixed = {"Conv": [1], "ConvTranspose": [1], "MatMul": [-1], "LayerNormalization": [-1]}
    rank = case.inputs[0].ndim
    keep = {axis % rank for axis in fixed.get(case.op, [])}
    if case.op == "Gemm":
        keep = {0 if case.attributes["transA"] else 1}
    return [
        size if d in keep or size == 0 else f"{name}_{d}"
        for d, size in enumerate(case.inputs[0].shape)
    ]


def difference(case: Case, got: Array) -> str:
    """Why `got` is wrong, or nothing."""
    want = case.expected.astype(np.float32)
    try:
        assert got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=RTOL, atol=ATOL)
    except AssertionError as error:
        shapes = [array.shape for array in [*case.inputs, *case.constants]]
        return f"{case.op} of {shapes} with {case.attributes}: {error}"
    return ""


@pytest.mark.parametrize("open_sizes", [False, True], ids=["static", "open"])
@pytest.mark.parametrize("seed", range(max(1, CASES // PER_MODULE // 2)))
def test_random_kernels(seed: int, open_sizes: bool, tmp_path: Path) -> None:
    with np.errstate(all="ignore"):
        cases = make_cases(2 * seed + open_sizes, PER_MODULE)
        model, feeds = model_of(cases, open_sizes=open_sizes)
        onnx.save(model, tmp_path / "model.onnx")
        nncc.compile(tmp_path / "model.onnx", tmp_path / "model.wasm")
        got = nncc.load(tmp_path / "model.wasm").run(feeds)
        wrong = [difference(case, got[f"y{i}"]) for i, case in enumerate(cases)]
    assert not any(wrong), "\n".join(filter(None, wrong))
