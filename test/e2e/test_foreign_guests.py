# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Guests in the shapes that programs for other hosts of wasi-nn have, and hostile ones."""

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
from harness import Feeds, network, random

INPUTS = Path(__file__).parent / "Inputs"
NATIVE = pytest.param("native", marks=pytest.mark.full)
HOSTS = pytest.mark.parametrize("host", ["javascript", "linked", NATIVE])
CORE_HOSTS = pytest.mark.parametrize("host", ["javascript", "shim", "linked", NATIVE])


def build(name: str, folder: Path) -> Path:
    return guests.compile_c(INPUTS / f"{name}_guest.c", folder / f"{name}.wasm")


def run(
    host: str, guest: Path, model: Path, name: str, *arguments: str, substitute: bool = False
) -> str:
    """What a guest prints that may open files of the folder where it is."""
    folder = guest.parent
    if host == "linked":
        app = guests.link(guest, f"{name}={model}", folder / "app.wasm")
        guests.run_wasi(app, Path(os.devnull), folder / "out.txt", arguments, folder)
        return (folder / "out.txt").read_text()
    command = getattr(wasi_nn_hosts, host)(guest, model, name, folder)
    if host == "native":
        stand_in = ["--substitute", name] if substitute else []
        command[1:1] = ["--dir", ".", *stand_in]
    elif substitute:
        command.insert(2, "--substitute")
    done = subprocess.run(
        [*command, *arguments], capture_output=True, text=True, cwd=folder, check=False
    )
    return done.stdout or done.stderr


@pytest.fixture
def affine(tmp_path: Path) -> Path:
    """y = 2x + 1 on f32[1, 2]."""
    nodes = [
        helper.make_node("Mul", ["x", "two"], ["t"]),
        helper.make_node("Add", ["t", "one"], ["y"]),
    ]
    constants = {"two": np.array(2, np.float32), "one": np.array(1, np.float32)}
    feed = {"x": np.ones((1, 2), np.float32)}
    onnx.save(network(nodes, feed, constants=constants), tmp_path / "affine.onnx")
    return nncc.compile(tmp_path / "affine.onnx", tmp_path / "affine.model.wasm")


@CORE_HOSTS
def test_hostile_calls(host: str, affine: Path, tmp_path: Path) -> None:
    """Each gets its errno, and the next right one works."""
    text = run(host, build("hostile", tmp_path), affine, "demo")
    assert text.endswith(" calls\n"), text
    assert text.count("\n") == 1, text
    assert int(text.split()[0]) >= 200


@CORE_HOSTS
@pytest.mark.parametrize("seed", ["1", "77"])
def test_random_calls(host: str, seed: str, affine: Path, tmp_path: Path) -> None:
    rounds = os.environ.get("NNCC_FUZZ_CALLS", "10000")
    guest = build("fuzz", tmp_path)
    assert run(host, guest, affine, "demo", seed, rounds) == f"{rounds} calls\n"


@CORE_HOSTS
def test_nothing_is_kept(host: str, affine: Path, tmp_path: Path) -> None:
    """What 10,000 graphs and execution contexts needed is given back."""
    assert run(host, build("many", tmp_path), affine, "demo") == "10000 rounds\n"


@pytest.fixture
def classifier(tmp_path: Path) -> tuple[Path, list[str]]:
    """A network of pictures, the files that its guest opens, and the best five classes."""
    feed: Feeds = {"data": random(1, 3, 8, 8)}
    nodes = [
        helper.make_node("Conv", ["data", "w"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("Softmax", ["f"], ["prob"]),
    ]
    fixture = tmp_path / "fixture"
    fixture.mkdir()
    constants = {"w": random(10, 3, 3, 3, seed=2)}
    onnx.save(network(nodes, feed, ["prob"], constants=constants), fixture / "model.onnx")
    (fixture / "tensor.bgr").write_bytes(feed["data"].tobytes())
    (fixture / "model.xml").write_text("<net/>")
    (fixture / "model.bin").write_bytes(b"weights")
    model = nncc.compile(fixture / "model.onnx", tmp_path / "classifier.model.wasm")
    scores = nncc.load(model).run(feed)["prob"].ravel()
    best = np.argsort(-scores, kind="stable")[:5]
    return model, [f"{i} {scores[i]:.4f}" for i in best]


@CORE_HOSTS
@pytest.mark.parametrize("how", ["by-name", "onnx", "autodetect", "openvino"])
def test_classifier(
    host: str, how: str, classifier: tuple[Path, list[str]], tmp_path: Path
) -> None:
    """It opens files, its numbers are not aligned, and its buffers too large or too small."""
    if host == "linked" and how == "openvino":
        pytest.skip("nncc link takes models for ONNX files alone")
    model, expected = classifier
    guest = build("classify", tmp_path)
    text = run(host, guest, model, "mobilenet", how, substitute=how == "openvino")
    assert text.splitlines() == expected


@CORE_HOSTS
def test_older_wamr(host: str, tmp_path: Path) -> None:
    """WAMR's own interface, with the types of before August 2023."""
    node = helper.make_node("BitwiseXor", ["x", "ones"], ["y"])
    constants = {"ones": np.array(255, np.uint8)}
    feed = {"x": np.zeros((1, 4), np.uint8)}
    onnx.save(network([node], feed, constants=constants, opset=18), tmp_path / "xor.onnx")
    model = nncc.compile(tmp_path / "xor.onnx", tmp_path / "xor.model.wasm")
    guest = build("wamr", tmp_path)
    assert run(host, guest, model, "mobilenet") == "1 4: 254 235 225 55\n"


@pytest.mark.full
@CORE_HOSTS
def test_crate_of_wasmedge(host: str, affine: Path, tmp_path: Path) -> None:
    """Its functions beyond the standard's, in a program of Rust."""
    guest = wasi_nn_hosts.build_rust_guest(INPUTS / "wasmedge-guest", "wasmedge-guest")
    copy = tmp_path / "guest.wasm"
    copy.write_bytes(guest.read_bytes())
    assert run(host, copy, affine, "demo") == 3 * "8: 3 5\n8: 7 9\n"


def component_guest(edition: str, folder: Path) -> Path:
    """A guest on one edition of the interface, which prints the code of each error."""
    crate = INPUTS / "component-guest"
    guest = folder / "guest.wasm"
    built = wasi_nn_hosts.build_rust_guest(crate, edition, "wasm32-wasip2")
    guest.write_bytes(built.read_bytes())
    return guest


CODES = ["NotFound", *2 * ["InvalidEncoding"], "UnsupportedOperation", "RuntimeError"]
COMPONENT_LINES = [
    *(f"ErrorCode::{code}" for code in [*CODES, *3 * ["InvalidArgument"]]),
    *2 * ["[1, 2]: 3 5"],
]
EDITIONS = pytest.mark.parametrize("edition", ["newer", "older"])


@pytest.mark.full
@HOSTS
@EDITIONS
def test_components(host: str, edition: str, affine: Path, tmp_path: Path) -> None:
    guest = component_guest(edition, tmp_path)
    assert run(host, guest, affine, "demo").splitlines() == COMPONENT_LINES


@pytest.mark.full
@EDITIONS
def test_components_with_two_models(edition: str, affine: Path, tmp_path: Path) -> None:
    """Linked, in wasmtime and by jco in Node."""
    guest = component_guest(edition, tmp_path)
    app = tmp_path / "app.wasm"
    models = [f"other={affine}", f"demo={affine}"]
    guests.call(guests.ROOT / "build" / "bin" / "nncc", "link", guest, *models, "-o", app)
    assert guests.run_wasi(app, Path(os.devnull), tmp_path / "out.txt") == 0
    assert (tmp_path / "out.txt").read_text().splitlines() == COMPONENT_LINES
    command = wasi_nn_hosts.javascript(app, affine, "unused", tmp_path)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == COMPONENT_LINES, done.stderr
