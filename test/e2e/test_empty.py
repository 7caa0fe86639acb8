# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Sizes that are 0: batches of nothing, caches that hold nothing yet, what nothing gives."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

import nncc
from harness import Array, check, compiled, network, parse, random, reference

HEADS, KEY_HEADS, WIDTH = 4, 2, 16
CACHE: list[int | str] = ["batch", KEY_HEADS, "past", WIDTH]


def grouped_query_feed(past: int, new: int, batch: int = 1) -> dict[str, Array]:
    total = past + new
    return {
        "q": random(batch, new, HEADS * WIDTH, seed=1),
        "k": random(batch, new, KEY_HEADS * WIDTH, seed=2),
        "v": random(batch, new, KEY_HEADS * WIDTH, seed=3),
        "past_k": random(batch, KEY_HEADS, past, WIDTH, seed=4),
        "past_v": random(batch, KEY_HEADS, past, WIDTH, seed=5),
        "last": np.full(batch, total - 1, np.int32),
        "total": np.array(total, np.int32),
    }


@pytest.mark.parametrize("rotary", [0, 1])
def test_first_call_of_a_decoder_with_grouped_queries(rotary: int, tmp_path: Path) -> None:
    caches = {name: random(32, WIDTH // 2, seed=i) for i, name in enumerate(("cos", "sin"))}
    node = helper.make_node(
        "GroupQueryAttention",
        ["q", "k", "v", "past_k", "past_v", "last", "total", *(caches if rotary else ())],
        ["y", "present_k", "present_v"],
        domain="com.microsoft",
        num_heads=HEADS,
        kv_num_heads=KEY_HEADS,
        do_rotary=rotary,
    )
    feeds = [grouped_query_feed(0, 5), grouped_query_feed(5, 1)]
    shapes: dict[str, list[int | str]] = {
        "q": ["batch", "new", HEADS * WIDTH],
        "k": ["batch", "new", KEY_HEADS * WIDTH],
        "v": ["batch", "new", KEY_HEADS * WIDTH],
        "past_k": CACHE,
        "past_v": CACHE,
        "last": ["batch"],
    }
    outputs = ["y", "present_k", "present_v"]
    constants = caches if rotary else {}
    model = network([node], feeds[0], outputs, shapes=shapes, constants=constants)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    check(model, tmp_path, *feeds)


def past_feed(past: int, new: int) -> dict[str, Array]:
    names = ("q", "k", "v")
    feed = {name: random(1, new, HEADS * WIDTH, seed=i) for i, name in enumerate(names)}
    cache = {f"past_{name}": random(1, HEADS, past, WIDTH, seed=7) for name in names[1:]}
    return feed | cache


@pytest.mark.parametrize("domain", ["", "com.microsoft"])
def test_first_call_of_attention(domain: str, tmp_path: Path) -> None:
    optional = [""] * (3 if domain else 1)
    heads = {"num_heads": HEADS} if domain else {"q_num_heads": HEADS, "kv_num_heads": HEADS}
    node = helper.make_node(
        "MultiHeadAttention" if domain else "Attention",
        ["q", "k", "v", *optional, "past_k", "past_v"],
        ["y", "present_k", "present_v"],
        domain=domain,
        **heads,
    )
    feeds = [past_feed(0, 4), past_feed(4, 1)]
    shapes: dict[str, list[int | str]] = {
        name: ["batch", "new", HEADS * WIDTH] for name in ("q", "k", "v")
    }
    shapes |= {name: ["batch", HEADS, "past", WIDTH] for name in ("past_k", "past_v")}
    outputs = ["y", "present_k", "present_v"]
    model = network([node], feeds[0], outputs, shapes=shapes, opset=23)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    check(model, tmp_path, *feeds)


# As exporters write attention over what was kept and what is new.
DECODER = """
g (float[batch,new,8] x, float[batch,2,past,4] cache, int64[batch,total] mask)
  => (float[batch,new,8] y, float[batch,2,all,4] present)
  <int64[4] split = {0,0,2,4}, float[8,8] w = {W}, int64[3] join = {0,0,8}, float scale = {0.5},
   float low = {-10000.0}, float one = {1.0}, int64[2] axes = {1,2}> {
  p = MatMul(x, w)
  r = Reshape(p, split)
  k = Transpose<perm = [0, 2, 1, 3]>(r)
  present = Concat<axis = 2>(cache, k)
  t = Transpose<perm = [0, 1, 3, 2]>(present)
  s = MatMul(k, t)
  scaled = Mul(s, scale)
  m = Unsqueeze(mask, axes)
  f = Cast<to = 1>(m)
  off = Sub(one, f)
  bias = Mul(off, low)
  masked = Add(scaled, bias)
  a = Softmax<axis = -1>(masked)
  o = MatMul(a, present)
  b = Transpose<perm = [0, 2, 1, 3]>(o)
  y = Reshape(b, join)
}
"""


def test_first_call_of_an_exported_decoder(tmp_path: Path) -> None:
    weights = ",".join(f"{value:.4f}" for value in random(64))
    model = parse(DECODER.replace("W", weights, 1))
    feeds = [
        {
            "x": random(2, new, 8),
            "cache": random(2, 2, past, 4),
            "mask": np.ones((2, past + new), np.int64),
        }
        for past, new in ((0, 3), (3, 1), (0, 1), (7, 2))
    ]
    check(model, tmp_path, *feeds)


def test_a_batch_of_nothing(tmp_path: Path) -> None:
    constants = {
        "w": random(8, 3, 3, 3),
        "fc": random(8, 5),
        "scale": random(8),
        "shift": random(8),
        "mean": random(8),
        "variance": np.abs(random(8)),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["c", "scale", "shift", "mean", "variance"], ["n"]),
        helper.make_node("MaxPool", ["n"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("GlobalAveragePool", ["p"], ["g"]),
        helper.make_node("Flatten", ["g"], ["f"]),
        helper.make_node("MatMul", ["f", "fc"], ["l"]),
        helper.make_node("Softmax", ["l"], ["y"]),
    ]
    feeds = [{"x": random(batch, 3, 16, 16)} for batch in (0, 2)]
    model = network(
        nodes, feeds[0], ["y", "p"], shapes={"x": ["batch", 3, 16, 16]}, constants=constants
    )
    check(model, tmp_path, *feeds)


REDUCTIONS = ["Sum", "Prod", "Max", "Min", "Mean", "L1", "L2", "LogSumExp", "SumSquare"]


@pytest.mark.parametrize("op", REDUCTIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_reductions_of_nothing(op: str, dtype: type, tmp_path: Path) -> None:
    if dtype is np.int32 and op in ("L2", "LogSumExp"):
        pytest.skip("it is a number with a fraction")
    constants = {"axes": np.array([1])}
    node = helper.make_node(f"Reduce{op}", ["x", "axes"], ["y"])
    feeds: list[dict[str, Array]] = [{"x": np.ones((2, size, 3), dtype)} for size in (0, 5)]
    model = network([node], feeds[0], shapes={"x": [2, "n", 3]}, constants=constants, opset=18)
    # WGSL has no infinities.
    is_finite = bool(np.isfinite(reference(model, feeds[0])["y"]).all())
    check(model, tmp_path, *feeds, on_gpu=is_finite)


def test_what_follows_nothing(tmp_path: Path) -> None:
    model = parse("""
      g (float[n,4] x) => (float[f,4] found, float[m,4] tail, float[k,8] both, int64[1] size)
        <int64[1] zero = {0}, int64[1] one = {1}, int64[1] last = {9223372036854775807}> {
        s = ReduceSum(x, one)
        flat = Squeeze(s, one)
        positive = Relu(flat)
        nz = NonZero(positive)
        at = Squeeze(nz, zero)
        rows = Gather<axis = 0>(x, at)
        found = Exp(rows)
        n = Shape<start = 0, end = 1>(x)
        part = Slice(x, n, last, zero)
        tail = Neg(part)
        both = Concat<axis = 1>(x, x)
        size = Shape<start = 0, end = 1>(found)
      }""")
    nothing, some = np.zeros((0, 4), np.float32), np.abs(random(3, 4))
    check(model, tmp_path, {"x": nothing}, {"x": -some}, {"x": some})


def test_inputs_of_which_some_are_empty(tmp_path: Path) -> None:
    model = parse("""
      g (float[n,4] x, float[k,4] c) => (float[m,4] y, float[1,4] s) <int64[1] zero = {0}> {
        y = Concat<axis = 0>(c, x)
        s = ReduceSum(y, zero)
      }""")
    feeds = [{"x": random(n, 4), "c": random(k, 4)} for n, k in ((0, 0), (2, 0), (0, 3))]
    check(model, tmp_path, *feeds)


@pytest.mark.parametrize("direction", ["forward", "bidirectional"])
def test_recurrent_layers_of_no_batch(direction: str, tmp_path: Path) -> None:
    ways = 2 if direction == "bidirectional" else 1
    weights = {"w": random(ways, 9, 4), "r": random(ways, 9, 3)}
    node = helper.make_node("GRU", ["x", "w", "r"], ["y", "h"], hidden_size=3, direction=direction)
    feed = {"x": random(5, 2, 4)}
    model = network([node], feed, ["y", "h"], shapes={"x": [5, "n", 4]}, constants=weights)
    # onnxruntime crashes on none.
    got = check(model, tmp_path, feed).run({"x": random(5, 0, 4)})
    assert (got["y"].shape, got["h"].shape) == ((5, ways, 0, 3), (ways, 0, 3))


def test_loops_without_steps(tmp_path: Path) -> None:
    model = parse("""
      g (float[n,4] x, float[4] start) => (float[4] sum, float[n,4] all) {
        count = Shape<start = 0, end = 1>(x)
        steps = Squeeze(count)
        go = Constant<value = bool {1}>()
        sum, all = Loop(steps, go, start) <body = b (int64 i, bool c, float[4] a)
            => (bool d, float[4] next, float[4] copy) {
          d = Identity(c)
          row = Gather<axis = 0>(x, i)
          next = Add(a, row)
          copy = Identity(next)
        }>
      }""")
    feeds = [{"x": random(size, 4), "start": random(4, seed=1)} for size in (0, 3)]
    check(model, tmp_path, *feeds)


@pytest.mark.parametrize("flags", [[], ["--features=scalar"]])
def test_quantised_products_of_no_rows(flags: list[str], tmp_path: Path) -> None:
    weights = np.random.default_rng(0).integers(-127, 127, (16, 8), np.int8)
    constants = {"w": weights, "s": np.array(0.02, np.float32), "z": np.array(0, np.int8)}
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "qs", "qz"]),
        helper.make_node("MatMulInteger", ["q", "w", "qz", "z"], ["p"]),
        helper.make_node("Cast", ["p"], ["f"], to=1),
        helper.make_node("Mul", ["qs", "s"], ["scale"]),
        helper.make_node("Mul", ["f", "scale"], ["y"]),
    ]
    feeds = [{"x": random(rows, 16)} for rows in (0, 3)]
    model = network(nodes, feeds[0], shapes={"x": ["n", 16]}, constants=constants)
    check(model, tmp_path, *feeds, flags=flags)


# Where there must be elements: the node, and the least size that it takes.
REFUSED: dict[str, tuple[onnx.NodeProto, int]] = {
    "position": (helper.make_node("Gather", ["x", "at"], ["y"], axis=2, name="pick"), 1),
    "end": (helper.make_node("Slice", ["x", "from", "to", "axis"], ["y"], name="pick"), 2),
    "largest": (helper.make_node("ArgMax", ["x"], ["y"], axis=2, name="pick"), 1),
    "window": (helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[4], name="pick"), 3),
}


@pytest.mark.parametrize("case", REFUSED)
def test_nodes_that_need_elements(case: str, tmp_path: Path) -> None:
    node, least = REFUSED[case]
    constants = {
        "at": np.array([0]),
        "from": np.array([-2]),
        "to": np.array([np.iinfo(np.int64).max]),
        "axis": np.array([2]),
    }
    used = {name: value for name, value in constants.items() if name in node.input}
    feed = {"x": random(1, 3, 0)}
    model = compiled(network([node], feed, shapes={"x": [1, 3, "n"]}, constants=used), tmp_path)
    said = rf"input 'x': dimension 2 \('n'\) is 0, expected {least} or more for node 'pick'"
    with pytest.raises(nncc.ModuleError, match=said):
        model.run(feed)
