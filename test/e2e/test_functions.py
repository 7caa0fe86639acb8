# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models with functions of their own, against onnxruntime."""

from pathlib import Path

import numpy as np
import onnx.parser
import pytest

from harness import check

HEADER = '<ir_version: 8, opset_import: ["" : 18, "local" : 1]>\n'
FUNCTION = '<domain: "local", opset_import: ["" : 18, "local" : 1]>\n'

X = np.linspace(-2, 3, 12, dtype=np.float32).reshape(3, 4)

MODELS = {
    # Names of a function's own may be those of the graph.
    "called-twice": """
g (float[n,4] x) => (float[] y) { t = local.twice (x)  y = local.twice (t) }
FUNCTION twice (t) => (y) { x = Relu (t)  y = Add (x, t) }""",
    "nested": """
g (float[n,4] x) => (float[] y) { y = local.outer (x) }
FUNCTION inner (x) => (y) { y = Exp (x) }
FUNCTION outer (x) => (y) { e = local.inner (x)  y = local.inner (e) }""",
    # Given by the call, handed on by a call, left to the default, left out.
    "attributes": """
g (float[n,4] x) => (float[] a, float[] b, float[] c) {
  a = local.leaky <slope = 0.5> (x)  b = local.leaky (x)  c = local.plain (x)
}
FUNCTION leaky <slope: float = 0.25> (x) => (y) { y = local.plain <slope: float = @slope> (x) }
FUNCTION plain <slope> (x) => (y) { y = LeakyRelu <alpha: float = @slope> (x) }""",
    "constant": """
g (float[n,4] x) => (float[] y) { y = local.shift <by = 3.0> (x) }
FUNCTION shift <by> (x) => (y) { c = Constant <value_float: float = @by> ()  y = Add (x, c) }""",
    "optional": """
g (float[n,4] x) => (float[] y, float[] z) {
  low = Constant <value = float {-1}> ()
  y = local.clip (x, low)  z = local.clip (x, , low)
}
FUNCTION clip (x, low, high) => (y) { y = Clip (x, low, high) }""",
    "outputs": """
g (float[n,4] x) => (float[] y, float[] z) { y, u = local.both (x)  v, z = local.both (y) }
FUNCTION both (x) => (a, b) { a = Neg (x)  b = Abs (x) }""",
    # The attribute of a call, within a branch within a function.
    "branch": """
g (float[n,4] x) => (float[] y) { y = local.pick <slope = 0.5> (x) }
FUNCTION pick <slope> (x) => (y) {
  sum = ReduceSum <keepdims = 0> (x)
  zero = Constant <value = float {0}> ()
  positive = Greater (sum, zero)
  y = If (positive) <
    then_branch = then () => (t) { t = LeakyRelu <alpha: float = @slope> (x) },
    else_branch = otherwise () => (e) { e = Neg (x) }
  >
}""",
}


@pytest.mark.parametrize("case", MODELS)
def test_function(case: str, tmp_path: Path) -> None:
    text = HEADER + MODELS[case].strip().replace("FUNCTION ", FUNCTION)
    check(onnx.parser.parse_model(text), tmp_path, {"x": X}, {"x": -X[:2]})
