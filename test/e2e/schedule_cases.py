# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random single ops of odd sizes, each with its answer in double precision.

The references follow the definitions of the ONNX operators and are written to
be read; they are slow.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np

from harness import Array

Rng = np.random.Generator

SIZES = (1, 2, 3, 4, 5, 7, 8, 11, 13, 16, 17, 19)
SPECIAL = np.array([np.nan, np.inf, -np.inf, -0.0, 1e-40, 1e18], np.float32)


@dataclass
class Case:
    """One node from `inputs` and `constants`, by position, to `expected`."""

    op: str
    inputs: list[Array]
    expected: Array
    constants: list[Array] = field(default_factory=list)
    attributes: dict[str, Any] = field(default_factory=dict)


def size(rng: Rng, *, zero: bool = False) -> int:
    return 0 if zero and rng.random() < 0.02 else int(rng.choice(SIZES))


def numbers(rng: Rng, *shape: int) -> Array:
    return rng.standard_normal(shape).astype(np.float32)


def with_specials(rng: Rng, array: Array, *, nan: bool = True) -> Array:
    """Sometimes puts a NaN, an infinity, a denormal or -0 somewhere."""
    if array.size and rng.random() < 0.2:
        array.flat[rng.integers(array.size)] = rng.choice(SPECIAL if nan else SPECIAL[1:])
    return array


# Windows


@dataclass
class Window:
    kernel: list[int]
    strides: list[int]
    dilations: list[int]
    low: list[int]
    high: list[int]

    def attributes(self) -> dict[str, Any]:
        return {
            "kernel_shape": self.kernel,
            "strides": self.strides,
            "dilations": self.dilations,
            "pads": [*self.low, *self.high],
        }

    def output(self, sizes: Sequence[int]) -> list[int]:
        spans = [(k - 1) * d + 1 for k, d in zip(self.kernel, self.dilations, strict=True)]
        padded = [n + a + b for n, a, b in zip(sizes, self.low, self.high, strict=True)]
        return [(n - span) // s + 1 for n, span, s in zip(padded, spans, self.strides, strict=True)]

    def taps(self, x: Array, fill: float) -> Iterator[tuple[tuple[int, ...], Array]]:
        """For each position in the kernel: what it meets in `x` [n, c, ...]."""
        pads = [(0, 0), (0, 0), *zip(self.low, self.high, strict=True)]
        padded = np.pad(x.astype(np.float64), pads, constant_values=fill)
        counts = self.output(x.shape[2:])
        for at in product(*map(range, self.kernel)):
            steps = zip(at, self.dilations, self.strides, counts, strict=True)
            cut = tuple(slice(i * d, i * d + s * (n - 1) + 1, s) for i, d, s, n in steps)
            yield at, padded[(slice(None), slice(None), *cut)]


def window(rng: Rng, rank: int, *, most_pad: int = 3) -> tuple[Window, list[int]]:
    """A window and sizes that it fits into."""
    while True:
        kernel = [int(rng.choice([1, 2, 3, 3, 5, 7])) for _ in range(rank)]
        most = min(most_pad, *kernel)
        made = Window(
            kernel,
            [int(rng.choice([1, 1, 2, 3])) for _ in range(rank)],
            [int(rng.choice([1, 1, 1, 2])) for _ in range(rank)],
            [int(rng.integers(most + 1)) for _ in range(rank)],
            [int(rng.integers(most + 1)) for _ in range(rank)],
        )
        sizes = [size(rng) for _ in range(rank)]
        if min(made.output(sizes)) > 0:
            return made, sizes


def spatial_rank(rng: Rng) -> int:
    return int(rng.choice([1, 2, 2, 2, 2, 3]))


def groups_of(rng: Rng) -> tuple[int, int, int]:
    """Groups, and the input and output channels of each."""
    kind = rng.integers(4)
    if kind == 0:  # depthwise
        return size(rng), 1, int(rng.choice([1, 1, 2]))
    return (1 if kind < 3 else int(rng.choice([2, 3]))), size(rng), size(rng)


def tap_of(filters: Array, at: tuple[int, ...]) -> Array:
    """[groups, a, b] of `filters` [groups, a, b, ...] at a position in the kernel."""
    index: Any = (slice(None), slice(None), slice(None), *at)
    tap: Array = filters[index]
    return tap


def conv(rng: Rng) -> Case:
    rank = spatial_rank(rng)
    geometry, sizes = window(rng, rank)
    groups, inputs, outputs = groups_of(rng)
    n = int(rng.choice([1, 1, 2]))
    x = with_specials(rng, numbers(rng, n, groups * inputs, *sizes))
    w = numbers(rng, groups * outputs, inputs, *geometry.kernel)
    bias = numbers(rng, groups * outputs)
    y = np.zeros((n, groups, outputs, *geometry.output(sizes)))
    split = w.reshape(groups, outputs, inputs, *geometry.kernel).astype(np.float64)
    for at, part in geometry.taps(x, 0.0):
        grouped = part.reshape(n, groups, inputs, *part.shape[2:])
        y += np.einsum("ngc...,gkc->ngk...", grouped, tap_of(split, at))
    y = y.reshape(n, groups * outputs, *y.shape[3:]) + bias.reshape(-1, *[1] * rank)
    return Case("Conv", [x], y, [w, bias], {**geometry.attributes(), "group": groups})


def conv_transpose(rng: Rng) -> Case:
    rank = int(rng.choice([1, 2, 2]))
    geometry, _ = window(rng, rank, most_pad=0)
    groups, inputs, outputs = groups_of(rng)
    sizes = [int(rng.choice([1, 3, 5, 7])) for _ in range(rank)]
    x = numbers(rng, 1, groups * inputs, *sizes)
    w = numbers(rng, groups * inputs, outputs, *geometry.kernel)
    spans = [(k - 1) * d + 1 for k, d in zip(geometry.kernel, geometry.dilations, strict=True)]
    counts = [(n - 1) * s + k for n, s, k in zip(sizes, geometry.strides, spans, strict=True)]
    y = np.zeros((1, groups, outputs, *counts))
    parts = x.reshape(1, groups, inputs, *sizes).astype(np.float64)
    split = w.reshape(groups, inputs, outputs, *geometry.kernel).astype(np.float64)
    for at in product(*map(range, geometry.kernel)):
        steps = zip(at, geometry.dilations, geometry.strides, sizes, strict=True)
        cut = tuple(slice(i * d, i * d + s * (n - 1) + 1, s) for i, d, s, n in steps)
        y[(slice(None), slice(None), slice(None), *cut)] += np.einsum(
            "ngc...,gck->ngk...", parts, tap_of(split, at)
        )
    attributes = {**geometry.attributes(), "group": groups}
    return Case("ConvTranspose", [x], y.reshape(1, -1, *counts), [w], attributes)


def max_pool(rng: Rng) -> Case:
    geometry, sizes = window(rng, spatial_rank(rng), most_pad=0)
    x = with_specials(rng, numbers(rng, 1, size(rng), *sizes), nan=False)
    parts = [part for _, part in geometry.taps(x, -np.inf)]
    return Case("MaxPool", [x], np.max(parts, axis=0), attributes=geometry.attributes())


def average_pool(rng: Rng) -> Case:
    geometry, sizes = window(rng, spatial_rank(rng), most_pad=0)
    geometry.dilations = [1] * len(sizes)  # not before opset 19
    x = with_specials(rng, numbers(rng, 1, size(rng), *sizes))
    y = np.mean([part for _, part in geometry.taps(x, 0.0)], axis=0)
    attributes = geometry.attributes()
    del attributes["dilations"]
    return Case("AveragePool", [x], y, attributes=attributes)


# Products


def matmul(rng: Rng) -> Case:
    rows, inner, columns = (size(rng, zero=True) for _ in range(3))
    batch = [[], [size(rng)], [2, 3]][rng.integers(3)]
    a = with_specials(rng, numbers(rng, *batch, rows, inner))
    constant = rng.random() < 0.5
    b = numbers(rng, *([] if constant or rng.random() < 0.3 else batch), inner, columns)
    y = np.matmul(a.astype(np.float64), b.astype(np.float64))
    return Case("MatMul", [a], y, [b]) if constant else Case("MatMul", [a, b], y)


def long_products(rng: Rng) -> Case:
    """Sums of more products than one block has."""
    rows, inner, columns = size(rng), int(rng.choice([257, 512, 521, 1031])), size(rng)
    a, b = numbers(rng, rows, inner), numbers(rng, inner, columns)
    return Case("MatMul", [a], a.astype(np.float64) @ b.astype(np.float64), [b])


def gemm(rng: Rng) -> Case:
    rows, inner, columns = (size(rng) for _ in range(3))
    ta, tb = (int(rng.integers(2)) for _ in range(2))
    a = numbers(rng, *((inner, rows) if ta else (rows, inner)))
    b = numbers(rng, *((columns, inner) if tb else (inner, columns)))
    c = numbers(rng, columns)
    left, right = (a.T if ta else a), (b.T if tb else b)
    y = 0.5 * (left.astype(np.float64) @ right.astype(np.float64)) + 2.0 * c
    attributes = {"transA": ta, "transB": tb, "alpha": 0.5, "beta": 2.0}
    return Case("Gemm", [a], y, [b, c], attributes)


# Rows


def some_shape(rng: Rng, *, zero: bool = False) -> list[int]:
    return [size(rng, zero=zero) for _ in range(rng.integers(1, 5))]


def reduction(rng: Rng) -> Case:
    reduce = {"ReduceMean": np.mean, "ReduceMax": np.max, "ReduceL2": np.linalg.norm}
    op = str(rng.choice([*reduce]))
    shape = some_shape(rng)
    count = rng.integers(1, 1 + min(2, len(shape)))
    axes = sorted(int(a) for a in rng.choice(len(shape), count, replace=False))
    x = with_specials(rng, numbers(rng, *shape), nan=op != "ReduceMax")
    keep = int(rng.integers(2))
    y: Array = reduce[op](x.astype(np.float64), axis=tuple(axes), keepdims=bool(keep))  # type: ignore[operator]
    return Case(op, [x], np.asarray(y), attributes={"axes": axes, "keepdims": keep})


def softmax(rng: Rng) -> Case:
    shape = some_shape(rng)
    axis = int(rng.integers(len(shape)))
    x = with_specials(rng, numbers(rng, *shape) * 10)
    shifted = x.astype(np.float64) - x.max(axis=axis, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))
    if rng.integers(2):
        return Case("LogSoftmax", [x], logs, attributes={"axis": axis})
    return Case("Softmax", [x], np.exp(logs), attributes={"axis": axis})


def position(rng: Rng) -> Case:
    shape = some_shape(rng)
    axis, keep = int(rng.integers(len(shape))), int(rng.integers(2))
    find = {"ArgMax": np.argmax, "ArgMin": np.argmin}
    op = str(rng.choice([*find]))
    x = with_specials(rng, rng.integers(-5, 5, shape).astype(np.float32), nan=False)
    y = find[op](x, axis=axis, keepdims=bool(keep))
    return Case(op, [x], np.asarray(y), attributes={"axis": axis, "keepdims": keep})


def instance_normalization(rng: Rng) -> Case:
    x = numbers(rng, size(rng), size(rng), *(size(rng) + 1 for _ in range(rng.integers(1, 3))))
    scale, bias = numbers(rng, x.shape[1]), numbers(rng, x.shape[1])
    axes = tuple(range(2, x.ndim))
    wide = x.astype(np.float64)
    centred = wide - wide.mean(axis=axes, keepdims=True)
    normal = centred / np.sqrt((centred**2).mean(axis=axes, keepdims=True) + 1e-5)
    per_channel = [-1, *[1] * len(axes)]
    y = normal * scale.reshape(per_channel) + bias.reshape(per_channel)
    return Case("InstanceNormalization", [x], y, [scale, bias], {"epsilon": 1e-5})


def layer_normalization(rng: Rng) -> Case:
    shape = [*some_shape(rng)[:2], size(rng) + 1]
    x, scale, bias = numbers(rng, *shape), numbers(rng, shape[-1]), numbers(rng, shape[-1])
    wide = x.astype(np.float64)
    centred = wide - wide.mean(axis=-1, keepdims=True)
    variance = (centred**2).mean(axis=-1, keepdims=True)
    y = centred / np.sqrt(variance + 1e-5) * scale + bias
    return Case("LayerNormalization", [x], y, [scale, bias], {"axis": -1, "epsilon": 1e-5})


# Elements


def binary(rng: Rng) -> Case:
    functions = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply}
    op = str(rng.choice([*functions]))
    shape = some_shape(rng, zero=True)
    other = [1 if rng.random() < 0.3 else n for n in shape[rng.integers(len(shape)) :]]
    a, b = with_specials(rng, numbers(rng, *shape)), with_specials(rng, numbers(rng, *other))
    return Case(op, [a, b], functions[op](a, b))


def relu(rng: Rng) -> Case:
    x = with_specials(rng, numbers(rng, *some_shape(rng, zero=True)))
    return Case("Relu", [x], np.where(x < 0, 0, x))


def transpose(rng: Rng) -> Case:
    x = with_specials(rng, numbers(rng, *some_shape(rng, zero=True)))
    perm = [int(d) for d in rng.permutation(x.ndim)]
    return Case("Transpose", [x], x.transpose(perm), attributes={"perm": perm})


def concat(rng: Rng) -> Case:
    shape = some_shape(rng)
    axis = int(rng.integers(len(shape)))
    parts = []
    for _ in range(rng.integers(1, 5)):
        shape[axis] = size(rng, zero=True)
        parts.append(with_specials(rng, numbers(rng, *shape)))
    return Case("Concat", parts, np.concatenate(parts, axis), attributes={"axis": axis})


def resize(rng: Rng) -> Case:
    """Each pixel several times."""
    x = with_specials(rng, numbers(rng, 1, *(size(rng) for _ in range(3))))
    times = rng.integers(1, 4, 2)
    y = x.repeat(times[0], 2).repeat(times[1], 3)
    scales = np.array([1, 1, *times], np.float32)
    attributes = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return Case("Resize", [x], y, [np.zeros(0, np.float32), scales], attributes)


def slices(rng: Rng) -> Case:
    x = with_specials(rng, numbers(rng, *some_shape(rng)))
    axes = np.arange(x.ndim)
    starts = np.array([rng.integers(n) for n in x.shape])
    ends = np.array([rng.integers(a, n + 1) for a, n in zip(starts, x.shape, strict=True)])
    steps = rng.integers(1, 4, x.ndim)
    cut = tuple(slice(*bounds) for bounds in zip(starts, ends, steps, strict=True))
    return Case("Slice", [x], x[cut], [starts, ends, axes, steps])


GENERATORS: dict[Callable[[Rng], Case], int] = {
    conv: 8,
    conv_transpose: 2,
    max_pool: 1,
    average_pool: 1,
    matmul: 4,
    gemm: 1,
    long_products: 1,
    reduction: 4,
    softmax: 3,
    position: 1,
    layer_normalization: 2,
    instance_normalization: 1,
    binary: 1,
    relu: 1,
    transpose: 2,
    concat: 1,
    slices: 1,
    resize: 1,
}


def make_cases(seed: int, count: int) -> list[Case]:
    """`count` cases, the same ones for the same seed."""
    rng = np.random.default_rng(seed)
    weights = np.array([*GENERATORS.values()], float)
    picks = rng.choice(len(GENERATORS), count, p=weights / weights.sum())
    with np.errstate(all="ignore"):
        return [[*GENERATORS][pick](rng) for pick in picks]
