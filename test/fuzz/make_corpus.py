#!/usr/bin/env python3
# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the fuzzer's seeds: one tiny network for each form of operator, the
hostile files, and cut and damaged variants.

usage: make_corpus.py FOLDER
"""

import os
import random
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "hostile"))
from test_hostile import CASES

TEXTS = [
    "agraph (float[N,3,8,8] x, float[4,3,3,3] w) => (float[] y) {"
    " c = Conv<pads=[1,1,1,1]>(x, w) r = Relu(c) p = MaxPool<kernel_shape=[2,2]>(r)"
    " g = GlobalAveragePool(p) y = Flatten(g) }",
    "agraph (float[N,S,4] x) => (float[] y) {"
    " s = Shape(x) i = Constant<value_ints=[1]>() n = Gather(s, i)"
    " m = Constant<value_ints=[-1]>() t = Concat<axis=0>(m, n) f = Reshape(x, t)"
    " y = Softmax<axis=-1>(f) }",
    "agraph (float[5,2,3] x, float[1,16,3] w, float[1,16,4] r) => (float[] y) {"
    " y = LSTM<hidden_size=4>(x, w, r) }",
    "agraph (float[2,S] x) => (float[] y) {"
    " a = Constant<value_ints=[0]>() b = Constant<value_ints=[2]>()"
    " c = Constant<value_ints=[1]>() d = Slice(x, a, b, c)"
    ' e = ReduceMean<axes=[1]>(d) y = Pad<mode="constant">(e, p) }',
    "agraph (float[1,2,4,4] x) => (float[] y) {"
    ' s = Constant<value_floats=[1.0,1.0,2.0,2.0]>() y = Resize<mode="linear">(x, , s) }',
    "agraph (int64[N] x) => (float[] y) {"
    " v = Constant<value_float=1.0>() e = Cast<to=1>(x) f = Add(e, v) y = Erf(f) }",
]


def main():
    import onnx.parser

    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    seeds = []
    for text in TEXTS:
        graph = onnx.parser.parse_graph(text)
        seeds.append(
            onnx.helper.make_model(
                graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8
            ).SerializeToString()
        )
    with tempfile.TemporaryDirectory() as outer:
        for number, case in enumerate(CASES):
            inner = os.path.join(outer, str(number), "model")
            os.makedirs(inner)
            made = case.make(inner)
            if isinstance(made, str):
                continue
            data = made if isinstance(made, bytes) else made.SerializeToString()
            if len(data) < 4096:
                seeds.append(data)
    generator = random.Random(1)
    for seed in list(seeds):
        damaged = bytearray(seed)
        if damaged:
            damaged[generator.randrange(len(damaged))] ^= 1 << generator.randrange(8)
            seeds.append(bytes(damaged))
    for number, seed in enumerate(seeds):
        with open(os.path.join(folder, f"seed{number:03}.onnx"), "wb") as file:
            file.write(seed)
    print(f"{len(seeds)} seeds in {folder}")


if __name__ == "__main__":
    main()
