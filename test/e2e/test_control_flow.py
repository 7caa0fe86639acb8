# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Loops, scans and branches against onnxruntime."""

from pathlib import Path

import numpy as np
import onnx.parser
import pytest

from harness import check, number, parse, random

RUNNING_SUMS = """
g (float[n,3] x, float[3] start) => (float[3] last, float[n,3] sums)
<int64 zero = {0}>
{
  shape = Shape(x)
  steps = Gather(shape, zero)
  last, sums = Loop (steps, , start) <
    body = b (int64 i, bool go, float[3] sum) => (bool proceed, float[3] next, float[3] out)
    { proceed = Identity(go) row = Gather(x, i) next = Add(sum, row) out = Exp(next) }
  >
}
"""


def test_as_many_steps_as_rows(tmp_path: Path) -> None:
    feeds = [{"x": random(n, 3), "start": random(3, seed=1)} for n in (1, 4)]
    check(parse(RUNNING_SUMS), tmp_path, *feeds)


# The states change places, the step is a number, too.
UNTIL_LARGE = """
g (float[2] x, float limit, int64 most) => (float[2] a, float[2] b, int64 n)
<bool yes = {1}, int64 zero = {0}, int64 one = {1}>
{
  a, b, n = Loop (most, yes, x, x, zero) <
    body = body (int64 i, bool go, float[2] p, float[2] q, int64 k)
      => (bool proceed, float[2] q2, float[2] r, int64 k2)
    {
      q2 = Identity(q)
      r = Add(p, q)
      sum = ReduceSum <keepdims = 0> (r)
      proceed = Less(sum, limit)
      k2 = Add(i, one)
    }
  >
}
"""


@pytest.mark.parametrize(("limit", "most"), [(50.0, 100), (1e9, 5), (0.0, 5), (5.0, 0)])
def test_until_the_condition_is_false(limit: float, most: int, tmp_path: Path) -> None:
    x = np.array([1, 0.5], np.float32)
    feed = {"x": x, "limit": np.array(limit, np.float32), "most": number(most)}
    check(parse(UNTIL_LARGE), tmp_path, feed)


def test_a_state_that_grows(tmp_path: Path) -> None:
    graph = """
    g (float[2] x) => (float[8] y, float[3,2] z)
    <int64 three = {3}>
    {
      y, z = Loop (three, , x) <
        body = b (int64 i, bool go, float[m] s) => (bool proceed, float[m2] next, float[2] e)
        {
          proceed = Identity(go)
          next = Concat <axis = 0> (s, x)
          c = Cast <to = 1> (i)
          e = Mul (x, c)
        }
      >
    }
    """
    check(parse(graph), tmp_path, {"x": random(2)})


SCAN = """
g (float[4] state, float[2,n,4] x, float[n,4] z) => (float[4] last, float[4,n] out, float[n,4] back)
{{
  last, out, back = Scan <num_scan_inputs = 2, scan_input_axes = [1, 0],
      scan_input_directions = [0, {reverse}], scan_output_axes = [1, 0],
      scan_output_directions = [0, {reverse}],
    body = b (float[4] s, float[2,4] a, float[4] c) => (float[4] s2, float[4] o, float[4] p)
    {{
      m = ReduceSum <keepdims = 0> (a, axis)
      n = Add (m, c)
      t = Add (s, n)
      s2 = Tanh (t)
      o = Mul (s2, c)
      p = Neg (s2)
    }}
  > (state, x, z)
}}
"""


@pytest.mark.parametrize("reverse", [0, 1])
def test_scan(reverse: int, tmp_path: Path) -> None:
    graph = SCAN.format(reverse=reverse).replace("\n{\n", "\n<int64[1] axis = {0}>\n{\n", 1)
    feeds = [
        {"state": random(4), "x": random(2, n, 4, seed=1), "z": random(n, 4, seed=2)}
        for n in (1, 5)
    ]
    check(parse(graph), tmp_path, *feeds)


BRANCHES = """
g (float[2,4] x, float[4,4] w, bool c) => (float[2,4] y)
{
  y = If (c) <
    then_branch = t () => (float[2,4] a) { p = MatMul(x, w) a = Softmax(p) },
    else_branch = e () => (float[2,4] b) { q = Identity(x) b = CumSum(q, axis) }
  >
}
"""


@pytest.mark.parametrize("condition", [True, False])
def test_branches(condition: bool, tmp_path: Path) -> None:
    graph = BRANCHES.replace("\n{\n", "\n<int64 axis = {1}>\n{\n", 1)
    feed = {"x": random(2, 4), "w": random(4, 4, seed=1), "c": np.array(condition)}
    check(parse(graph), tmp_path, feed)


def test_a_branch_in_a_loop_in_a_loop(tmp_path: Path) -> None:
    graph = """
    g (float[n,4] x, float[4,4] w) => (float[4] y)
    <int64 zero = {0}, int64 many = {40}, float[4] start = {0, 0, 0, 0}, int64 two = {2}>
    {
      shape = Shape(x)
      rows = Gather(shape, zero)
      y = Loop (many, , start) <
        body = outer (int64 i, bool go, float[4] s) => (bool proceed, float[4] next)
        {
          proceed = Identity(go)
          sum = Loop (rows, , s) <
            body = inner (int64 j, bool g2, float[4] t) => (bool p2, float[4] t2)
            {
              p2 = Identity(g2)
              odd = Mod(j, two)
              is_odd = Equal(odd, zero)
              row = Gather(x, j)
              d = If (is_odd) <
                then_branch = a () => (float[4] u) { u = MatMul(row, w) },
                else_branch = b () => (float[4] v) { e = MatMul(w, row) v = Softmax(e) }
              >
              t2 = Add(t, d)
            }
          >
          next = Tanh(sum)
        }
      >
    }
    """
    check(parse(graph), tmp_path, {"x": random(3, 4), "w": random(4, 4, seed=1)})


def test_rows_cut_at_computed_places(tmp_path: Path) -> None:
    graph = """
    g (float[6,4] x, int64[1] at) => (float[2,4] y)
    <int64[1] two = {2}, int64[1] axis = {0}>
    { end = Add(at, two) y = Slice(x, at, end, axis) }
    """
    check(parse(graph), tmp_path, {"x": random(6, 4), "at": np.array([3])})


def test_sequences(tmp_path: Path) -> None:
    graph = """
    g (float[6,4] x) => (float[3,2,4] y, float[6,4] z, int64 n)
    <int64 two = {2}, int64 last = {-1}, int64 three = {3}, bool yes = {1}>
    {
      pieces = SplitToSequence <axis = 0> (x, two)
      none = SequenceEmpty ()
      list = Loop (three, yes, none) <
        body = b (int64 i, bool go, seq(float[2,4]) s) => (bool proceed, seq(float[2,4]) t)
        {
          proceed = Identity(go)
          piece = SequenceAt (pieces, i)
          e = Exp (piece)
          t = SequenceInsert (s, e)
        }
      >
      y = ConcatFromSequence <axis = 0, new_axis = 1> (list)
      one = SequenceAt (pieces, last)
      fewer = SequenceErase (pieces, last)
      more = SequenceInsert (fewer, one)
      pair = SequenceConstruct (one, one)
      n = SequenceLength (pair)
      z = ConcatFromSequence <axis = 0> (more)
    }
    """
    check(parse(graph), tmp_path, {"x": random(6, 4)})


@pytest.mark.parametrize("new", [0, 1])
def test_a_sequence_of_as_many_tensors_as_rows(new: int, tmp_path: Path) -> None:
    shape = "float[4,n]" if new else "float[m]"
    graph = f"""
    g (float[n,4] x, float[4] s) => ({shape} y, float[4] last)
    <int64 zero = {{0}}, bool yes = {{1}}>
    {{
      shape = Shape(x)
      n = Gather(shape, zero)
      none = SequenceEmpty ()
      list, last = Loop (n, yes, none, s) <
        body = b (int64 i, bool go, seq(float[4]) l, float[4] sum)
          => (bool proceed, seq(float[4]) m, float[4] next)
        {{
          proceed = Identity(go)
          row = Gather (x, i)
          next = Add (sum, row)
          m = SequenceInsert (l, next)
        }}
      >
      y = ConcatFromSequence <axis = {new}, new_axis = {new}> (list)
    }}
    """
    feeds = [{"x": random(n, 4), "s": random(4, seed=1)} for n in (1, 3)]
    check(parse(graph), tmp_path, *feeds)


def test_a_dimension_that_is_squeezed_if_it_is_one(tmp_path: Path) -> None:
    graph = """
    g (float[n,m] x) => (float[n] y)
    <int64 one = {1}, int64[1] axis = {1}>
    {
      shape = Shape(x)
      size = Gather(shape, one)
      single = Equal(size, one)
      z = If (single) <
        then_branch = t () => (float[n] a) { a = Squeeze(x, axis) },
        else_branch = e () => (float[n,m] b) { b = Identity(x) }
      >
      y = Exp(z)
    }
    """
    model = check(parse(graph), tmp_path, {"x": random(3, 1)})
    with pytest.raises(Exception, match="m"):
        model.run({"x": random(3, 2)})


# As tf2onnx writes loops over time: the condition counts, in floating point too.
COUNTED = """
g (float[n,3] x, {count_type} count, float[3] start) => (float[3] last, float[m,3] out, int64 time)
<int64 from = {{{first}}}, int64 by = {{{stride}}}, int64 zero = {{0}}, bool yes = {{1}}>
{{
  shape = Shape(x)
  rows = Gather(shape, zero)
  bound = Identity({bound})
  go = {before}
  last, time, same, out = Loop (, go, start, from, bound) <
    body = b (int64 i, bool was, float[3] sum, int64 t, {count_type} n)
      => (bool proceed, float[3] next, int64 t2, {count_type} n2, float[3] e)
    {{
      row = Gather(x, t)
      next = Add(sum, row)
      t2 = Add(t, by)
      n2 = Identity(n)
      e = Exp(next)
      a = Cast <to = 1> (t2)
      b = Cast <to = 1> (n)
      first = {test} (a, b)
      fewer = Less(i, n)
      proceed = And(first, fewer)
    }}
  >
}}
"""


@pytest.mark.parametrize(
    "form",
    [
        (0, 1, "Less", "Less(from, bound)", "rows"),
        (0, 1, "Less", "Identity(yes)", "rows"),
        (1, 2, "Less", "Less(from, bound)", "count"),
        (0, 1, "LessOrEqual", "Identity(yes)", "count"),
        (0, 1, "Less", "Less(from, bound)", "count"),
    ],
)
def test_a_condition_that_counts(form: tuple[int, int, str, str, str], tmp_path: Path) -> None:
    first, stride, test, before, bound = form
    text = COUNTED.format(
        first=first, stride=stride, test=test, before=before, bound=bound, count_type="int64"
    )
    start = random(3, seed=1)
    feeds = [{"x": random(9, 3), "count": number(n), "start": start} for n in (5, 6, 1, 0)]
    feeds[1]["x"] = random(1 if first == 0 and bound == "rows" else 8, 3)
    check(parse(text), tmp_path, *feeds)


SCAN_8 = """
<ir_version: 8, opset_import: ["" : 8]>
g (float[2,4] state, float[2,5,4] x, float[2,5,1] z) => (float[2,4] last, float[2,5,4] out)
{
  last, out = Scan <num_scan_inputs = 2, directions = [1, 0],
    body = b (float[4] s, float[4] a, float[1] c) => (float[4] s2, float[4] o)
    {
      t = Add (s, a)
      s2 = Tanh (t)
      o = Mul (s2, c)
    }
  > ("", state, x, z)
}
"""


def test_scan_of_a_batch(tmp_path: Path) -> None:
    """The first version of Scan walks along dimension 1, example by example."""
    feed = {"state": random(2, 4), "x": random(2, 5, 4, seed=1), "z": random(2, 5, 1, seed=2)}
    check(onnx.parser.parse_model(SCAN_8), tmp_path, feed)
