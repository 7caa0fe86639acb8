# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Whether naga accepts the kernels of whole networks and of the lit tests."""

import subprocess
from pathlib import Path

import pytest

import naga
from harness import BIN, MODELS, ROOT

pytestmark = pytest.mark.full

FLAGS = [[], ["--f16"]]


@pytest.fixture(autouse=True)
def _naga() -> None:
    try:
        naga.program()
    except naga.MissingNagaError as error:
        pytest.skip(str(error))


def test_lit_texts() -> None:
    """What the lit tests have left in the build folder."""
    files = sorted((ROOT / "build" / "test").rglob("*.wgsl"))
    if not files:
        pytest.skip("the lit tests were not run here")
    naga.check(text for file in files if "enable subgroups" not in (text := file.read_text()))


@pytest.mark.parametrize("flags", FLAGS, ids=["f32", "f16"])
def test_networks(flags: list[str], tmp_path: Path) -> None:
    """The networks of the folder of published ones that are compiled in seconds."""
    files = [file for file in sorted(MODELS.glob("*/model.onnx")) if file.stat().st_size < 16 << 20]
    if not files:
        pytest.skip(f"no networks in {MODELS}")
    for file in files:
        command = [BIN / "nncc", file, "--target=webgpu", *flags, "-o", tmp_path / "model.wasm"]
        # What is not supported is told elsewhere.
        if subprocess.run([*map(str, command)], capture_output=True, check=False).returncode == 0:
            naga.check(naga.texts_of(tmp_path / "model.wasm").values())


def test_refuses() -> None:
    with pytest.raises(AssertionError, match="naga"):
        naga.check(["fn broken( {}"])
