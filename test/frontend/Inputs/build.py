#!/usr/bin/env python3
# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes the ONNX file of a test, which holds it as text behind a line "---".

usage: build.py TEST MODEL.onnx [SECTION]

The text is what onnx.parser reads; a test of several networks has several
sections, counted from 1.
"""

import sys

import onnx.parser


def main():
    test, path = sys.argv[1:3]
    section = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    with open(test, encoding="utf-8") as file:
        text = file.read().split("\n---\n")[section]
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    model = onnx.parser.parse_model("\n".join(lines))
    with open(path, "wb") as file:
        file.write(model.SerializeToString())


if __name__ == "__main__":
    main()
