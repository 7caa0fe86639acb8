# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Operators of ai.onnx that few networks have, against onnxruntime.

What it does not know yet is held against ONNX's own reference.
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx.reference import ReferenceEvaluator

import nncc
from harness import Array, Feeds, check, compare, network, random


def one(
    op: str,
    inputs: list[str],
    feeds: Feeds,
    constants: Feeds | None = None,
    outputs: tuple[str, ...] = ("y",),
    *,
    opset: int = 22,
    **attributes: Any,
) -> onnx.ModelProto:
    """A network of one node."""
    node = helper.make_node(op, inputs, list(outputs), **attributes)
    return network([node], feeds, outputs, constants=constants, opset=opset)


def check_reference(model: onnx.ModelProto, feed: Feeds, folder: Path) -> None:
    onnx.save(model, folder / "model.onnx")
    nncc.compile(folder / "model.onnx", folder / "model.wasm")
    names = [output.name for output in model.graph.output]
    expected = dict(zip(names, ReferenceEvaluator(model).run(None, dict(feed)), strict=True))
    compare(nncc.load(folder / "model.wasm").run(feed), expected, 1e-4, 1e-5)


@pytest.mark.parametrize("align", [0, 1])
@pytest.mark.parametrize("size", [[2, 3, 5, 4], [2, 3, 4, 5, 3]])
def test_affine_grid(align: int, size: list[int], tmp_path: Path) -> None:
    axes = len(size) - 2
    feed = {"t": random(2, axes, axes + 1)}
    constants = {"size": np.array(size, np.int64)}
    check(one("AffineGrid", ["t", "size"], feed, constants, align_corners=align), tmp_path, feed)


def test_center_crop_pad(tmp_path: Path) -> None:
    shape = {"s": np.array([4, 6, 3], np.int64)}
    feeds: list[Feeds] = [{"x": random(2, n, 3, 6)} for n in (1, 4, 7, 8)]
    node = helper.make_node("CenterCropPad", ["x", "s"], ["y"], axes=[1, -2, -1])
    sizes: dict[str, list[int | str]] = {"x": [2, "n", 3, 6]}
    model = network([node], feeds[0], constants=shape, shapes=sizes, opset=18)
    check(model, tmp_path, *feeds)


@pytest.mark.parametrize(
    "attributes",
    [{}, {"strides": [2, 1], "pads": [1, 0, 1, 2]}, {"dilations": [1, 2], "strides": [2, 2]}],
)
def test_col2im(attributes: dict[str, Any], tmp_path: Path) -> None:
    strides = attributes.get("strides", [1, 1])
    pads = attributes.get("pads", [0, 0, 0, 0])
    dilations = attributes.get("dilations", [1, 1])
    image, block = [7, 8], [3, 2]
    count = 1
    for i in range(2):
        span = image[i] + pads[i] + pads[i + 2] - dilations[i] * (block[i] - 1) - 1
        count *= span // strides[i] + 1
    feed = {"x": random(2, 3 * 6, count)}
    constants = {"i": np.array(image, np.int64), "b": np.array(block, np.int64)}
    check(one("Col2Im", ["x", "i", "b"], feed, constants, **attributes), tmp_path, feed)


@pytest.mark.parametrize("mask", [False, True])
def test_deformable_convolution(mask: bool, tmp_path: Path) -> None:
    feed = {
        "x": random(2, 4, 7, 6),
        "w": random(6, 2, 3, 3, seed=1),
        "o": random(2, 2 * 9 * 2, 4, 6, seed=2) * 2,
        "b": random(6, seed=3),
    }
    if mask:
        feed["m"] = random(2, 2 * 9, 4, 6, seed=4)
    attributes: dict[str, Any] = {"group": 2, "offset_group": 2, "strides": [2, 1]}
    attributes |= {"pads": [1, 1, 1, 1], "kernel_shape": [3, 3]}
    check(one("DeformConv", list(feed), feed, **attributes), tmp_path, feed)


def test_determinant(tmp_path: Path) -> None:
    x = random(3, 5, 5)
    x[1, 0, 0] = 0  # needs another pivot
    x[2, 3] = x[2, 1]
    check(one("Det", ["x"], {"x": x}), tmp_path, {"x": x})


@pytest.mark.parametrize(("op", "attributes"), [("GlobalLpPool", {}), ("LpPool", {"p": 3})])
def test_norms_of_windows(op: str, attributes: dict[str, Any], tmp_path: Path) -> None:
    feed = {"x": random(2, 3, 6, 5)}
    if op == "LpPool":
        attributes = attributes | {"kernel_shape": [3, 2], "strides": [2, 1]}
    check(one(op, ["x"], feed, opset=18, **attributes), tmp_path, feed)


@pytest.mark.parametrize(
    "attributes",
    [
        {"kernel_shape": [2, 2], "strides": [2, 2]},
        {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 1, 1, 0], "ceil_mode": 1},
        {"kernel_shape": [2, 3], "dilations": [2, 1], "storage_order": 1},
    ],
)
def test_places_of_maxima(attributes: dict[str, Any], tmp_path: Path) -> None:
    feed = {"x": random(2, 3, 7, 6)}
    check(one("MaxPool", ["x"], feed, outputs=("y", "i"), **attributes), tmp_path, feed)
    small = np.random.default_rng(1).integers(-128, -125, (1, 2, 7, 6)).astype(np.int8)
    model = one("MaxPool", ["x"], {"x": small}, outputs=("y", "i"), **attributes)
    check(model, tmp_path, {"x": small})


@pytest.mark.parametrize("shape", [None, [2, 3, 7, 6]])
def test_unpooling(shape: list[int] | None, tmp_path: Path) -> None:
    window: dict[str, Any] = {"kernel_shape": [2, 2], "strides": [2, 2]}
    nodes = [
        helper.make_node("MaxPool", ["x"], ["p", "i"], **window),
        helper.make_node("MaxUnpool", ["p", "i"] + (["s"] if shape else []), ["y"], **window),
    ]
    size = shape or [2, 3, 8, 6]
    feed = {"x": random(*size)}
    constants = {"s": np.array(shape, np.int64)} if shape else {}
    check(network(nodes, feed, constants=constants, opset=22), tmp_path, feed)


def test_mel_weights(tmp_path: Path) -> None:
    feed: dict[str, Array] = {"bands": np.array(8, np.int64), "length": np.array(64, np.int64)}
    feed |= {"rate": np.array(16000, np.int64), "low": np.array(20, np.float32)}
    feed |= {"high": np.array(7600, np.float32)}
    check(one("MelWeightMatrix", list(feed), feed), tmp_path, feed)


@pytest.mark.parametrize("op", ["HannWindow", "BlackmanWindow"])
def test_windows_of_open_size(op: str, tmp_path: Path) -> None:
    feeds = [{"n": np.array(n, np.int64)} for n in (2, 10)]
    check(one(op, ["n"], feeds[0], periodic=0), tmp_path, *feeds)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("ignored", [-1, None])
def test_losses(reduction: str, ignored: int | None, tmp_path: Path) -> None:
    labels = np.random.default_rng(0).integers(0 if ignored is None else -1, 5, (3, 4))
    feed = {"x": random(3, 5, 4), "t": labels.astype(np.int64), "w": np.abs(random(5, seed=1))}
    attributes: dict[str, Any] = {"reduction": reduction}
    if ignored is not None:
        attributes["ignore_index"] = ignored
    model = one("NegativeLogLikelihoodLoss", ["x", "t", "w"], feed, **attributes)
    check(model, tmp_path, feed)
    model = one("SoftmaxCrossEntropyLoss", ["x", "t", "w"], feed, None, ("y", "l"), **attributes)
    check(model, tmp_path, feed)


@pytest.mark.parametrize("exclusive", [0, 1])
@pytest.mark.parametrize("reverse", [0, 1])
def test_running_products(exclusive: int, reverse: int, tmp_path: Path) -> None:
    feed = {"x": random(2, 5, 3)}
    axis = {"axis": np.array(-2, np.int64)}
    attributes: dict[str, Any] = {"exclusive": exclusive, "reverse": reverse}
    model = one("CumProd", ["x", "axis"], feed, axis, opset=26, **attributes)
    check_reference(model, feed, tmp_path)


@pytest.mark.parametrize("mode", ["linear", "circular"])
def test_rows_into_a_cache(mode: str, tmp_path: Path) -> None:
    starts = [1, 3] if mode == "linear" else [4, 5]
    feed = {"c": random(2, 2, 6, 3), "u": random(2, 2, 3, 3, seed=1)}
    feed["w"] = np.array(starts, np.int64)
    model = one("TensorScatter", ["c", "u", "w"], feed, opset=24, mode=mode)
    check_reference(model, feed, tmp_path)


def test_swiglu(tmp_path: Path) -> None:
    feed = {"a": random(2, 5), "b": random(2, 5, seed=1)}
    model = one("SwiGLU", ["a", "b"], feed, opset=28, alpha=1.5)
    gate = feed["a"] / (1 + np.exp(-1.5 * feed["a"]))
    onnx.save(model, tmp_path / "model.onnx")
    nncc.compile(tmp_path / "model.onnx", tmp_path / "model.wasm")
    got = nncc.load(tmp_path / "model.wasm").run(feed)["y"]
    np.testing.assert_allclose(got, gate * feed["b"], rtol=1e-4)


def test_causal_convolution(tmp_path: Path) -> None:
    feed = {"x": random(2, 4, 5), "w": random(4, 1, 3, seed=1), "b": random(4, seed=2)}
    feed["p"] = random(2, 4, 2, seed=3)
    model = one(
        "CausalConvWithState", list(feed), feed, None, ("y", "s"), opset=27, activation="silu"
    )
    check_reference(model, feed, tmp_path)


@pytest.mark.parametrize("rule", ["linear", "gated", "delta", "gated_delta"])
def test_linear_attention(rule: str, tmp_path: Path) -> None:
    feed = {"q": random(2, 5, 4 * 3), "k": random(2, 5, 2 * 3, seed=1)}
    feed |= {"v": random(2, 5, 2 * 4, seed=2), "s": random(2, 2, 3, 4, seed=3)}
    names = ["q", "k", "v", "s", "", ""]
    if "gated" in rule:
        feed["d"] = -np.abs(random(2, 5, 2, seed=4))
        names[4] = "d"
    if "delta" in rule:
        feed["b"] = np.abs(random(2, 5, 2, seed=5)) % 1
        names[5] = "b"
    attributes: dict[str, Any] = {"q_num_heads": 4, "kv_num_heads": 2, "update_rule": rule}
    model = one("LinearAttention", names, feed, None, ("y", "t"), opset=27, **attributes)
    check_reference(model, feed, tmp_path)


@pytest.mark.parametrize("reduction", ["add", "mul", "max", "min"])
@pytest.mark.parametrize("op", ["ScatterElements", "ScatterND"])
def test_scattered_updates_join(op: str, reduction: str, tmp_path: Path) -> None:
    at = np.array([[0, 2, 0, 2], [1, 1, 1, 0]], np.int64)
    for width in (1, 2):
        feed = {"x": random(3, 4), "u": random(*((2, 4, 4) if width == 1 else (2, 2)), seed=1)}
        indices = at[..., None] if width == 1 else at.reshape(2, 2, 2)
        if op == "ScatterElements":
            feed["u"], indices = random(2, 4, seed=1), at
        model = one(op, ["x", "i", "u"], feed, {"i": indices}, opset=18, reduction=reduction)
        check(model, tmp_path, feed)


@pytest.mark.parametrize("mode", ["TF", "IDF", "TFIDF"])
@pytest.mark.parametrize("skips", [0, 2])
def test_counts_of_sequences(mode: str, skips: int, tmp_path: Path) -> None:
    feed = {"x": np.random.default_rng(0).integers(0, 4, (3, 9)).astype(np.int64)}
    attributes: dict[str, Any] = {
        "mode": mode,
        "min_gram_length": 1,
        "max_gram_length": 2,
        "max_skip_count": skips,
        "ngram_counts": [0, 2],
        "ngram_indexes": [0, 3, 1, 4, 2],
        "pool_int64s": [1, 3, 0, 1, 2, 2, 3, 0],
        "weights": [0.5, 2.0, 3.0, 1.5, 0.25],
    }
    check(one("TfIdfVectorizer", ["x"], feed, **attributes), tmp_path, feed)


@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["linear", "nearest"])
def test_samples_of_volumes(padding: str, mode: str, tmp_path: Path) -> None:
    feed = {"x": random(2, 2, 4, 3, 5), "g": random(2, 3, 2, 4, 3, seed=1)}
    attributes: dict[str, Any] = {"padding_mode": padding, "mode": mode, "align_corners": 1}
    check(one("GridSample", ["x", "g"], feed, opset=20, **attributes), tmp_path, feed)


@pytest.mark.parametrize("rows", [5, 6])
def test_inverse_of_half_a_spectrum(rows: int, tmp_path: Path) -> None:
    signal = random(3, 2 * rows - 2)
    spectrum = np.fft.rfft(signal)
    feed = {"x": np.stack([spectrum.real, spectrum.imag], -1).astype(np.float32)}
    model = one("DFT", ["x"], feed, opset=19, axis=1, inverse=1, onesided=1)
    onnx.save(model, tmp_path / "model.onnx")
    nncc.compile(tmp_path / "model.onnx", tmp_path / "model.wasm")
    got = nncc.load(tmp_path / "model.wasm").run(feed)["y"]
    np.testing.assert_allclose(got[..., 0], signal, atol=1e-5)


def test_padding_with_what_data_tell(tmp_path: Path) -> None:
    feed = {"x": random(2, 3), "v": np.array(0.5, np.float32)}
    pads = {"p": np.array([1, -1, 0, 2], np.int64)}
    check(one("Pad", ["x", "p", "v"], feed, pads, opset=18), tmp_path, feed)


def test_batch_normalization_that_trains(tmp_path: Path) -> None:
    feed = {"x": random(4, 3, 5), "s": random(3, seed=1), "b": random(3, seed=2)}
    feed |= {"m": random(3, seed=3), "v": np.abs(random(3, seed=4))}
    attributes: dict[str, Any] = {"training_mode": 1, "momentum": 0.8}
    model = one("BatchNormalization", list(feed), feed, None, ("y", "n", "w"), **attributes)
    check_reference(model, feed, tmp_path)


@pytest.mark.parametrize("policy", ["not_larger", "not_smaller"])
def test_sizes_that_keep_the_aspect_ratio(policy: str, tmp_path: Path) -> None:
    feed = {"x": random(1, 2, 6, 4)}
    sizes = {"s": np.array([9, 7], np.int64)}
    attributes: dict[str, Any] = {"mode": "linear", "axes": [2, 3]}
    attributes["keep_aspect_ratio_policy"] = policy
    check(one("Resize", ["x", "", "", "s"], feed, sizes, opset=18, **attributes), tmp_path, feed)


@pytest.mark.parametrize("equation", ["ii->i", "bii->b", "ij,jj->i", "...ii->...i"])
def test_diagonals(equation: str, tmp_path: Path) -> None:
    operands = {"bii->b": [random(2, 3, 3)], "...ii->...i": [random(2, 3, 3)]}
    arrays = operands.get(equation, [random(3, 3, seed=i) for i in range(equation.count(",") + 1)])
    feed = dict(zip("xw", arrays, strict=False))
    node = helper.make_node("Einsum", list(feed), ["y"], equation=equation)
    check(network([node], feed), tmp_path, feed)


@pytest.mark.parametrize("mode", ["nearest", "linear"])
@pytest.mark.parametrize("space", [[4, 5], [11, 1]])
def test_crops_that_data_tell(mode: str, space: list[int], tmp_path: Path) -> None:
    """As tf2onnx writes crop_and_resize; a part of the crop lies outside."""
    feeds = [
        {
            "x": random(1, 3, 8, 9),
            "from": np.array([a, b], np.float32),
            "to": np.array([c, d], np.float32),
        }
        for a, b, c, d in [(0.1, 0.2, 0.7, 0.8), (-0.2, 0.1, 1.27, 0.9), (0.9, 0.6, 0.2, 0.1)]
    ]
    constants = {
        "zeros": np.array([0, 0], np.float32),
        "ones": np.array([1, 1], np.float32),
        "s": np.array([1, 3, *space]),
    }
    nodes = [
        helper.make_node("Concat", ["zeros", "from", "ones", "to"], ["roi"], axis=0),
        helper.make_node(
            "Resize",
            ["x", "roi", "", "s"],
            ["y"],
            mode=mode,
            coordinate_transformation_mode="tf_crop_and_resize",
            extrapolation_value=-7.0,
        ),
    ]
    check(network(nodes, feeds[0], constants=constants), tmp_path, *feeds)


def test_norm_without_a_mean_tells_its_factor(tmp_path: Path) -> None:
    feed = {"x": random(3, 8) * 2 + 1, "s": random(8, seed=1)}
    node = helper.make_node("SimplifiedLayerNormalization", ["x", "s"], ["y", "inverse"], axis=-1)
    check(network([node], feed, ["y", "inverse"]), tmp_path, feed)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_statistics_of_a_layer_are_of_32_bits(dtype: type, tmp_path: Path) -> None:
    feed: dict[str, Array] = {"x": random(3, 8).astype(dtype), "s": random(8, seed=1).astype(dtype)}
    node = helper.make_node("LayerNormalization", ["x", "s"], ["y", "mean", "inverse"], axis=-1)
    check(network([node], feed, ["y", "mean", "inverse"]), tmp_path, feed, rtol=1e-2, atol=1e-2)
