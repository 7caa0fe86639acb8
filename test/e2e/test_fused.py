# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What onnxruntime's optimisers make of several nodes, against onnxruntime."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from harness import Array, Feeds, check, network, random

MS = "com.microsoft"


def fused(
    op: str,
    inputs: list[str],
    feeds: Feeds,
    constants: Feeds | None = None,
    outputs: tuple[str, ...] = ("y",),
    **attributes: Any,
) -> onnx.ModelProto:
    """A network of one node of com.microsoft."""
    node = helper.make_node(op, inputs, list(outputs), domain=MS, **attributes)
    model = network([node], feeds, [name for name in outputs if name], constants=constants)
    model.opset_import.append(helper.make_opsetid(MS, 1))
    return model


@pytest.mark.parametrize(
    ("activation", "parameters"),
    [
        ("Relu", []),
        ("Tanh", []),
        ("Sigmoid", []),
        ("LeakyRelu", [0.2]),
        ("Clip", [-0.3, 0.4]),
        ("HardSigmoid", [0.3, 0.4]),
    ],
)
def test_fused_conv(activation: str, parameters: list[float], tmp_path: Path) -> None:
    feed = {"x": random(1, 3, 7, 5)}
    constants = {"w": random(4, 3, 3, 3, seed=1), "b": random(4, seed=2)}
    attributes: dict[str, Any] = {"activation": activation, "pads": [1, 1, 1, 1]}
    if parameters:
        attributes["activation_params"] = parameters
    check(fused("FusedConv", ["x", "w", "b"], feed, constants, **attributes), tmp_path, feed)


def test_fused_conv_adds_another_tensor(tmp_path: Path) -> None:
    feed = {"x": random(1, 3, 7, 5), "z": random(1, 4, 5, 3, seed=1)}
    constants = {"w": random(4, 3, 3, 3, seed=2), "b": random(4, seed=3)}
    model = fused("FusedConv", ["x", "w", "b", "z"], feed, constants, activation="Relu")
    check(model, tmp_path, feed)


@pytest.mark.parametrize(
    ("activation", "parameters"),
    [
        ("Relu", {}),
        ("LeakyRelu", {"activation_alpha": 0.3}),
        ("HardSigmoid", {"activation_alpha": 0.3, "activation_beta": 0.4}),
        ("Elu", {"activation_alpha": 0.3}),
        ("Selu", {"activation_alpha": 1.5, "activation_gamma": 1.2}),
        ("Softplus", {}),
        ("Softsign", {}),
        ("ThresholdedRelu", {"activation_alpha": 0.3}),
    ],
)
def test_fused_gemm(activation: str, parameters: dict[str, float], tmp_path: Path) -> None:
    feed = {"a": random(3, 5), "b": random(7, 5, seed=1), "c": random(7, seed=2)}
    attributes: dict[str, Any] = {"activation": activation, "transB": 1, "alpha": 0.5, "beta": 2.0}
    attributes |= parameters
    check(fused("FusedGemm", ["a", "b", "c"], feed, **attributes), tmp_path, feed)


def test_transpose_matmul(tmp_path: Path) -> None:
    feed = {"a": random(2, 5, 3), "b": random(2, 5, 4, seed=1)}
    check(fused("TransposeMatMul", ["a", "b"], feed, transA=1, alpha=0.5), tmp_path, feed)


def test_matmul_of_transposed_batches(tmp_path: Path) -> None:
    feed = {"a": random(5, 2, 3), "b": random(2, 3, 4, seed=1)}
    check(fused("FusedMatMul", ["a", "b"], feed, transBatchA=1), tmp_path, feed)


def test_quick_gelu(tmp_path: Path) -> None:
    feed = {"x": random(3, 5)}
    check(fused("QuickGelu", ["x"], feed), tmp_path, feed)


@pytest.mark.parametrize("optional", [(), ("segments",), ("segments", "mask", "positions")])
def test_embed_layer_normalization(optional: tuple[str, ...], tmp_path: Path) -> None:
    ids = np.array([[1, 4, 2], [0, 3, 5]], np.int32)
    feed = {"ids": ids, "segments": ids % 2, "mask": (ids > 1).astype(np.int32)}
    feed["positions"] = np.array([[2, 0, 1], [1, 3, 0]], np.int32)
    feed = {name: feed[name] for name in ("ids", *optional)}
    tables = {"word": random(6, 8), "position": random(4, 8, seed=1), "segment": random(2, 8)}
    constants = tables | {"gamma": random(8, seed=2), "beta": random(8, seed=3)}

    def given(name: str) -> str:
        return name if name in optional else ""

    segment = "segment" if "segments" in optional else ""
    inputs = ["ids", given("segments"), "word", "position", segment, "gamma", "beta"]
    inputs += [given("mask"), given("positions")]
    model = fused("EmbedLayerNormalization", inputs, feed, constants, ("y", "n"), epsilon=1e-5)
    check(model, tmp_path, feed)


def test_expand_dims(tmp_path: Path) -> None:
    feed = {"x": random(3, 5)}
    axis = {"axis": np.array(-1, np.int32)}
    check(fused("ExpandDims", ["x", "axis"], feed, axis), tmp_path, feed)


@pytest.mark.parametrize("metric", ["euclidean", "sqeuclidean"])
def test_cdist(metric: str, tmp_path: Path) -> None:
    feed = {"a": random(5, 7), "b": random(3, 7, seed=1)}
    check(fused("CDist", ["a", "b"], feed, metric=metric), tmp_path, feed)


def quantized_weights(dtype: type, *shape: int, seed: int) -> Array:
    return np.random.default_rng(seed).integers(-100, 100, shape).astype(dtype)


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("states", [False, True])
def test_dynamic_quantize_lstm(direction: str, states: bool, tmp_path: Path) -> None:
    steps, inputs, hidden = 5, 6, 4
    count = 2 if direction == "bidirectional" else 1
    feed = {"x": random(steps, 1, inputs)}
    constants = {
        "w": quantized_weights(np.int8, count, inputs, 4 * hidden, seed=1),
        "r": quantized_weights(np.int8, count, hidden, 4 * hidden, seed=2),
        "b": random(count, 8 * hidden, seed=3),
        "ws": np.full(count, 0.01, np.float32),
        "rs": np.full(count, 0.02, np.float32),
        "z": np.zeros(count, np.int8),
    }
    names = ["x", "w", "r", "b", "", "", "", "", "ws", "z", "rs", "z"]
    if states:
        names[5:7] = ["h", "c"]
        feed |= {"h": random(count, 1, hidden, seed=4), "c": random(count, 1, hidden, seed=5)}
    outputs = ("y", "last_h", "last_c")
    attributes: dict[str, Any] = {"direction": direction, "hidden_size": hidden}
    model = fused("DynamicQuantizeLSTM", names, feed, constants, outputs, **attributes)
    check(model, tmp_path, feed)
