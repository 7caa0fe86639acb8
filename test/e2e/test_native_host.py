# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What nncc-wasi-nn does beyond what all hosts of wasi-nn do."""

import os
import subprocess
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

import guests
import nncc
import wasi_nn_hosts
from harness import ROOT, network, random

INPUTS = Path(__file__).parent / "Inputs"
# What 10,000 execution contexts of 200 KB and more would exceed by far.
MOST_RESIDENT_KB = 400_000

pytestmark = pytest.mark.full


def run(folder: Path, guest: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [wasi_nn_hosts.build_native(), "--no-cache", *options, guest]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)


@pytest.fixture
def guest(tmp_path: Path) -> Path:
    """Opens "demo", gives it {{1, 2}} and prints what comes out."""
    return guests.compile_c(ROOT / "test/runtime-web/Inputs/guest.c", tmp_path / "guest.wasm")


def affine(folder: Path, *flags: str) -> Path:
    """y = 2x + 1 on f32[1, 2], where x is scaled by an operator of the user's."""
    factor = -2.0 if "--fails" in flags else 2.0
    nodes = [
        helper.make_node("Scale", ["x"], ["t"], domain="my.domain", name="scale", factor=factor),
        helper.make_node("Add", ["t", "one"], ["y"]),
    ]
    feed = {"x": np.ones((1, 2), np.float32)}
    constants = {"one": np.array(1, np.float32)}
    onnx.save(network(nodes, feed, constants=constants), folder / "affine.onnx")
    declaration = "--extern=my.domain::Scale=T[...]->T[...]"
    return nncc.compile(folder / "affine.onnx", folder / "affine.wasm", flags=[declaration])


@pytest.fixture
def functions(tmp_path: Path) -> Path:
    """As docs/extern.md says."""
    obj, output = tmp_path / "scale.o", tmp_path / "functions.wasm"
    flags = ["--target=wasm32", "-O2", "-ffreestanding", "-Wall"]
    guests.call("clang-19", *flags, "-c", INPUTS / "scale_function.c", "-o", obj)
    place = ["--global-base=131072", "-zstack-size=16384", "--initial-memory=196608"]
    link = ["wasm-ld-19", "--no-entry", "--import-memory", *place]
    guests.call(*link, "--export=my_domain__Scale", obj, "-o", output)
    return output


def test_functions(guest: Path, functions: Path, tmp_path: Path) -> None:
    model = f"demo={affine(tmp_path)}"
    done = run(tmp_path, guest, "--functions", str(functions), "--model", model)
    assert done.stdout == "3 5\n", done.stderr
    done = run(tmp_path, guest, "--model", model)
    assert "it calls functions of --extern and was given none" in done.stderr
    others = guest.parent / "others.wasm"
    others.write_bytes(b"\0asm\1\0\0\0")
    done = run(tmp_path, guest, "--functions", str(others), "--model", model)
    assert "it calls my.domain::Scale, which its functions lack" in done.stderr


def test_function_that_fails(guest: Path, functions: Path, tmp_path: Path) -> None:
    model = f"demo={affine(tmp_path, '--fails')}"
    done = run(tmp_path, guest, "--functions", str(functions), "--model", model)
    assert done.stdout == "errno 5\n"
    assert "my.domain::Scale): my_domain__Scale returned 7" in done.stderr


def test_threads(tmp_path: Path) -> None:
    """Any number of them gives the same; they end with their execution context."""
    nodes = [
        helper.make_node("Conv", ["data", "v"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Conv", ["c", "w"], ["d"], pads=[1, 1, 1, 1]),
        helper.make_node("GlobalAveragePool", ["d"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("Softmax", ["f"], ["prob"]),
    ]
    feed = {"data": random(1, 3, 8, 8)}
    constants = {"v": random(64, 3, 3, 3, seed=2), "w": random(10, 64, 3, 3, seed=3)}
    onnx.save(network(nodes, feed, ["prob"], constants=constants), tmp_path / "model.onnx")
    (tmp_path / "fixture").mkdir()
    (tmp_path / "fixture" / "tensor.bgr").write_bytes(feed["data"].tobytes())
    models = tmp_path / "models"
    models.mkdir()
    guest = guests.compile_c(INPUTS / "classify_guest.c", tmp_path / "classify.wasm")
    answers = set()
    for flags in ([], ["--threads"]):
        nncc.compile(tmp_path / "model.onnx", models / "mobilenet.wasm", flags=flags)
        for count in "1", "2", "4":
            options = ["--threads", count, "--models", "models", "--dir", "."]
            done = run(tmp_path, guest, *options)
            assert done.returncode == 0, done.stderr
            answers.add(done.stdout)
    assert len(answers) == 1


@pytest.mark.parametrize("flags", [[], ["--threads"]])
def test_memory_of_contexts(flags: list[str], tmp_path: Path) -> None:
    """10,000 of them, one after the other, need no more than a few."""
    nodes = [
        helper.make_node("Add", ["x", "x"], ["t"]),
        helper.make_node("Add", ["t", "one"], ["y"]),
    ]
    feed = {"x": np.ones((1, 2), np.float32)}
    constants = {"one": np.array(1, np.float32)}
    onnx.save(network(nodes, feed, constants=constants), tmp_path / "affine.onnx")
    model = nncc.compile(tmp_path / "affine.onnx", tmp_path / "affine.wasm", flags=flags)
    guest = guests.compile_c(INPUTS / "many_guest.c", tmp_path / "many.wasm")
    options = ["--no-cache", "--threads", "2", "--model", f"demo={model}", str(guest)]
    output = tmp_path / "out.txt"
    with output.open("w") as stdout, open(os.devnull, "w") as null:
        command = [str(wasi_nn_hosts.build_native()), *options]
        process = subprocess.Popen(command, stdout=stdout, stderr=null)
        _, process.returncode, usage = os.wait4(process.pid, 0)
    assert output.read_text() == "10000 rounds\n"
    assert usage.ru_maxrss < MOST_RESIDENT_KB


def test_folders_and_variables(tmp_path: Path) -> None:
    """A guest knows a folder by another name; what is no model is named."""
    guest = guests.compile_c(INPUTS / "classify_guest.c", tmp_path / "classify.wasm")
    done = run(tmp_path, guest, "--dir", "nowhere::fixture")
    assert done.returncode != 0
    assert "nowhere" in done.stderr
    done = run(tmp_path, guest, "--models", "nowhere")
    assert "nowhere" in done.stderr
    done = run(tmp_path, guest, "--env", "NAME")
    assert "--env takes a name, = and what it is" in done.stderr
    done = run(tmp_path, guest, "--nothing")
    assert "there is no option --nothing" in done.stderr
