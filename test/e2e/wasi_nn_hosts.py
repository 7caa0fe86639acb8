# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Hosts of wasi-nn: ours in JavaScript, ours in Rust, and Wasmtime's own with OpenVINO."""

import functools
import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from harness import ROOT, node_program

INPUTS = Path(__file__).parent / "Inputs"
# Shared with the other programs in Rust, so that what they have in common is compiled once.
RUST_TARGET = ROOT / "build" / "hosts" / "rust"
# A package that the registry did not give is no fault of ours.
OFFLINE = re.compile(
    r"dial tcp|requires go >=|failed to (download|get|fetch)|Could not resolve|Could not transfer"
    r"|Network is unreachable|requires rustc|index for some dependencies"
    r"|can't find crate for|may not be installed|is not installed"
)


def is_component(program: Path) -> bool:
    return program.read_bytes()[6] == 1


def javascript(guest: Path, model: Path, name: str, folder: Path) -> list[str | Path]:
    """The command that runs a guest with the model of that name; `folder` is for files."""
    given = f"{name}={model}"
    if is_component(guest):
        return [node_program(), INPUTS / "component-host.mjs", given, guest, folder / "jco"]
    return [node_program(), INPUTS / "guest-host.mjs", given, guest]


def cargo(folder: Path, target: Path, *options: str, **environment: str) -> None:
    """Builds a program in Rust, or skips where that cannot be."""
    if shutil.which("cargo") is None:
        pytest.skip("there is no cargo")
    done = subprocess.run(
        ["cargo", "build", "--release", "--locked", *options],
        cwd=folder,
        env={**os.environ, "CARGO_TARGET_DIR": str(target), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0 and OFFLINE.search(done.stderr):
        pytest.skip("cargo cannot get its packages here")
    assert done.returncode == 0, done.stderr


def shim(guest: Path, model: Path, name: str, _: Path) -> list[str | Path]:
    """The same with the WASI of web pages."""
    return [node_program(), INPUTS / "shim-host.mjs", f"{name}={model}", guest]


@functools.cache
def build_native() -> Path:
    """The program of runtime/wasi-nn/wasmtime."""
    cargo(ROOT / "runtime" / "wasi-nn" / "wasmtime", RUST_TARGET)
    return RUST_TARGET / "release" / "nncc-wasi-nn"


@functools.cache
def build_rust_guest(folder: Path, name: str, kind: str = "wasm32-wasip1") -> Path:
    """A program for WASI, or with wasm32-wasip2 a component."""
    target = ROOT / "build" / "hosts" / "guests"
    cargo(folder, target, f"--target={kind}")
    return target / kind / "release" / f"{name}.wasm"


def native(guest: Path, model: Path, name: str, folder: Path) -> list[str | Path]:
    cache = folder / "cache"
    return [build_native(), "--cache", cache, "--model", f"{name}={model}", guest]


def package(name: str) -> Path:
    """The folder of a Python package that ./dev test --full installs."""
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        pytest.skip(f"the package {name} is not there: ./dev test --full installs it")
    return Path(found.origin).parent


def stock_wasmtime() -> Path:
    program = package("wasmtime_cli") / "wasmtime"
    program.chmod(0o755)  # The wheel forgets it.
    return program


def openvino(source: Path, name: str, folder: Path) -> tuple[list[str], dict[str, str]]:
    """Wasmtime's options and environment for an ONNX file as a model of OpenVINO's."""
    libraries = package("openvino") / "libs"
    # Looked for without the version in its name.
    link = folder / "libopenvino_c.so"
    if not link.exists():
        link.symlink_to(next(libraries.glob("libopenvino_c.so.*")))
        convert(source, folder / name)
    path = f"{folder}:{libraries}"
    return ["-S", f"cli,nn,nn-graph=openvino::{folder / name}"], {"LD_LIBRARY_PATH": path}


def convert(source: Path, folder: Path) -> None:
    import openvino as ov

    model = ov.Core().read_model(source)
    ov.save_model(model, folder / "model.xml", compress_to_fp16=False)
