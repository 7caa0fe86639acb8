# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Files that must be refused: each gives a message, an exit code other than
0, no output file and no crash.

A case is a function that writes a model into a folder and returns its path, and
a regular expression that one line of the messages has to match.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest

import damaged_files  # noqa: F401
import external_data  # noqa: F401
import graphs  # noqa: F401
import models  # noqa: F401
import operators  # noqa: F401
import tensors  # noqa: F401
from cases import CASES, Case

NNCC = Path(os.environ.get("NNCC", Path(__file__).parents[2] / "build/bin/nncc"))


def write_model(case: Case, folder: Path) -> Path:
    folder.mkdir()
    made = case.make(str(folder))
    if isinstance(made, str):
        return Path(made)
    path = folder / "model.onnx"
    path.write_bytes(made if isinstance(made, bytes) else made.SerializeToString())
    return path


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_is_refused(case: Case, tmp_path: Path) -> None:
    model = write_model(case, tmp_path / "model")
    output = tmp_path / "out.wasm"
    command = [str(NNCC), str(model), "-o", str(output), *case.options]
    done = subprocess.run(
        command, capture_output=True, text=True, errors="replace", timeout=60, check=False
    )
    text = done.stdout + done.stderr
    assert done.returncode != 0, "the file was accepted"
    assert done.returncode in (1, 2), f"crashed: {text[:500]}"
    assert not re.search(r"Assertion|Stack dump|Sanitizer|terminate called|LLVM ERROR", text)
    assert re.search(case.message, text)
    assert len(text.splitlines()) <= 12, "says too much"
    assert not output.exists(), "an output file was left"
