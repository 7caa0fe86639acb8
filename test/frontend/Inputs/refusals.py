#!/usr/bin/env python3
# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks that each network of a test is refused with the message above it.

usage: refusals.py TEST FOLDER

The test holds networks as text: a line "== OPSET: MESSAGE" and the graph as
onnx.parser reads it. Prints what went otherwise; exits 1 if anything did.
"""

import os
import re
import subprocess
import sys

import onnx.parser

HEADER = '<ir_version: 8, opset_import: ["" : {}, "com.microsoft" : 1, "ai.onnx.ml" : 3]>\n'


def problem(opset: str, message: str, graph: str, path: str) -> str | None:
    """What is wrong with the answer to one network; None if nothing is."""
    model = onnx.parser.parse_model(HEADER.format(opset) + graph)
    with open(path, "wb") as file:
        file.write(model.SerializeToString())
    command = ["nncc", path, "--emit=nn", "-o", os.devnull]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    errors = [line for line in done.stderr.splitlines() if "error: " in line]
    if done.returncode != 1 or len(errors) != 1:
        return f"exit code {done.returncode}, {len(errors)} errors: {done.stderr[:300]}"
    if message not in errors[0]:
        return errors[0]
    return None


def main() -> int:
    test, folder = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    with open(test, encoding="utf-8") as file:
        cases = re.split(r"^== (\d+): (.*)\n", file.read(), flags=re.MULTILINE)[1:]
    bad = 0
    for opset, message, graph in zip(cases[::3], cases[1::3], cases[2::3], strict=True):
        found = problem(opset, message, graph, os.path.join(folder, "model.onnx"))
        if found:
            bad += 1
            print(f"expected: {message}\nfound:    {found}")
    print(f"{len(cases) // 3} networks, {bad} not refused as expected")
    return 1 if bad or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
