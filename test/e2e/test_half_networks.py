# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Networks of f16 and bf16: f32 inside, rounded by casts and at the outputs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.transformers.float16 import convert_float_to_float16

import nncc
from harness import (
    MODELS,
    Array,
    check,
    compare,
    compiled,
    network,
    nncc_run,
    number,
    parse,
    random,
    reference,
    save_data,
)

# Of results that are f16: two roundings apart.
RTOL, ATOL = 2e-3, 1e-3
BFLOAT16: Any = ml_dtypes.bfloat16
ALL_F16 = np.arange(65536, dtype=np.uint16).view(np.float16)
ALL_BF16 = np.arange(65536, dtype=np.uint16).view(BFLOAT16)

Feed = dict[str, Array]
Case = tuple[onnx.ModelProto, Feed]


def half(*shape: int, seed: int = 0) -> Array:
    return random(*shape, seed=seed).astype(np.float16)


def node(op: str, inputs: str, outputs: str = "y", **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(op, inputs.split(), outputs.split(), **attributes)


def cast(source: str, target: str, to: int) -> onnx.NodeProto:
    return helper.make_node("Cast", [source], [target], to=to)


# Conversions.


def difficult(dtype: Any) -> Array:
    """f32 at and around all numbers of 16 bits and the ties between them, and random bits."""
    bits = np.arange(65536, dtype=np.uint16).view(dtype).astype(np.float32)
    numbers = np.sort(bits[np.isfinite(bits)])
    ties = ((numbers[1:].astype(np.float64) + numbers[:-1]) / 2).astype(np.float32)
    exact = np.concatenate(
        [numbers, ties, np.array([65519.996, 65520, 3.4e38, np.inf, 0], np.float32)]
    )
    around = exact.view(np.uint32)[:, None] + np.arange(-2, 3, dtype=np.int64)
    some = np.random.default_rng(0).integers(0, 2**32, 300000)
    return np.concatenate([around.ravel(), some]).astype(np.uint32).view(np.float32)


@pytest.mark.parametrize("flags", [[], ["--features=scalar"], ["--strict-fp"]])
@pytest.mark.parametrize(("name", "dtype"), [("FLOAT16", np.float16), ("BFLOAT16", BFLOAT16)])
def test_conversions(name: str, dtype: Any, flags: list[str], tmp_path: Path) -> None:
    """Bit by bit, of all numbers of 16 bits and of f32 that are hard to round."""
    codes = np.arange(65536, dtype=np.uint16).view(dtype)
    feed = {"h": codes, "x": difficult(dtype)}
    to = getattr(TensorProto, name)
    nodes = [cast("h", "wide", TensorProto.FLOAT), cast("x", "narrow", to)]
    graph = network(nodes, feed, ["wide", "narrow"], opset=19)
    run = compiled(graph, tmp_path, flags).run
    got = run({"h": codes.view(np.uint16) if dtype is BFLOAT16 else codes, "x": feed["x"]})
    with np.errstate(over="ignore", invalid="ignore"):
        narrow = feed["x"].astype(dtype)
    check_bits(got["wide"].view(np.uint32), codes.astype(np.float32).view(np.uint32), 0x7F800000)
    infinity = 0x7C00 if dtype is np.float16 else 0x7F80
    check_bits(got["narrow"].view(np.uint16), narrow.view(np.uint16), infinity)


def check_bits(got: Array, expected: Array, infinity: int) -> None:
    """Equal, or NaN of whatever bits."""
    magnitude = int(np.iinfo(got.dtype).max) >> 1
    both = ((got & magnitude) > infinity) & ((expected & magnitude) > infinity)
    np.testing.assert_array_equal(got[~both], expected[~both])


@pytest.mark.parametrize(
    "flags", [[], ["--weights=external"], ["--features=scalar"], ["--threads"]]
)
def test_weights_are_stored_as_16_bits(flags: list[str], tmp_path: Path) -> None:
    """All numbers of both kinds, between others; as f32 they take 1.4 times as much."""
    tables: dict[str, Array] = {
        "f": random(1000),
        "h": ALL_F16,
        "i": np.arange(1000, dtype=np.int32),
        "b": ALL_BF16,
    }
    nodes = [
        cast("h", "wide_h", TensorProto.FLOAT),
        cast("b", "wide_b", TensorProto.FLOAT),
        *(node("Gather", f"{'wide_' * (t in 'hb')}{t} at_{t}", f"y_{t}") for t in tables),
    ]
    feed = {f"at_{t}": np.arange(len(table)) for t, table in tables.items()}
    graph = network(nodes, feed, [f"y_{t}" for t in tables], constants=tables, opset=19)
    onnx.save(graph, tmp_path / "model.onnx")
    nncc.compile(tmp_path / "model.onnx", tmp_path / "model.wasm", flags=flags)
    expected = {
        f"y_{t}": table.astype(np.float32) if t in "hb" else table for t, table in tables.items()
    }
    save_data(tmp_path, list(feed.values()), list(expected.values()))
    answer = nncc_run(tmp_path / "model.wasm", "--data", tmp_path, "--rtol=0", "--atol=0")
    assert answer.returncode == 0, answer.stderr + answer.stdout
    if "--threads" not in flags:
        model = nncc.load(tmp_path / "model.wasm")
        for _ in range(2):  # Widened once.
            compare(model.run(feed), expected, 0, 0)
    files = [*tmp_path.glob("*.wasm"), *tmp_path.glob("*.safetensors")]
    assert sum(file.stat().st_size for file in files) < sum(map(nbytes, tables.values())) + 60000


def nbytes(array: Array) -> int:
    return array.nbytes


# What is rounded.


def test_casts_round(tmp_path: Path) -> None:
    feed = {"x": random(1000) * 1000}
    nodes = [
        cast("x", "a", TensorProto.FLOAT16),
        cast("a", "y", TensorProto.FLOAT),
        node("Mul", "x x", "s"),
        cast("s", "b", TensorProto.BFLOAT16),
        cast("b", "z", TensorProto.FLOAT),
    ]
    got = compiled(network(nodes, feed, ["y", "z"]), tmp_path).run(feed)
    square = feed["x"] * feed["x"]
    expected: Feed = {
        "y": feed["x"].astype(np.float16).astype(np.float32),
        "z": square.astype(BFLOAT16).astype(np.float32),
    }
    compare(got, expected, 0, 0)


def test_operators_do_not_round(tmp_path: Path) -> None:
    """Nor do they overflow: 90000 is no f16."""
    feed = {"x": half(64, seed=1) * np.float16(300), "w": np.full(64, 300, np.float16)}
    nodes = [
        node("Mul", "x w", "p"),
        node("Transpose", "p", "t"),
        node("Softmax", "t", "unused"),
        node("Div", "t w"),
    ]
    got = compiled(network(nodes, feed, ["y", "unused"]), tmp_path).run(feed)
    np.testing.assert_array_equal(got["y"], feed["x"])
    assert got["y"].dtype == got["unused"].dtype == np.float16


def test_integers_of_numbers_that_are_not_rounded(tmp_path: Path) -> None:
    """Of 2.9993, which is 3 as f16; onnxruntime has it as f32, too."""
    nodes = [
        node("Mul", "x scale", "p"),
        cast("p", "i", TensorProto.INT32),
        cast("p", "b", TensorProto.BOOL),
    ]
    x = {"x": np.array([4.5, 0.001, -3], np.float16)}
    scale = {"scale": np.array(0.66650390625, np.float16)}
    check(network(nodes, x, ["i", "b"], constants=scale), tmp_path, x)


def check_halves(made: onnx.ModelProto, folder: Path, *feeds: Feed, **options: Any) -> nncc.Model:
    return check(made, folder, *feeds, **{"rtol": RTOL, "atol": ATOL, **options})


# Networks.


def converted(made: onnx.ModelProto) -> onnx.ModelProto:
    """The network in f16, inputs and outputs too."""
    return convert_float_to_float16(made, disable_shape_infer=True)


def image() -> Case:
    feed = {"x": half(1, 3, 16, 16)}
    constants: Feed = {
        "w": half(8, 3, 3, 3, seed=1),
        "d": half(8, 1, 3, 3, seed=2),
        "s": half(8, seed=3),
        "b": half(8, seed=4),
        "m": half(8, seed=5),
        "v": np.abs(half(8, seed=6)) + np.float16(0.5),
        "low": np.array(0, np.float16),
        "high": np.array(6, np.float16),
        "sizes": np.array([1, 1, 2, 2], np.float32),
    }
    nodes = [
        node("Conv", "x w", "c", pads=[1, 1, 1, 1]),
        node("BatchNormalization", "c s b m v", "n", epsilon=1e-5),
        node("Clip", "n low high", "r"),
        node("Conv", "r d", "e", pads=[1, 1, 1, 1], group=8),
        helper.make_node("Resize", ["e", "", "sizes"], ["z"], mode="linear"),
        node("GlobalAveragePool", "e", "g"),
        node("Mul", "z g"),
    ]
    return network(nodes, feed, constants=constants), feed


def attention() -> Case:
    """A step of a decoder, whose cache is of f16."""
    feed = {"x": half(1, 1, 32), "past": half(1, 4, 7, 8, seed=1)}
    nodes = [
        node("MatMul", "x w", "p"),
        node("Reshape", "p heads", "q"),
        node("Transpose", "q", "k", perm=[0, 2, 1, 3]),
        node("Concat", "past k", "present", axis=2),
        node("Transpose", "present", "t", perm=[0, 1, 3, 2]),
        node("MatMul", "k t", "scores"),
        node("Mul", "scores scale", "scaled"),
        node("Softmax", "scaled", "a", axis=-1),
        node("MatMul", "a present", "o"),
        node("LayerNormalization", "o g", "y", epsilon=1e-12),
    ]
    constants: Feed = {
        "w": half(32, 32, seed=2),
        "heads": np.array([1, 1, 4, 8]),
        "scale": np.array(0.35, np.float16),
        "g": half(8, seed=3),
    }
    shapes: dict[str, list[int | str]] = {"past": [1, 4, "length", 8]}
    return network(nodes, feed, ["y", "present"], shapes=shapes, constants=constants), feed


def selections() -> Case:
    feed = {"x": half(4, 9), "z": half(4, 9, seed=1)}
    nodes = [
        node("Equal", "x z", "e"),
        node("Less", "x z", "l"),
        node("Where", "l x z", "w"),
        node("ArgMax", "w", "m", axis=1),
        node("TopK", "w k", "v i"),
        node("CastLike", "m x", "c"),
        node("Sum", "w c c"),
        node("Max", "x z", "n"),
        node("Floor", "n", "f"),
        node("Mod", "x z", "r", fmod=1),
    ]
    outputs = ["e", "y", "v", "i", "m", "f", "r"]
    return network(nodes, feed, outputs, constants={"k": np.array([3])}), feed


def quantised() -> Case:
    """With scales of f16."""
    feed = {"x": half(5, 16)}
    constants: Feed = {
        "s": np.array(0.02, np.float16),
        "zero": np.array(127, np.uint8),
        "w": np.random.default_rng(0).integers(-128, 128, (16, 8)).astype(np.int8),
        "ws": np.full(8, 0.01, np.float16),
    }
    nodes = [
        node("QuantizeLinear", "x s zero", "q"),
        node("DequantizeLinear", "q s zero", "d"),
        node("DequantizeLinear", "w ws", "f", axis=1),
        node("MatMul", "d f"),
    ]
    return network(nodes, feed, constants=constants, opset=19), feed


def packed() -> Case:
    """Weights of 4 bits with scales of f16."""
    rng = np.random.default_rng(0)
    feed = {"x": half(3, 64)}
    constants: Feed = {
        "w": rng.integers(0, 256, (24, 2, 16)).astype(np.uint8),
        "s": (np.abs(half(24 * 2, seed=1)) + np.float16(0.1)).astype(np.float16),
    }
    product = node(
        "MatMulNBits", "x w s", domain="com.microsoft", K=64, N=24, bits=4, block_size=32
    )
    made = network([product], feed, constants=constants)
    made.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return made, feed


CASES: list[Callable[[], Case]] = [image, attention, selections, quantised, packed]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
@pytest.mark.parametrize("flags", [[], ["--strict-fp"]], ids=["plain", "strict"])
def test_networks(case: Callable[[], Case], flags: list[str], tmp_path: Path) -> None:
    made, feed = case()
    check_halves(made, tmp_path, feed, flags=flags, atol=5e-3)


def test_threads(tmp_path: Path) -> None:
    made, feed = image()
    onnx.save(made, tmp_path / "model.onnx")
    nncc.compile(tmp_path / "model.onnx", tmp_path / "model.wasm", flags=["--threads"])
    save_data(tmp_path, list(feed.values()), list(reference(made, feed).values()))
    tolerance = (f"--rtol={RTOL}", "--atol=0.005")
    answer = nncc_run(tmp_path / "model.wasm", "--data", tmp_path, "--threads=2", *tolerance)
    assert answer.returncode == 0, answer.stderr + answer.stdout


LOOP = """
g (float16[2,3] x, int64 n, bool t) => (float16[2,3] y, float16[s,2,3] z) {
  y, z = Loop <body = b (int64 i, bool c, float16[2,3] h)
      => (bool d, float16[2,3] next, float16[2,3] row) {
    d = Identity(c)
    f = CastLike(i, h)
    a = Add(h, h)
    next = Add(a, f)
    row = Tanh(next)
  }> (n, t, x)
}"""
IF = """
g (float16[2,3] x, bool c) => (float16[2,3] y) {
  y = If <then_branch = a () => (float16[2,3] p) { q = Exp(x) p = Mul(q, x) },
          else_branch = b () => (float16[2,3] r) { r = Softmax(x) }> (c)
}"""
SCAN = """
g (float16[3] h, float16[l,3] x) => (float16[3] last, float16[l,3] y) {
  last, y = Scan <num_scan_inputs = 1, body = b (float16[3] s, float16[3] e)
      => (float16[3] next, float16[3] o) {
    next = Add(s, e)
    o = Sigmoid(next)
  }> (h, x)
}"""


@pytest.mark.parametrize("steps", [3, 300])
def test_loops(steps: int, tmp_path: Path) -> None:
    feed = {"x": half(2, 3) * np.float16(0.01), "n": number(min(steps, 12)), "t": np.array(True)}
    check_halves(parse(LOOP), tmp_path, feed, on_gpu=False)
    scanned = {"h": half(3), "x": half(steps, 3, seed=1) * np.float16(0.1)}
    check_halves(parse(SCAN), tmp_path, scanned, atol=5e-3)


@pytest.mark.parametrize("taken", [False, True])
def test_branches(taken: bool, tmp_path: Path) -> None:
    check_halves(parse(IF), tmp_path, {"x": half(2, 3), "c": np.array(taken)})


PUBLISHED = ["chessgpt-op17", "hyperlpr-cls-96", "attention-past-state-u8s8", "mnist-8"]


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_networks(name: str, tmp_path: Path) -> None:
    """In f16, against what they answer in f32."""
    folder = MODELS / name
    if not folder.exists():
        pytest.skip(f"{folder} is not there")
    wide = onnx.load(folder / "model.onnx")
    feed = {}
    given = {tensor.name for tensor in wide.graph.initializer}
    inputs = [value for value in wide.graph.input if value.name not in given]
    for i, value in enumerate(inputs):
        content = (folder / "test_data_set_0" / f"input_{i}.pb").read_bytes()
        feed[value.name] = numpy_helper.to_array(onnx.TensorProto.FromString(content))
    expected = reference(wide, feed)
    made = converted(wide)
    halves = {
        key: array.astype(np.float16) if array.dtype == np.float32 else array
        for key, array in feed.items()
    }
    got = compiled(made, tmp_path).run(halves)
    for output, want in expected.items():
        size = np.abs(want).max()
        np.testing.assert_allclose(got[output], want, rtol=2e-2, atol=1e-2 * size, err_msg=output)
