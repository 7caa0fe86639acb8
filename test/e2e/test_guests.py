# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The programs of examples/wasi-nn give the same answer in every host of wasi-nn."""

import os
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import pytest
from onnx import helper

import guests
import nncc
import wasi_nn_hosts as hosts
from harness import network

DIGIT = guests.HERE / "digit.pgm"
# Debian's tools alone build the first.
GUESTS = [
    "image-c",
    pytest.param("image-rust", marks=pytest.mark.full),
    pytest.param("image-component-c", marks=pytest.mark.full),
    pytest.param("image-component-rust", marks=pytest.mark.full),
    pytest.param("image-python", marks=pytest.mark.full),
]


class Digits(NamedTuple):
    """The network of the examples, and the five digits that it finds likeliest."""

    source: Path
    model: Path
    expected: list[str]

    @property
    def order(self) -> list[str]:
        return [line.split()[0] for line in self.expected]


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Digits:
    """What guest and model in one file answer."""
    folder = tmp_path_factory.mktemp("digits")
    model = guests.build_model("digits")
    app = guests.link(guests.build_guest("image-c"), model, folder / "app.wasm")
    assert guests.run_wasi(app, DIGIT, folder / "out.txt") == 0
    lines = (folder / "out.txt").read_text().splitlines()
    assert len(lines) == 5
    return Digits(guests.BUILD / "digits.onnx", model, lines)


def build(name: str) -> Path:
    try:
        return guests.build_guest(name)
    except guests.MissingToolError as error:
        pytest.skip(str(error))
    except subprocess.CalledProcessError as error:
        if "cargo" in str(error.cmd) and no_target():
            pytest.skip("cargo lacks the target or the crates")
        raise


@pytest.fixture(params=GUESTS)
def guest(request: pytest.FixtureRequest) -> Path:
    return build(request.param)


@pytest.fixture
def server() -> Path:
    return build("server")


def no_target() -> bool:
    """Whether Rust lacks WebAssembly here."""
    targets = subprocess.run(
        ["rustc", "--print", "sysroot"], capture_output=True, text=True, check=True
    ).stdout.strip()
    return not (Path(targets) / "lib" / "rustlib" / "wasm32-wasip2").exists()


def answer(command: list[str | Path], environment: Mapping[str, str] | None = None) -> list[str]:
    with DIGIT.open() as stdin:
        done = subprocess.run(
            command,
            stdin=stdin,
            capture_output=True,
            text=True,
            env={**os.environ, **(environment or {})},
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_javascript(guest: Path, digits: Digits, tmp_path: Path) -> None:
    assert answer(hosts.javascript(guest, digits.model, "digits", tmp_path)) == digits.expected


@pytest.mark.full
def test_native(guest: Path, digits: Digits, tmp_path: Path) -> None:
    command = hosts.native(guest, digits.model, "digits", tmp_path)
    assert answer(command) == digits.expected
    assert answer(command) == digits.expected  # From the cache.


@pytest.mark.full
def test_linked(guest: Path, digits: Digits, tmp_path: Path) -> None:
    app = guests.link(guest, digits.model, tmp_path / "app.wasm")
    assert answer([hosts.stock_wasmtime(), "run", app]) == digits.expected


@pytest.mark.full
def test_openvino(guest: Path, digits: Digits, tmp_path: Path) -> None:
    """The oracle: the same guest with somebody else's host and model."""
    options, environment = hosts.openvino(digits.source, "digits", tmp_path)
    lines = answer([hosts.stock_wasmtime(), "run", *options, guest], environment)
    assert [line.split()[0] for line in lines] == digits.order


@contextmanager
def serving(command: list[str | Path], environment: Mapping[str, str]) -> Iterator[str]:
    """The address of a server; the last word of its first line is it, or the port."""
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **environment},
    )
    try:
        assert process.stdout is not None
        word = process.stdout.readline().split()[-1]
        yield word if word.startswith("http") else f"http://127.0.0.1:{word}/"
    finally:
        process.terminate()
        process.wait()


def ask(address: str) -> list[str]:
    with urllib.request.urlopen(address, data=DIGIT.read_bytes(), timeout=60) as response:
        return list(response.read().decode().splitlines())


@pytest.mark.full
@pytest.mark.parametrize("host", ["javascript", "native", "linked"])
def test_server(host: str, server: Path, digits: Digits, tmp_path: Path) -> None:
    command: list[str | Path]
    if host == "linked":
        app = guests.link(server, digits.model, tmp_path / "app.wasm")
        command = [hosts.stock_wasmtime(), "serve", "-S", "cli", "--addr", "127.0.0.1:0", app]
    else:
        command = getattr(hosts, host)(server, digits.model, "digits", tmp_path)
    if host == "native":
        command[1:1] = ["serve", "--listen", "127.0.0.1:0"]
    with serving(command, {}) as address:
        assert ask(address) == digits.expected
        assert ask(address) == digits.expected


@pytest.mark.full
def test_server_with_openvino(server: Path, digits: Digits, tmp_path: Path) -> None:
    options, environment = hosts.openvino(digits.source, "digits", tmp_path)
    address = ["--addr", "127.0.0.1:0"]
    command: list[str | Path] = [hosts.stock_wasmtime(), "serve", *options, *address, server]
    with serving(command, environment) as url:
        assert [line.split()[0] for line in ask(url)] == digits.order


@pytest.mark.parametrize(
    "host", ["javascript", "linked", pytest.param("native", marks=pytest.mark.full)]
)
def test_state(host: str, tmp_path: Path) -> None:
    """A context keeps what its model takes back."""
    node = helper.make_node("Add", ["x", "before"], ["after"])
    feed = {"x": np.ones(1, np.float32), "before": np.zeros(1, np.float32)}
    onnx.save(network([node], feed, ["after"]), tmp_path / "sum.onnx")
    flags = ["--state", "after=before"]
    model = nncc.compile(tmp_path / "sum.onnx", tmp_path / "sum.wasm", flags=flags)
    source = Path(__file__).parent / "Inputs" / "stream_guest.c"
    program = guests.compile_c(source, tmp_path / "guest.wasm")
    numbers = tmp_path / "numbers"
    numbers.write_bytes(np.array([1, 2, 3.5], np.float32).tobytes())
    if host == "linked":
        app = guests.link(program, model, tmp_path / "app.wasm")
        assert guests.run_wasi(app, numbers, tmp_path / "out.txt") == 0
        output = (tmp_path / "out.txt").read_text()
    else:
        command = getattr(hosts, host)(program, model, "sum", tmp_path)
        with numbers.open("rb") as stdin:
            output = subprocess.run(
                command, stdin=stdin, stdout=subprocess.PIPE, text=True, check=True
            ).stdout
    assert output.split() == ["1", "3", "6.5"]


@pytest.mark.parametrize("host", ["javascript", pytest.param("native", marks=pytest.mark.full)])
def test_load(host: str, tmp_path: Path) -> None:
    """A guest brings an ONNX file, for which the compiled model stands, or a module."""
    nodes = [
        helper.make_node("Add", ["x", "x"], ["twice"]),
        helper.make_node("Greater", ["twice", "four"], ["big"]),
    ]
    feed = {"x": np.ones((2, 2), np.int64)}
    constants = {"four": np.array(4, np.int64)}
    onnx.save(network(nodes, feed, ["twice", "big"], constants=constants), tmp_path / "twice.onnx")
    model = nncc.compile(tmp_path / "twice.onnx", tmp_path / "twice.wasm")
    source = Path(__file__).parent / "Inputs" / "load_guest.c"
    program = guests.compile_c(source, tmp_path / "guest.wasm")
    command = getattr(hosts, host)(program, model, "twice", tmp_path)
    for given, is_known in (("twice.onnx", True), ("twice.wasm", True), ("guest.o", False)):
        data = (tmp_path / given).read_bytes()
        done = subprocess.run(command, input=data, capture_output=True, check=False)
        lines = done.stdout.decode().splitlines()
        assert lines[1] == ("1: 2 4 6! 8!" if is_known else "1: refused"), done.stderr
        assert lines[5][2:] == lines[1][2:]  # autodetect
        assert {line[2:] for i, line in enumerate(lines) if i in (0, 2, 3, 4)} == {" refused"}


@pytest.mark.full
def test_external_weights(tmp_path: Path) -> None:
    """They lie beside the module; others are refused."""
    node = helper.make_node("Add", ["x", "w"], ["y"])
    feed = {"x": np.ones(1, np.float32)}
    constants = {"w": np.full(1, 2, np.float32)}
    onnx.save(network([node], feed, constants=constants), tmp_path / "sum.onnx")
    flags = ["--weights=external"]
    model = nncc.compile(tmp_path / "sum.onnx", tmp_path / "sum.wasm", flags=flags)
    source = Path(__file__).parent / "Inputs" / "stream_guest.c"
    program = guests.compile_c(source, tmp_path / "guest.wasm")
    command = hosts.native(program, model, "sum", tmp_path)
    [weights] = tmp_path.glob("*.safetensors")
    for data in (weights.read_bytes(), b"others"):
        weights.write_bytes(data)
        numbers = np.ones(1, np.float32).tobytes()
        done = subprocess.run(command, input=numbers, capture_output=True, check=False)
        if data == b"others":
            assert b"these are not the model's weights" in done.stderr
        else:
            assert done.stdout.decode().split() == ["3"], done.stderr


@pytest.mark.full
def test_substitute(tmp_path: Path) -> None:
    """Whatever a guest loads, it gets the model of that name."""
    node = helper.make_node("Add", ["x", "x"], ["twice"])
    big = helper.make_node("Greater", ["twice", "x"], ["big"])
    feed = {"x": np.ones((2, 2), np.int64)}
    onnx.save(network([node, big], feed, ["twice", "big"]), tmp_path / "twice.onnx")
    model = nncc.compile(tmp_path / "twice.onnx", tmp_path / "twice.wasm")
    source = Path(__file__).parent / "Inputs" / "load_guest.c"
    program = guests.compile_c(source, tmp_path / "guest.wasm")
    command = hosts.native(program, model, "twice", tmp_path)
    command[1:1] = ["--substitute", "twice"]
    done = subprocess.run(command, input=b"a file", capture_output=True, check=True)
    lines = done.stdout.decode().splitlines()
    assert {line[3:] for line in lines} == {"2! 4! 6! 8!"}
