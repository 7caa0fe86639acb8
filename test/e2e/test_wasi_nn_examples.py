# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""examples/wasi-nn: the programs in Rust. Those in C run in test/browser."""

import shutil
import subprocess
import sys

import pytest
import wasmtime
from wasmtime import component

from harness import ROOT

EXAMPLE = ROOT / "examples" / "wasi-nn"
# What cargo says where its target or the network are missing, which is no fault of ours.
MISSING = ("can't find crate for", "failed to download", "failed to get", "may not be installed")


@pytest.fixture
def full(request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("--full", default=False):
        pytest.skip("the crates take a minute to compile: ./dev test --full")
    if shutil.which("cargo") is None:
        pytest.skip("there is no cargo")


def run_python(code: str) -> str:
    """Runs code in the folder of run.py."""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=EXAMPLE, check=False)
    if any(text in done.stderr for text in MISSING):
        pytest.skip("cargo lacks the target or the crates")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.usefixtures("full")
def test_image_in_rust() -> None:
    code = "import run; run.run_example('{}', [])"
    assert run_python(code.format("image-rust")) == run_python(code.format("image-c"))


@pytest.mark.usefixtures("full")
def test_server_needs_no_wasi_nn() -> None:
    path = run_python("import run; print(run.build_server())")
    engine = wasmtime.Engine()
    imports = component.Component.from_file(engine, path).type.imports(engine)
    assert imports
    assert not [name for name in imports if name.startswith("wasi:nn/")]
