# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Sizes that data tell within loops and branches, against onnxruntime."""

from pathlib import Path

import numpy as np
import pytest

from harness import check, compiled, number, parse, random

# Each step reads all tokens so far and appends one, until it is the last token's.
GREEDY = """
g (int64[1,n] prompt, float[7,5] table, float[5,7] head, int64 most, int64 stop)
  => (int64[1,m] tokens, float[1,m,5] memory, int64 count)
<bool yes = {1}, int64 zero = {0}, int64 one = {1}>
{
  empty = Gather <axis = 0> (table, prompt)
  tokens, memory, count = Loop (most, yes, prompt, empty, zero) <
    body = b (int64 i, bool go, int64[1,p] ids, float[1,q,5] seen, int64 k)
      => (bool proceed, int64[1,p2] ids2, float[1,q2,5] seen2, int64 k2)
    {
      x = Gather <axis = 0> (table, ids)
      y = Add(x, seen)
      z = ReduceMean <axes = [1], keepdims = 0> (y)
      logits = MatMul(z, head)
      best = ArgMax <axis = 1, keepdims = 1> (logits)
      ids2 = Concat <axis = 1> (ids, best)
      new = Gather <axis = 0> (table, best)
      seen2 = Concat <axis = 1> (seen, new)
      k2 = Add(k, one)
      last = ReduceMax <keepdims = 0> (best)
      same = Equal(last, stop)
      proceed = Not(same)
    }
  >
}
"""


@pytest.mark.parametrize(("length", "most"), [(3, 6), (1, 40), (2, 0)])
def test_greedy_decoding(length: int, most: int, tmp_path: Path) -> None:
    feed = {
        "prompt": np.arange(length, dtype=np.int64).reshape(1, length),
        "table": random(7, 5),
        "head": random(5, 7, seed=1),
        "most": number(most),
        "stop": number(9),
    }
    check(parse(GREEDY), tmp_path, feed, feed | {"stop": number(2)}, on_gpu=False)


def test_a_state_that_starts_empty(tmp_path: Path) -> None:
    graph = """
    g (float[2,3] x, int64 most) => (float[n,3] y, float[3] sum)
    <float[3] start = {0, 0, 0}, int64[2] shape = {0, 3}>
    {
      empty = ConstantOfShape(shape)
      y, sum = Loop (most, , empty, start) <
        body = b (int64 i, bool go, float[p,3] s, float[3] t)
          => (bool proceed, float[p2,3] next, float[3] t2)
        {
          proceed = Identity(go)
          f = Cast <to = 1> (i)
          row = Add(x, f)
          next = Concat <axis = 0> (row, s)
          sums = ReduceSum <keepdims = 0> (s)
          t2 = Add(t, sums)
        }
      >
    }
    """
    feeds = [{"x": random(2, 3), "most": number(n)} for n in (5, 0, 1, 300)]
    check(parse(graph), tmp_path, *feeds, on_gpu=False)


def test_what_a_step_finds(tmp_path: Path) -> None:
    """Of another size in each step; some find nothing."""
    graph = """
    g (float[n,6] x) => (float[n] sums, float[m] found)
    <int64 zero = {0}, int64[1] none = {0}, int64[1] flat = {-1}>
    {
      shape = Shape(x)
      steps = Gather(shape, zero)
      start = ConstantOfShape(none)
      found, sums = Loop (steps, , start) <
        body = b (int64 i, bool go, float[p] all) => (bool proceed, float[p2] all2, float sum)
        {
          proceed = Identity(go)
          row = Gather(x, i)
          places = NonZero(row)
          place = Reshape(places, flat)
          values = Gather(row, place)
          sum = ReduceSum <keepdims = 0> (values)
          all2 = Concat <axis = 0> (all, values)
        }
      >
    }
    """
    x = np.where(random(9, 6) > 0.4, random(9, 6, seed=1), 0).astype(np.float32)
    x[4] = 0
    check(parse(graph), tmp_path, {"x": x}, {"x": x[:1]}, on_gpu=False)


SUPPRESSION = """
g (float[1,30,4] boxes, float[c,30] scores, int64 classes)
  => (int64[k,3] y, float[k,4] chosen)
<int64 most = {5}, float[1] overlap = {0.5}, float[1] least = {0.2},
 int64[2] nothing = {0, 3}, int64[3] shape = {1, 1, 30},
 int64 two = {2}, int64[1] zero = {0}, int64[3] column = {0, 1, 0}>
{
  start = ConstantOfShape(nothing)
  empty = Cast <to = 7> (start)
  y = Loop (classes, , empty) <
    body = b (int64 i, bool go, int64[p,3] all) => (bool proceed, int64[p2,3] all2)
    {
      proceed = Identity(go)
      own = Gather(scores, i)
      own3 = Reshape(own, shape)
      kept = NonMaxSuppression(boxes, own3, most, overlap, least)
      add = Mul(column, i)
      moved = Add(kept, add)
      all2 = Concat <axis = 0> (all, moved)
    }
  >
  at = Gather <axis = 1> (y, two)
  b = Squeeze(boxes, zero)
  chosen = Gather <axis = 0> (b, at)
}
"""


def test_suppression_class_by_class(tmp_path: Path) -> None:
    boxes = np.random.default_rng(3).random((1, 30, 4)).astype(np.float32)
    scores = np.random.default_rng(4).random((3, 30)).astype(np.float32)
    feed = {"boxes": boxes, "scores": scores, "classes": number(3)}
    none = {"scores": np.zeros_like(scores[:1]), "classes": number(1)}
    check(parse(SUPPRESSION), tmp_path, feed, feed | none, on_gpu=False)


BRANCHES = """
g (float[n] x) => (float[m] y, float s)
<float zero = {0}, int64[1] flat = {-1}, int64[1] two = {2}>
{
  total = ReduceSum <keepdims = 0> (x)
  positive = Greater(total, zero)
  y0, s = If (positive) <
    then_branch = a () => (float[p] u, float su)
    { places = NonZero(x) place = Reshape(places, flat) u = Gather(x, place)
      su = ReduceSum <keepdims = 0> (u) },
    else_branch = b () => (float[q] v, float sv)
    { v = Tile(x, two) sv = ReduceMax <keepdims = 0> (v) }
  >
  y = Add(y0, s)
}
"""


def test_branches_of_different_sizes(tmp_path: Path) -> None:
    rows: list[list[float]] = [[1, 0, 2, 0], [-1, 0, -2], [5], [0, 0, 0, 0, -1], [3, 0, 0, 0, 1, 1]]
    feeds = [{"x": np.array(row, np.float32)} for row in rows]
    check(parse(BRANCHES), tmp_path, *feeds, on_gpu=False)


def test_a_branch_in_a_loop(tmp_path: Path) -> None:
    """Appends in some steps, and cuts in others; what it had before is read behind it."""
    graph = """
    g (float[n] x, int64 most) => (float[m] y, float[k] sums)
    <int64 two = {2}, int64 zero = {0}, int64[1] one = {1}, int64[1] end = {100}>
    {
      y, sums = Loop (most, , x) <
        body = b (int64 i, bool go, float[p] s) => (bool proceed, float[p2] next, float sum)
        {
          proceed = Identity(go)
          rest = Mod(i, two)
          isEven = Equal(rest, zero)
          t = If (isEven) <
            then_branch = a () => (float[q] longer) { longer = Concat <axis = 0> (s, x) },
            else_branch = c () => (float[r] shorter) { shorter = Slice(s, one, end) }
          >
          u = Neg(s)
          a = ReduceSum <keepdims = 0> (u)
          next = Exp(t)
          d = ReduceSum <keepdims = 0> (t)
          sum = Add(a, d)
        }
      >
    }
    """
    feeds = [{"x": random(3) - 2, "most": number(n)} for n in (1, 2, 3)]
    check(parse(graph), tmp_path, *feeds, on_gpu=False)


def test_loops_in_loops(tmp_path: Path) -> None:
    """The inner state starts anew in each step; the outer one has all of them."""
    graph = """
    g (float[2] x, int64 most) => (float[m] y, float sum)
    <float zero = {0}, int64 one = {1}>
    {
      y, sum = Loop (most, , x, zero) <
        body = b (int64 i, bool go, float[p] s, float t)
          => (bool proceed, float[p2] next, float t2)
        {
          proceed = Identity(go)
          steps = Add(i, one)
          inner = Loop (steps, , x) <
            body = c (int64 j, bool go2, float[q] u) => (bool proceed2, float[q2] u2)
            { proceed2 = Identity(go2) v = Exp(u) u2 = Concat <axis = 0> (v, x) }
          >
          next = Concat <axis = 0> (s, inner)
          all = ReduceSum <keepdims = 0> (inner)
          t2 = Add(t, all)
        }
      >
    }
    """
    feeds = [{"x": np.array([0.1, -0.3], np.float32), "most": number(n)} for n in (1, 3, 0)]
    check(parse(graph), tmp_path, *feeds, on_gpu=False)


def test_a_short_loop_that_data_end(tmp_path: Path) -> None:
    """To unroll it is tried first, in vain; nothing of that is left."""
    graph = """
    g (float[n] x, float limit) => (float[m] y, float[k] z)
    <bool yes = {1}, int64 most = {5}, int64[1] flat = {-1}>
    {
      y, z = Loop (most, yes, x, x) <
        body = b (int64 i, bool go, float[p] s, float[q] t)
          => (bool proceed, float[p2] s2, float[q2] t2)
        {
          places = NonZero(s)
          place = Reshape(places, flat)
          values = Gather(s, place)
          s2 = Concat <axis = 0> (s, values)
          t2 = Concat <axis = 0> (t, x, x)
          sum = ReduceSum <keepdims = 0> (s2)
          proceed = Less(sum, limit)
        }
      >
    }
    """
    x = np.array([1, 0, 2], np.float32)
    feeds = [{"x": x, "limit": np.array(limit, np.float32)} for limit in (20, 1, 1e9)]
    check(parse(graph), tmp_path, *feeds, on_gpu=False)


def test_a_first_value_that_is_not_read(tmp_path: Path) -> None:
    """Exporters put any number there; a number has no rank of its own in branches, too."""
    graph = """
    g (float[n,3] x, int64 most, float[1] end) => (float[m,3] y)
    <float none = {0}, float half = {0.5}>
    {
      y, t = Loop (most, , none, end) <
        body = b (int64 i, bool go, float[] unread, float[] s)
          => (bool proceed, float[q,3] z, float[] s2)
        {
          proceed = Identity(go)
          z = Add(x, s)
          more = Less(s, half)
          s2 = If (more) <
            then_branch = a () => (float[] u) { u = Add(s, half) },
            else_branch = c () => (float[] v) { v = Sin(half) }
          >
        }
      >
    }
    """
    feed = {"x": random(4, 3), "most": number(3), "end": np.array([0.2], np.float32)}
    check(parse(graph), tmp_path, feed, on_gpu=False)


def test_sizes_that_differ_in_a_branch(tmp_path: Path) -> None:
    """They end the run only where the branch runs."""
    graph = """
    g (float[n] x, float[m] w, bool c) => (float s)
    {
      s = If (c) <
        then_branch = a () => (float u)
        { p = Mul(x, w) q = Softmax(p) u = ReduceSum <keepdims = 0> (q) },
        else_branch = b () => (float v) { z = Softmax(x) v = ReduceMax <keepdims = 0> (z) }
      >
    }
    """
    model = parse(graph)
    feed = {"x": random(3), "w": random(3), "c": np.array(True)}
    check(model, tmp_path, feed, feed | {"c": np.array(False)}, on_gpu=False)
    differ = {"x": random(3), "w": random(4)}
    module = compiled(model, tmp_path)
    module.run(differ | {"c": np.array(False)})
    with pytest.raises(Exception, match="sizes that should be equal"):
        module.run(differ | {"c": np.array(True)})


COLUMNS = """
g (float[n,t] x) => (float[t,n] y)
<int64 one = {1}, int64 zero = {0}, int64[1] first = {0}, float[2] open = {1e9, 1e9},
 int64[2] both = {0, 1}, int64[2] strides = {1, 1000000000}, int64[1] axis = {1},
 bool[2] masked = {1, 0}, int64 far = {1000000000}, int64 near = {-1000000000}>
{
  shape = Shape(x)
  steps = Gather(shape, one)
  more = Less(zero, steps)
  i2, d2, n2, x2, y = Loop (, more, zero, one, steps, x) <
    body = b (int64 step, bool go, int64 i, int64 d, int64 n, float[r,s] x1)
      => (bool proceed, int64 next, int64 d1, int64 n1, float[r,s] x3, float[r] column)
    {
      next = Add(i, d)
      d1 = Identity(d)
      n1 = Identity(n)
      x3 = Identity(x1)
      proceed = Less(next, n)
      place = Unsqueeze(i, first)
      starts = Concat <axis = 0> (first, place)
      after = Unsqueeze(next, first)
      given = Concat <axis = 0> (first, after)
      floats = Cast <to = 1> (given)
      most = Max(floats, open)
      ends = Cast <to = 7> (most)
      backward = Less(strides, zero)
      skipped = And(backward, masked)
      begin = Where(skipped, far, starts)
      all = Equal(ends, far)
      reversed = And(all, backward)
      end = Where(reversed, near, ends)
      piece = Slice(x1, begin, end, both, strides)
      column = Squeeze(piece, axis)
    } >
}
"""


def test_columns_as_tensorflow_takes_them(tmp_path: Path) -> None:
    """`for i in tf.range(n)`, whose step is a state, with x[:, i], whose ends are masked."""
    check(parse(COLUMNS), tmp_path, {"x": random(3, 4)}, {"x": random(2, 1)})


# The last rows of x first; while limit < i, and with a condition on them only there.
DOWNWARDS = """
g (float[n,3] x, int64 limit, float bound) => (float[m,3] y)
<int64 down = {{-1}}, int64 zero = {{0}}, bool always = {{1}}>
{{
  shape = Shape(x)
  length = Gather(shape, zero)
  last = Add(length, down)
  more = {test}(last, limit)
  i2, y = Loop (, more, last) <
    body = b (int64 step, bool go, int64 i) => (bool proceed, int64 next, float[3] row)
    {{
      next = Add(i, down)
      row = Gather(x, i)
      isBelow = {test}(next, limit)
      proceed = If (isBelow) <
        then_branch = t () => (bool p) {{ {inner} }},
        else_branch = f () => (bool q) {{ q = Identity(isBelow) }} >
    }} >
}}
"""
SUM = "sum = ReduceSum <keepdims = 0> (row) p = Less(sum, bound)"


@pytest.mark.parametrize("inner", ["p = Identity(always)", SUM])
@pytest.mark.parametrize("test", ["Greater", "GreaterOrEqual"])
def test_counts_downwards(test: str, inner: str, tmp_path: Path) -> None:
    x = np.arange(15, dtype=np.float32).reshape(5, 3)
    graph = DOWNWARDS.format(test=test, inner=inner)
    bound = np.array(30, np.float32)
    feeds = [{"x": x, "limit": number(n), "bound": bound} for n in (0, 2, 3)]
    feeds += [{"x": x[:2], "limit": number(0), "bound": bound}]
    check(parse(graph), tmp_path, *feeds, on_gpu=False)
