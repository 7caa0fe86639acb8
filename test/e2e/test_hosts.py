# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The examples of plain hosts give the bits that the Python package gives."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

import nncc
from harness import ROOT, network, random


def test_go_gives_the_same_bits(tmp_path: Path) -> None:
    go = shutil.which("go")
    if go is None:
        pytest.skip("there is no go")
    source = ROOT / "examples" / "hosts" / "go"
    program = tmp_path / "host"
    command = [go, "build", "-o", str(program), "."]
    built = subprocess.run(command, check=False, cwd=source, capture_output=True, text=True)
    if "dial tcp" in built.stderr or "requires go >=" in built.stderr:
        pytest.skip("go cannot get wazero here")
    assert built.returncode == 0, built.stderr
    feed = {"x": np.ones((3, 8), np.float32)}
    nodes = [helper.make_node("MatMul", ["x", "w"], ["m"]), helper.make_node("Tanh", ["m"], ["y"])]
    onnx.save(network(nodes, feed, constants={"w": random(8, 5)}), tmp_path / "model.onnx")
    module = nncc.compile(tmp_path / "model.onnx", tmp_path / "model.wasm")
    expected = nncc.load(module).run(feed)["y"]
    result = subprocess.run([program, module], capture_output=True, text=True, check=True)
    name, *words = result.stdout.split()
    assert name == "y"
    bits = np.array([int(word, 16) for word in words], np.uint32)
    assert np.array_equal(bits, expected.ravel().view(np.uint32))
