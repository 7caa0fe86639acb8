# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Attention and rotary embedding in their many forms, against onnxruntime."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

import nncc
from harness import Array, Feeds, check, compare, compiled, network, random, reference

MS = "com.microsoft"
BATCH, HEADS, SHARED, LENGTH, PAST, SIZE = 2, 6, 2, 5, 3, 16
HIDDEN = HEADS * SIZE


def model(
    op: str, operands: dict[str, Array | None], outputs: int, domain: str = "", **attributes: Any
) -> tuple[onnx.ModelProto, Feeds]:
    """One node; operands that are None are left out."""
    feeds = {name: array for name, array in operands.items() if array is not None}
    names = [name if array is not None else "" for name, array in operands.items()]
    results = [f"y{i}" for i in range(outputs)]
    node = helper.make_node(op, names, results, domain=domain, **attributes)
    made = network([node], feeds, results, opset=23)
    made.ir_version = 11
    made.opset_import.append(helper.make_opsetid(MS, 1))
    return made, feeds


def cache(seed: int, heads: int = HEADS) -> Array:
    return random(BATCH, heads, PAST, SIZE, seed=seed)


BOOLEAN = np.random.default_rng(5).random((LENGTH, LENGTH)) > 0.4
ADDED = random(BATCH, 1, LENGTH, LENGTH, seed=6)

ATTENTION: dict[str, tuple[dict[str, Any], dict[str, Array]]] = {
    "plain": ({}, {}),
    "causal": ({"is_causal": 1}, {}),
    "scaled": ({"scale": 0.3, "softcap": 2.0}, {}),
    "boolean mask": ({}, {"mask": BOOLEAN | np.eye(LENGTH, dtype=bool)}),
    "added mask": ({"is_causal": 1}, {"mask": ADDED}),
}


@pytest.mark.parametrize("case", ATTENTION)
@pytest.mark.parametrize("heads", [HEADS, SHARED])
def test_attention(case: str, heads: int, tmp_path: Path) -> None:
    attributes, more = ATTENTION[case]
    operands: dict[str, Array | None] = {
        "q": random(BATCH, LENGTH, HIDDEN),
        "k": random(BATCH, LENGTH, heads * SIZE, seed=1),
        "v": random(BATCH, LENGTH, heads * SIZE, seed=2),
        **more,
    }
    made, feeds = model(
        "Attention", operands, 1, q_num_heads=HEADS, kv_num_heads=heads, **attributes
    )
    check(made, tmp_path, feeds)


def test_attention_with_a_cache(tmp_path: Path) -> None:
    operands: dict[str, Array | None] = {
        "q": random(BATCH, HEADS, LENGTH, SIZE),
        "k": random(BATCH, HEADS, LENGTH, SIZE, seed=1),
        "v": random(BATCH, HEADS, LENGTH, SIZE, seed=2),
        "mask": None,
        "past_k": cache(3),
        "past_v": cache(4),
    }
    made, feeds = model("Attention", operands, 3)
    check(made, tmp_path, feeds)


PACKED_MASKS: dict[str, Array | None] = {
    "none": None,
    "lengths": np.array([4, 7], np.int32),
    "keys": np.array([[1] * 8, [1, 1, 1, 0, 0, 1, 1, 1]], np.int32),
    "queries": (np.random.default_rng(7).random((BATCH, LENGTH, 8)) > 0.3).astype(np.int32),
}


@pytest.mark.parametrize("mask", PACKED_MASKS)
@pytest.mark.parametrize("causal", [0, 1])
def test_packed_attention(mask: str, causal: int, tmp_path: Path) -> None:
    operands: dict[str, Array | None] = {
        "x": random(BATCH, LENGTH, 7),
        "w": random(7, 3 * HIDDEN, seed=1),
        "b": random(3 * HIDDEN, seed=2),
        "mask": PACKED_MASKS[mask],
        "past": np.stack([cache(3), cache(4)]),
    }
    made, feeds = model(
        "Attention", operands, 2, MS, num_heads=HEADS, unidirectional=causal, scale=0.1
    )
    check(made, tmp_path, feeds)


def test_attention_between_two_positions(tmp_path: Path) -> None:
    operands: dict[str, Array | None] = {
        "x": random(BATCH, LENGTH, 7),
        "w": random(7, 3 * HIDDEN, seed=1),
        "b": random(3 * HIDDEN, seed=2),
        "mask": np.array([5, 4, 1, 0], np.int32),
    }
    made, feeds = model("Attention", operands, 1, MS, num_heads=HEADS)
    check(made, tmp_path, feeds)


def test_attention_with_a_mask_of_all_positions(tmp_path: Path) -> None:
    """As with that part of the mask that the queries and keys of this call have."""
    past, total = np.stack([cache(3), cache(4)]), PAST + LENGTH
    whole = (np.random.default_rng(7).random((BATCH, 1, 10, 10)) > 0.3).astype(np.int32)
    operands: dict[str, Array | None] = {
        "x": random(BATCH, LENGTH, 7),
        "w": random(7, 3 * HIDDEN, seed=1),
        "b": random(3 * HIDDEN, seed=2),
        "mask": np.ascontiguousarray(whole[:, 0, PAST:total, :total]),
        "past": past,
    }
    made, feeds = model("Attention", operands, 2, MS, num_heads=HEADS)
    expected = reference(made, feeds)
    made, feeds = model("Attention", operands | {"mask": whole}, 2, MS, num_heads=HEADS)
    compare(compiled(made, tmp_path).run(feeds), expected, 1e-4, 1e-4)


@pytest.mark.parametrize("masked", [False, True])
def test_multi_head_attention(masked: bool, tmp_path: Path) -> None:
    operands: dict[str, Array | None] = {
        "q": random(BATCH, LENGTH, HIDDEN),
        "k": random(BATCH, 4, HIDDEN, seed=1),
        "v": random(BATCH, 4, HIDDEN, seed=2),
        "b": random(3 * HIDDEN, seed=3),
        "mask": np.array([[1, 1, 0, 1], [1, 0, 0, 1]], np.int32) if masked else None,
    }
    made, feeds = model("MultiHeadAttention", operands, 1, MS, num_heads=HEADS)
    check(made, tmp_path, feeds)


@pytest.mark.parametrize("count", [3, 2])
def test_packed_heads(count: int, tmp_path: Path) -> None:
    """As the same operands side by side."""
    operands: dict[str, Array | None] = {
        name: random(BATCH, LENGTH, HIDDEN, seed=i) for i, name in enumerate("qkv")
    }
    made, feeds = model("MultiHeadAttention", operands, 1, MS, num_heads=HEADS)
    expected = reference(made, feeds)
    rest = list(operands)[3 - count :]
    heads = [feeds[name].reshape(BATCH, LENGTH, HEADS, SIZE) for name in rest]
    packed: dict[str, Array | None] = {"q": feeds["q"]} if count == 2 else {}
    made, feeds = model(
        "MultiHeadAttention", packed | {"p": np.stack(heads, 3)}, 1, MS, num_heads=HEADS
    )
    onnx.save(made, tmp_path / "model.onnx")
    nncc.compile(tmp_path / "model.onnx", tmp_path / "model.wasm")
    compare(nncc.load(tmp_path / "model.wasm").run(feeds), expected, 1e-4, 1e-5)


@pytest.mark.parametrize("causal", [0, 1])
def test_multi_head_attention_with_a_cache(causal: int, tmp_path: Path) -> None:
    """And the scores before the softmax."""
    operands: dict[str, Array | None] = {
        "q": random(BATCH, LENGTH, HIDDEN),
        "k": random(BATCH, LENGTH, HIDDEN, seed=1),
        "v": random(BATCH, LENGTH, HIDDEN, seed=2),
        "b": random(3 * HIDDEN, seed=3),
        "mask": None,
        "bias": random(1, HEADS, LENGTH, PAST + LENGTH, seed=6),
        "past_k": cache(4),
        "past_v": cache(5),
    }
    attributes = {"num_heads": HEADS, "unidirectional": causal}
    made, feeds = model("MultiHeadAttention", operands, 4, MS, **attributes)
    scores = helper.make_tensor_value_info("y3", onnx.TensorProto.FLOAT, None)
    made.graph.output[3].CopyFrom(scores)
    check(made, tmp_path, feeds)


ANGLES = random(16, SIZE // 2, seed=9)


def grouped(length: int, past: int, last: list[int], packed: bool = False) -> dict[str, Any]:
    """The operands of a step: `past` rows in the cache, the last position of each batch."""
    q, k, v = (
        random(len(last), length, heads * SIZE, seed=i)
        for i, heads in enumerate([HEADS, SHARED, SHARED])
    )
    return {
        "q": np.concatenate([q, k, v], 2) if packed else q,
        "k": None if packed else k,
        "v": None if packed else v,
        "past_k": random(len(last), SHARED, past, SIZE, seed=3),
        "past_v": random(len(last), SHARED, past, SIZE, seed=4),
        "seqlens": np.array(last, np.int32),
        "total": np.array(past + length, np.int32),
        "cos": np.cos(ANGLES),
        "sin": np.sin(ANGLES),
        "positions": None,
        "bias": None,
    }


GROUPED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "first step": (grouped(LENGTH, 0, [4, 4]), {}),
    "packed": (grouped(LENGTH, 0, [4, 4], packed=True), {}),
    "next step": (grouped(1, PAST, [3, 3]), {}),
    "shorter batch": (grouped(1, PAST, [3, 2]), {}),
    "several": (grouped(2, PAST, [4]), {"rotary_interleaved": 1}),
    "window": (grouped(LENGTH, 0, [4, 4]), {"local_window_size": 2}),
    "smooth": (grouped(2, PAST, [4]), {"smooth_softmax": 1}),
    "sinks": (grouped(2, PAST, [4]) | {"sink": random(HEADS, seed=8)}, {}),
    "softcap": (grouped(LENGTH, 0, [4, 4]), {"softcap": 1.5, "scale": 0.5}),
}


@pytest.mark.parametrize("case", GROUPED)
def test_group_query_attention(case: str, tmp_path: Path) -> None:
    operands, attributes = GROUPED[case]
    made, feeds = model(
        "GroupQueryAttention",
        operands,
        3,
        MS,
        num_heads=HEADS,
        kv_num_heads=SHARED,
        do_rotary=1,
        **attributes,
    )
    check(made, tmp_path, feeds)


@pytest.mark.parametrize("interleaved", [0, 1])
@pytest.mark.parametrize("pairs", [SIZE // 2, SIZE // 4])
def test_rotary_embedding(interleaved: int, pairs: int, tmp_path: Path) -> None:
    operands: dict[str, Array | None] = {
        "x": random(BATCH, HEADS, LENGTH, SIZE),
        "cos": np.cos(random(16, pairs, seed=1)),
        "sin": np.sin(random(16, pairs, seed=1)),
        "positions": np.array([[3, 0, 1, 15, 2], [0, 1, 2, 3, 4]], np.int64),
    }
    made, feeds = model(
        "RotaryEmbedding",
        operands,
        1,
        interleaved=interleaved,
        rotary_embedding_dim=0 if pairs == SIZE // 2 else 2 * pairs,
    )
    check(made, tmp_path, feeds)


def subgraph(name: str, op: str, number: float) -> onnx.GraphProto:
    """The tensor and a number, joined by an operator."""
    constant = helper.make_tensor(f"{name}.c", onnx.TensorProto.FLOAT, [], [number])
    node = helper.make_node(op, [f"{name}.x", f"{name}.c"], [f"{name}.y"])
    ends = [helper.make_empty_tensor_value_info(f"{name}.{end}") for end in "xy"]
    return helper.make_graph([node], name, ends[:1], ends[1:], [constant])


def test_flexible_attention(tmp_path: Path) -> None:
    """What subgraphs make of the scores and of the probabilities."""
    operands: dict[str, Array | None] = {
        "q": random(BATCH, HEADS, LENGTH, SIZE),
        "k": random(BATCH, SHARED, 7, SIZE, seed=1),
        "v": random(BATCH, SHARED, 7, SIZE, seed=2),
    }
    graphs = {"score_mod": subgraph("s", "Min", 0.3), "prob_mod": subgraph("p", "Mul", 0.5)}
    made, feeds = model("FlexAttention", operands, 1, "ai.onnx.preview", **graphs)
    made.opset_import.append(helper.make_opsetid("ai.onnx.preview", 1))
    got = compiled(made, tmp_path).run(feeds)["y0"]
    key, value = (feeds[name].repeat(HEADS // SHARED, 1) for name in "kv")
    odds = np.exp(np.minimum(feeds["q"] @ key.transpose(0, 1, 3, 2) / np.sqrt(SIZE), 0.3))
    expected = odds / odds.sum(-1, keepdims=True) * 0.5 @ value
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)
