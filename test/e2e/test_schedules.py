# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every schedule against slow, readable NumPy, on random odd sizes.

Each network holds many ops beside each other, so that a case costs little. The
number of networks is NNCC_SCHEDULE_ROUNDS (default 3, of 100 cases each).
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

import nncc
from harness import Array, check, network
from schedule_cases import make_cases

ROUNDS = int(os.environ.get("NNCC_SCHEDULE_ROUNDS", "3"))
CASES = 100
SIZES = [1, 2, 3, 4, 5, 7, 8, 11, 13, 14, 16, 17]
CHANNELS = [1, 3, 4, 5, 8, 13, 16, 24, 32]
# NaN, infinities, denormals, zeros of both signs.
SPECIAL = np.array([np.nan, np.inf, -np.inf, 1e-40, -1e-40, 0.0, -0.0], np.float32)


@dataclass
class Case:
    """A node from `x{i}` (and constants) to `y{i}`, and what it must answer."""

    node: onnx.NodeProto
    inputs: dict[str, Array]
    constants: dict[str, Array]
    expected: Array


def numbers(rng: np.random.Generator, *shape: int) -> Array:
    return rng.standard_normal(shape).astype(np.float32)


def special_numbers(rng: np.random.Generator, *shape: int) -> Array:
    values = numbers(rng, *shape)
    chosen = rng.random(shape) < 0.1
    values[chosen] = rng.choice(SPECIAL, int(chosen.sum()))
    return values


def conv(x: Array, w: Array, strides: list[int], dilations: list[int], groups: int) -> Array:
    """A convolution of the padded `x` [N, C, H, W] by `w` [O, C/groups, KH, KW]."""
    kh, kw = w.shape[2:]
    reach = [(k - 1) * d + 1 for k, d in zip((kh, kw), dilations, strict=True)]
    height, width = ((x.shape[2 + i] - reach[i]) // strides[i] + 1 for i in range(2))
    result = np.zeros((x.shape[0], w.shape[0], height, width))
    depth, outputs = w.shape[1], w.shape[0] // groups
    for g in range(groups):
        part = x[:, g * depth : (g + 1) * depth].astype(np.float64)
        weights = w[g * outputs : (g + 1) * outputs].astype(np.float64)
        for i in range(kh):
            for j in range(kw):
                top, left = i * dilations[0], j * dilations[1]
                seen = part[:, :, top:, left:][:, :, :: strides[0], :: strides[1]]
                seen = seen[:, :, :height, :width]
                result[:, g * outputs : (g + 1) * outputs] += np.einsum(
                    "nchw,oc->nohw", seen, weights[:, :, i, j]
                )
    return result


def conv_case(i: int, rng: np.random.Generator) -> Case:
    kind = rng.choice(["dense", "pointwise", "depthwise", "grouped", "three"])
    kernel = [int(k) for k in rng.choice([1, 2, 3, 5, 7], 2)]
    strides = [int(s) for s in rng.choice([1, 1, 2, 3], 2)]
    dilations = [int(d) for d in rng.choice([1, 1, 2, 3, 4], 2)]
    channels, outputs = (int(c) for c in rng.choice(CHANNELS, 2))
    size = [int(s) for s in rng.choice(SIZES, 2)]
    groups = 1
    if kind == "pointwise":
        kernel = [1, 1]
    elif kind == "depthwise":
        groups = channels
        outputs = channels * int(rng.choice([1, 1, 2]))
    elif kind == "grouped":
        groups = int(rng.choice([2, 3]))
        channels, outputs = groups * channels, groups * outputs
    elif kind == "three":  # what minimal filtering takes
        kernel, strides, dilations = [3, 3], [1, 1], [1, 1]
        channels, outputs = 32, int(rng.choice([24, 32, 40]))
        size = [int(s) for s in rng.integers(11, 24, 2)]
    batch = int(rng.choice([1, 1, 2]))
    pads = [int(p) for p in rng.integers(0, 3, 4)]
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    size = [max(s, r) for s, r in zip(size, reach, strict=True)]
    x = numbers(rng, batch, channels, *size)
    w = numbers(rng, outputs, channels // groups, *kernel)
    padded = np.pad(x, ((0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])))
    node = helper.make_node(
        "Conv",
        [f"x{i}", f"w{i}"],
        [f"y{i}"],
        pads=pads,
        strides=strides,
        dilations=dilations,
        group=groups,
    )
    expected = conv(padded, w, strides, dilations, groups)
    return Case(node, {f"x{i}": x}, {f"w{i}": w}, expected)


def matmul_case(i: int, rng: np.random.Generator) -> Case:
    sizes = [0, 1, 2, 3, 5, 7, 8, 13, 17, 31, 33]
    m, n = (int(s) for s in rng.choice(sizes, 2))
    k = int(rng.choice(sizes[1:]))
    batch = [int(s) for s in rng.choice([1, 2, 3], int(rng.integers(0, 3)))]
    a = numbers(rng, *batch, m, k)
    b = numbers(rng, *(batch if rng.random() < 0.5 else []), k, n)
    constant = rng.random() < 0.5 and b.size > 0
    node = helper.make_node("MatMul", [f"x{i}", f"w{i}"], [f"y{i}"])
    expected = a.astype(np.float64) @ b.astype(np.float64)
    inputs = {f"x{i}": a} if constant else {f"x{i}": a, f"w{i}": b}
    return Case(node, inputs, {f"w{i}": b} if constant else {}, expected)


def reduce_case(i: int, rng: np.random.Generator) -> Case:
    functions: dict[str, Callable[..., Array]] = {
        "ReduceMax": np.max,
        "ReduceMin": np.min,
        "ReduceMean": np.mean,
    }
    op = str(rng.choice(list(functions)))
    shape = [int(s) for s in rng.choice([1, 2, 3, 5, 7, 13, 19, 37], 3)]
    axes = sorted({int(a) for a in rng.integers(0, 3, int(rng.integers(1, 4)))})
    x = numbers(rng, *shape)
    node = helper.make_node(op, [f"x{i}"], [f"y{i}"], axes=axes, keepdims=0)
    return Case(node, {f"x{i}": x}, {}, functions[op](x.astype(np.float64), axis=tuple(axes)))


def transpose_case(i: int, rng: np.random.Generator) -> Case:
    shape = [int(s) for s in rng.choice([0, 1, 2, 3, 5, 8, 13, 17], 4, p=[0.04] + [0.96 / 7] * 7)]
    perm = [int(p) for p in rng.permutation(4)]
    x = special_numbers(rng, *shape)
    node = helper.make_node("Transpose", [f"x{i}"], [f"y{i}"], perm=perm)
    return Case(node, {f"x{i}": x}, {}, x.transpose(perm))


def elementwise_case(i: int, rng: np.random.Generator) -> Case:
    shape = [int(s) for s in rng.choice([1, 2, 3, 5, 8, 13, 33], 3)]
    x = special_numbers(rng, *shape)
    functions: dict[str, Callable[[Array], Array]] = {
        "Relu": lambda v: np.where(v < 0, np.float32(0), v),
        "Neg": np.negative,
        "Abs": np.abs,
        "Sqrt": np.sqrt,
        "Floor": np.floor,
    }
    op = str(rng.choice(list(functions)))
    with np.errstate(invalid="ignore"):
        expected = functions[op](x)
    return Case(helper.make_node(op, [f"x{i}"], [f"y{i}"]), {f"x{i}": x}, {}, expected)


MAKERS = [conv_case, conv_case, matmul_case, reduce_case, transpose_case, elementwise_case]


@pytest.mark.parametrize("flags", [[], ["--fast-math"]], ids=["default", "fast-math"])
@pytest.mark.parametrize("round_", range(ROUNDS))
def test_random_cases(round_: int, flags: list[str], tmp_path: Path) -> None:
    rng = np.random.default_rng([round_, len(flags)])
    cases = [MAKERS[i % len(MAKERS)](i, rng) for i in range(CASES)]
    inputs = {name: array for case in cases for name, array in case.inputs.items()}
    constants = {name: array for case in cases for name, array in case.constants.items()}
    outputs = [case.node.output[0] for case in cases]
    model = network([case.node for case in cases], inputs, outputs=outputs, constants=constants)
    onnx.save(model, tmp_path / "model.onnx")
    nncc.compile(tmp_path / "model.onnx", tmp_path / "model.wasm", flags=flags)
    got = nncc.load(tmp_path / "model.wasm").run(inputs)
    for case, name in zip(cases, outputs, strict=True):
        # Sums of hundreds of products of normal numbers.
        tolerance = 1e-3 if flags else 1e-4
        np.testing.assert_allclose(
            got[name], case.expected, rtol=1e-4, atol=tolerance, err_msg=str(case.node)
        )


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_random_ops(seed: int, tmp_path: Path) -> None:
    cases = make_cases(seed, CASES)
    inputs = {f"x{i}_{j}": x for i, case in enumerate(cases) for j, x in enumerate(case.inputs)}
    constants = {
        f"w{i}_{j}": w for i, case in enumerate(cases) for j, w in enumerate(case.constants)
    }
    nodes = [
        helper.make_node(
            case.op,
            [name for name in [*inputs, *constants] if name[1:].startswith(f"{i}_")],
            [f"y{i}"],
            **case.attributes,
        )
        for i, case in enumerate(cases)
    ]
    outputs = [node.output[0] for node in nodes]
    model = network(nodes, inputs, outputs=outputs, constants=constants)
    onnx.save(model, tmp_path / "model.onnx")
    nncc.compile(tmp_path / "model.onnx", tmp_path / "model.wasm")
    got = nncc.load(tmp_path / "model.wasm").run(inputs)
    for node, case in zip(nodes, cases, strict=True):
        np.testing.assert_allclose(
            got[node.output[0]], case.expected, rtol=1e-4, atol=1e-4, err_msg=str(node)
        )


def test_long_kernels(tmp_path: Path) -> None:
    """Those that are called in slices, which end inside of rows of tiles."""
    rng = np.random.default_rng(0)
    feeds = [
        {"a": numbers(rng, batch, 131, 257), "x": numbers(rng, batch, 19, 47, 61)}
        for batch in (1, 3)
    ]
    constants = {"b": numbers(rng, 257, 203), "w": numbers(rng, 67, 19, 5, 5)}
    nodes = [
        helper.make_node("MatMul", ["a", "b"], ["y"]),
        helper.make_node("Conv", ["x", "w"], ["z"], strides=[2, 1], pads=[2, 2, 2, 2]),
    ]
    shapes: dict[str, list[int | str]] = {"a": ["n", 131, 257], "x": ["n", 19, 47, 61]}
    model = network(nodes, feeds[0], ["y", "z"], shapes=shapes, constants=constants)
    check(model, tmp_path, *feeds)
