# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Operators of com.microsoft, against onnxruntime.

Some of them onnxruntime computes on GPUs alone: they are held against networks of
standard operators that say the same.
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import TensorProto, helper

import nncc
from harness import Array, Feeds, check, compare, random, reference
from test_fused import fused


def answer(model: onnx.ModelProto, feed: Feeds, folder: Path) -> dict[str, Array]:
    """What the compiled model answers."""
    onnx.save(model, folder / "model.onnx")
    nncc.compile(folder / "model.onnx", folder / "model.wasm")
    compiled = nncc.load(folder / "model.wasm")
    return compiled.run({item.name: feed[item.name] for item in compiled.inputs})


def check_against(
    model: onnx.ModelProto, graph: str, feed: Feeds, folder: Path, opset: int = 21
) -> None:
    """Compiles `model` and compares it with what onnxruntime answers for `graph`."""
    header = f'<ir_version: 8, opset_import: ["" : {opset}]>\n'
    expected = reference(onnx.parser.parse_model(header + graph), feed)
    compare(answer(model, feed, folder), expected, 1e-4, 1e-5)


@pytest.mark.parametrize("skip", [False, True])
def test_group_norm(skip: bool, tmp_path: Path) -> None:
    feed = {"x": random(2, 3, 5, 6), "gamma": random(6, seed=1), "beta": random(6, seed=2)}
    parts = "s = Identity(x)"
    if skip:
        feed |= {"skip": random(2, 6, seed=3), "bias": random(6, seed=4)}
        parts = "axes = Constant <value_ints = [1, 2]> () w = Unsqueeze(skip, axes) "
        parts += "t = Add(x, w) s = Add(t, bias)"
    attributes: dict[str, Any] = {"groups": 3, "activation": 1, "epsilon": 1e-4}
    model = fused(
        "SkipGroupNorm" if skip else "GroupNorm",
        list(feed),
        feed,
        outputs=("y", "s") if skip else ("y",),
        **attributes,
    )
    more = ", float[2,6] skip, float[6] bias" if skip else ""
    graph = f"""
    g (float[2,3,5,6] x, float[6] gamma, float[6] beta{more}) => (float[2,3,5,6] y{
        ", float[2,3,5,6] s" if skip else ""
    })
    {{
      {parts}
      first = Transpose <perm = [0, 3, 1, 2]> (s)
      n = GroupNormalization <num_groups = 3, epsilon = 0.0001> (first, gamma, beta)
      gate = Sigmoid(n)
      z = Mul(n, gate)
      y = Transpose <perm = [0, 2, 3, 1]> (z)
    }}
    """
    check_against(model, graph, feed, tmp_path)


def test_bias_split_gelu(tmp_path: Path) -> None:
    feed = {"x": random(2, 3, 8), "b": random(8, seed=1)}
    graph = """
    g (float[2,3,8] x, float[8] b) => (float[2,3,4] y)
    { s = Add(x, b) l, r = Split <axis = 2, num_outputs = 2> (s) e = Gelu(r) y = Mul(l, e) }
    """
    check_against(fused("BiasSplitGelu", ["x", "b"], feed), graph, feed, tmp_path)


@pytest.mark.parametrize("op", ["NhwcConv", "NhwcFusedConv"])
def test_channels_last_conv(op: str, tmp_path: Path) -> None:
    feed = {"x": random(1, 7, 5, 4), "w": random(6, 2, 3, 3, seed=1), "b": random(6, seed=2)}
    attributes: dict[str, Any] = {"pads": [1, 1, 1, 1], "strides": [2, 1], "group": 2}
    graph = """
    g (float[1,7,5,4] x, float[6,2,3,3] w, float[6] b) => (float[1,4,5,6] y)
    { f = Transpose <perm = [0, 3, 1, 2]> (x)
      c = Conv <pads = [1, 1, 1, 1], strides = [2, 1], group = 2> (f, w, b)
      t = Transpose <perm = [0, 2, 3, 1]> (c)
      y = ACT(t) }
    """.replace("ACT", "Identity" if op == "NhwcConv" else "Relu")
    if op == "NhwcFusedConv":
        attributes["activation"] = "Relu"
    check_against(fused(op, ["x", "w", "b"], feed, **attributes), graph, feed, tmp_path)


def test_gated_rms_norm(tmp_path: Path) -> None:
    feed = {"x": random(2, 3, 8), "w": random(4, seed=1), "g": random(2, 3, 8, seed=2)}
    graph = """
    g (float[2,3,8] x, float[4] w, float[2,3,8] g) => (float[2,3,8] y)
    { heads = Constant <value_ints = [2, 3, 2, 4]> () all = Constant <value_ints = [2, 3, 8]> ()
      last = Constant <value_ints = [-1]> () eps = Constant <value_float = 0.001> ()
      h = Reshape(x, heads) p = Mul(h, h) m = ReduceMean(p, last) e = Add(m, eps)
      r = Sqrt(e) n = Div(h, r) s = Mul(n, w) f = Reshape(s, all)
      o = Sigmoid(g) a = Mul(g, o) y = Mul(f, a) }
    """
    model = fused("GatedRMSNorm", ["x", "w", "g"], feed, activation="silu", epsilon=1e-3)
    check_against(model, graph, feed, tmp_path)


def rotary_caches(length: int, pairs: int) -> Feeds:
    angles = np.outer(np.arange(length), 0.3 ** np.arange(pairs)).astype(np.float32)
    return {"cos": np.cos(angles), "sin": np.sin(angles)}


@pytest.mark.parametrize("joined", [True, False])
@pytest.mark.parametrize("interleaved", [0, 1])
@pytest.mark.parametrize("whole", [True, False])
def test_rotary_embedding(joined: bool, interleaved: int, whole: bool, tmp_path: Path) -> None:
    x = random(2, 3, 16) if joined else random(2, 2, 3, 8)
    positions = np.array([[4, 0, 2], [1, 5, 3]]) if whole else np.array([2])
    feed = {"x": x, "at": positions.astype(np.int64)}
    attributes: dict[str, Any] = {"interleaved": interleaved}
    if not whole:
        attributes |= {"num_heads": 2, "rotary_embedding_dim": 4}
    constants = rotary_caches(6, 4 if whole else 2)
    names = ["x", "at", "cos", "sin"]
    check(fused("RotaryEmbedding", names, feed, constants, **attributes), tmp_path, feed)


@pytest.mark.parametrize("both", [False, True])
def test_relative_position_bias(both: bool, tmp_path: Path) -> None:
    """Buckets as T5 has them: the near ones exact, the far ones logarithmic."""
    table, length, most = random(8, 2), 13, 10
    lengths = {"q": np.array([length]), "k": np.array([length])}
    attributes: dict[str, Any] = {"max_distance": most, "is_bidirectional": int(both)}
    model = fused(
        "RelativePositionBias", ["table", "q", "k"], {"table": table}, lengths, **attributes
    )
    distance = np.arange(length)[None, :] - np.arange(length)[:, None]
    buckets = 4 if both else 8
    base = (distance > 0) * buckets if both else 0
    distance = np.abs(distance) if both else np.maximum(-distance, 0)
    exact = buckets // 2
    far = np.log(np.maximum(distance, 1) / exact) / np.log(most / exact) * (buckets - exact)
    far = np.minimum(exact + far.astype(int), buckets - 1)
    want = table[base + np.where(distance < exact, distance, far)].transpose(2, 0, 1)
    np.testing.assert_allclose(answer(model, {"table": table}, tmp_path)["y"][0], want)


def test_bias_softmax(tmp_path: Path) -> None:
    feed = {"x": random(2, 3, 4, 5), "b": random(2, 1, 1, 5, seed=1)}
    model = fused("BiasSoftmax", ["x", "b"], feed, axis=3, is_inner_broadcast=1)
    graph = """
    g (float[2,3,4,5] x, float[2,1,1,5] b) => (float[2,3,4,5] y)
    { s = Add(x, b) y = Softmax(s) }
    """
    check_against(model, graph, feed, tmp_path)


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_crop_and_resize(mode: str, tmp_path: Path) -> None:
    boxes = np.array([[0.1, 0.2, 0.8, 0.95], [0.0, 0.0, 1.0, 1.2], [0.5, 0.1, 0.3, 0.75]])
    feed = {"x": random(2, 3, 7, 6), "boxes": boxes.astype(np.float32)}
    feed["of"] = np.array([1, 0, 1], np.int32)
    size = {"size": np.array([4, 5], np.int32)}
    names = ["x", "boxes", "of", "size"]
    model = fused("CropAndResize", names, feed, size, mode=mode, extrapolation_value=0.5)
    check(model, tmp_path, feed)


def test_inverse(tmp_path: Path) -> None:
    x = random(3, 5, 5)
    x[1, 0, 0] = 0  # needs another pivot
    check(fused("Inverse", ["x"], {"x": x}), tmp_path, {"x": x})


def test_sums_and_checks(tmp_path: Path) -> None:
    feed = {"x": random(2, 3, 4), "b": random(4, seed=1), "s": random(2, 3, 4, seed=2)}
    graph = """
    g (float[2,3,4] x, float[4] b, float[2,3,4] s) => (float[2,3,4] y)
    { t = Add(x, b) y = Add(t, s) }
    """
    for op in ("BiasAdd", "BiasDropout"):
        check_against(fused(op, ["x", "b", "s"], feed), graph, feed, tmp_path)
    feed = {"x": np.array([1, np.inf], np.float32), "y": np.array([0], np.float32)}
    model = fused("IsAllFinite", ["x", "y"], feed, outputs=("z",))
    assert not answer(model, feed, tmp_path)["z"]
    assert answer(model, {"x": feed["x"][[0, 0]], "y": feed["y"]}, tmp_path)["z"]


def test_unfold(tmp_path: Path) -> None:
    feed = {"x": random(2, 9, 3)}
    check(fused("UnfoldTensor", ["x"], feed, dim=1, size=4, step=2), tmp_path, feed)


@pytest.mark.parametrize("op", ["ComplexMul", "ComplexMulConj"])
def test_complex_product(op: str, tmp_path: Path) -> None:
    feed = {"a": random(3, 4, 2), "b": random(3, 4, 2, seed=1)}
    a, b = (feed[name].view(np.complex64)[..., 0] for name in ("a", "b"))
    want = a * (b.conj() if op == "ComplexMulConj" else b)
    got = answer(fused(op, ["a", "b"], feed), feed, tmp_path)["y"]
    np.testing.assert_allclose(got.view(np.complex64)[..., 0], want, rtol=1e-4, atol=1e-5)


def test_unique(tmp_path: Path) -> None:
    feed = {"x": np.array([3, 1, 3, 7, 1, 1], np.float32)}
    model = fused("Unique", ["x"], feed, outputs=("y", "at", "count"))
    check(model, tmp_path, feed)


def integers(dtype: type, *shape: int, seed: int = 0) -> Array:
    info = np.iinfo(dtype)
    return np.random.default_rng(seed).integers(info.min, info.max, shape, dtype, endpoint=True)


@pytest.mark.parametrize("points", [False, True])
@pytest.mark.parametrize("bits", [4, 8])
def test_gather_block_quantized(points: bool, bits: int, tmp_path: Path) -> None:
    width = 48 * bits // 8
    feed = {"at": np.array([[3, 0], [6, 3]], np.int64)}
    constants: dict[str, Array] = {
        "table": integers(np.uint8, 7, width),
        "scales": np.abs(random(7, 3)),
    }
    names = ["table", "at", "scales"]
    if points:
        constants["points"] = integers(np.uint8, 7, 2 if bits == 4 else 3, seed=1)
        names.append("points")
    attributes: dict[str, Any] = {"bits": bits, "block_size": 16}
    model = fused("GatherBlockQuantized", names, feed, constants, **attributes)
    check(model, tmp_path, feed)


@pytest.mark.parametrize("element", [TensorProto.INT4, TensorProto.UINT4])
@pytest.mark.parametrize("points", [False, True])
def test_rows_of_integers_of_4_bits(points: bool, element: int, tmp_path: Path) -> None:
    feed = {"at": np.array([[3, 0], [6, 3]], np.int64)}
    names = ["table", "at", "scales", "points"] if points else ["table", "at", "scales"]
    constants = {"scales": np.abs(random(7, 3))}
    model = fused("GatherBlockQuantized", names, feed, constants, block_size=16, bits=4)
    numbers = np.random.default_rng(0).integers(0, 8, (7, 48 + 3))
    for name, part in (("table", numbers[:, :48]), ("points", numbers[:, 48:])):
        if name in names:
            tensor = helper.make_tensor(name, element, part.shape, part.ravel())
            model.graph.initializer.append(tensor)
    model.opset_import[0].version, model.ir_version = 21, 10
    check(model, tmp_path, feed)


@pytest.mark.parametrize("kind", [0, 1])
def test_matmul_bnb4(kind: int, tmp_path: Path) -> None:
    feed = {"a": random(2, 3, 32)}
    constants = {"b": integers(np.uint8, 32 * 6 // 2), "m": np.abs(random(32 * 6 // 16))}
    attributes: dict[str, Any] = {"K": 32, "N": 6, "block_size": 16, "quant_type": kind}
    check(fused("MatMulBnb4", ["a", "b", "m"], feed, constants, **attributes), tmp_path, feed)


def test_integer_sums(tmp_path: Path) -> None:
    feed = {"x": integers(np.uint8, 2, 3, 4), "y": integers(np.uint8, 4, seed=1)}
    scales = {"a": np.array(0.1, np.float32), "b": np.array(0.05, np.float32)}
    scales |= {"p": np.array(120, np.uint8), "q": np.array(130, np.uint8)}
    x, y = (feed[name].astype(np.int32) for name in ("x", "y"))
    names = ["x", "a", "p", "b", "q"]
    model = fused("QLinearReduceMean", names, {"x": feed["x"]}, scales, axes=[1], keepdims=0)
    want = np.clip(np.round((x - 120).mean(1) * 0.1 / 0.05) + 130, 0, 255)
    np.testing.assert_allclose(answer(model, feed, tmp_path)["y"], want, atol=1)
    model = fused("ReduceSumInteger", ["x"], {"x": feed["x"]}, axes=[1], keepdims=1)
    np.testing.assert_array_equal(answer(model, feed, tmp_path)["y"], x.sum(1, keepdims=True))
    model = fused("MulInteger", ["x", "p", "y", "q"], feed, scales, ("z",))
    np.testing.assert_array_equal(answer(model, feed, tmp_path)["z"], (x - 120) * (y - 130))


def expert_weights(fusion: int = 1) -> dict[str, Array]:
    return {
        "w1": random(5, 6 * fusion, 8, seed=2),
        "b1": random(5, 6 * fusion, seed=3),
        "w2": random(5, 8, 6, seed=4),
        "b2": random(5, 8, seed=5),
    }


@pytest.mark.parametrize("activation", ["relu", "gelu", "swiglu"])
@pytest.mark.parametrize("normalizes", [0, 1])
def test_mixture_of_experts(activation: str, normalizes: int, tmp_path: Path) -> None:
    feed = {"x": random(2, 3, 8), "odds": random(6, 5, seed=1)}
    attributes: dict[str, Any] = {"k": 2, "activation_type": activation}
    attributes["normalize_routing_weights"] = normalizes
    if activation == "swiglu":
        attributes |= {"activation_alpha": 1.7, "activation_beta": 1.0, "swiglu_limit": 1.5}
        attributes["swiglu_fusion"] = 1
    weights = expert_weights(2 if activation == "swiglu" else 1)
    model = fused("MoE", [*feed, *weights], feed, weights, **attributes)
    check(model, tmp_path, feed)


def test_gated_experts(tmp_path: Path) -> None:
    feed = {"x": random(6, 8), "odds": random(6, 5, seed=1)}
    weights = expert_weights() | {"w3": random(5, 6, 8, seed=6)}
    names = ["x", "odds", *weights]
    model = fused("MoE", names, feed, weights, k=2, activation_type="silu")
    odds = np.exp(feed["odds"]) / np.exp(feed["odds"]).sum(1, keepdims=True)
    want = np.zeros((6, 8), np.float32)
    for token, best in enumerate(np.argsort(-odds, 1)[:, :2]):
        for e in best:
            x = feed["x"][token]
            first = weights["w1"][e] @ x + weights["b1"][e]
            inner = first / (1 + np.exp(-first)) * (weights["w3"][e] @ x)
            want[token] += odds[token, e] * (weights["w2"][e] @ inner + weights["b2"][e])
    np.testing.assert_allclose(answer(model, feed, tmp_path)["y"], want, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("op", ["Trilu", "Range", "Pad", "GatherND", "GridSample"])
def test_operators_of_before_they_were_standard(op: str, tmp_path: Path) -> None:
    constants: dict[str, Array] = {}
    feed: dict[str, Array] = {"x": random(2, 3, 4, 5)}
    attributes: dict[str, Any] = {}
    names = ["x"]
    if op == "Range":
        feed = {"x": np.array(2, np.float32)}
        constants = {"to": np.array(9, np.float32)}
        names = ["x", "to"]
    elif op == "Pad":
        constants = {"pads": np.array([0, 1, 0, 2, 0, 0, 1, 0], np.int64)}
        constants["value"] = np.array([0.5], np.float32)
        names = ["x", "pads", "value"]
        attributes["mode"] = "constant"
    elif op == "GatherND":
        feed["at"] = np.array([[1, 2], [0, 1]], np.int64)
        names = ["x", "at"]
    elif op == "GridSample":
        feed["grid"] = np.clip(random(2, 2, 3, 2, seed=1), -1.2, 1.2)
        names = ["x", "grid"]
        attributes = {"mode": "bilinear", "align_corners": 1}
    check(fused(op, names, feed, constants, **attributes), tmp_path, feed)


@pytest.mark.parametrize(("bits", "block"), [(4, 0), (4, 16), (8, 0)])
def test_experts_with_weights_of_few_bits(bits: int, block: int, tmp_path: Path) -> None:
    feed = {"x": random(6, 32), "odds": random(6, 5, seed=1)}
    packed = 8 // bits
    constants: dict[str, Array] = {
        "w1": integers(np.uint8, 5, 16, 32 // packed),
        "s1": np.abs(random(*([5, 16, 2] if block else [5, 16]), seed=2)) / 100,
        "w2": integers(np.uint8, 5, 32, 16 // packed, seed=3),
        "s2": np.abs(random(*([5, 32, 1] if block else [5, 32]), seed=4)) / 100,
    }
    names = ["x", "odds", "w1", "s1", "", "w2", "s2"]
    attributes: dict[str, Any] = {"k": 2, "expert_weight_bits": bits, "activation_type": "silu"}
    if block:
        attributes["block_size"] = block
    check(fused("QMoE", names, feed, constants, **attributes), tmp_path, feed, rtol=1e-2, atol=1e-2)


def test_groups_of_weights(tmp_path: Path) -> None:
    """Weights that name their group, as quantisation in the order of activations makes them."""
    feed = {"a": random(3, 64)}
    constants: dict[str, Array] = {
        "b": integers(np.uint8, 6, 2, 16),
        "s": np.abs(random(6, 2)).reshape(-1),
        "g": np.random.default_rng(2).integers(0, 2, 64).astype(np.int32),
    }
    names = ["a", "b", "s", "", "g"]
    model = fused("MatMulNBits", names, feed, constants, K=64, N=6, bits=4, block_size=32)
    check(model, tmp_path, feed)


def test_product_with_gelu(tmp_path: Path) -> None:
    feed = {"a": random(2, 5, 8)}
    constants = {"w": random(8, 6, seed=1), "b": random(6, seed=2)}
    got = answer(fused("GemmFastGelu", ["a", *constants], feed, constants), feed, tmp_path)["y"]
    x = feed["a"] @ constants["w"] + constants["b"]
    want = x / 2 * (1 + np.tanh(0.7978845608 * (x + 0.044715 * x**3)))
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)
