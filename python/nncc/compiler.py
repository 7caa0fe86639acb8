# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Calls the compiler."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

PathLike = str | os.PathLike[str]


class CompileError(Exception):
    """The compiler refused a model; the text is what it said."""


def compile(
    model: PathLike,
    output: PathLike,
    *,
    target: str = "wasm",
    dims: Mapping[str, int | str] | None = None,
    flags: Sequence[str] = (),
) -> Path:
    """Compiles the ONNX file `model` to the module `output` and returns its path.

    `dims` fixes or bounds open sizes: {"batch": 1, "seq": "1..512"}. `flags` go
    to the compiler as they are. Raises CompileError.
    """
    command = [
        str(find_compiler()),
        os.fspath(model),
        f"--target={target}",
        "-o",
        os.fspath(output),
    ]
    for name, size in (dims or {}).items():
        command += ["--dim", f"{name}={size}"]
    done = subprocess.run([*command, *flags], capture_output=True, text=True, check=False)
    if done.returncode < 0:
        raise CompileError(f"nncc was stopped by signal {-done.returncode}\n{done.stderr}")
    if done.returncode != 0:
        raise CompileError(done.stderr.strip() or f"nncc returned {done.returncode}")
    return Path(output)


def find_compiler() -> Path:
    """$NNCC, the one in this checkout's build folder, or the one in the PATH."""
    if named := os.environ.get("NNCC"):
        return Path(named)
    built = Path(__file__).resolve().parents[2] / "build" / "bin" / "nncc"
    if built.is_file():
        return built
    if found := shutil.which("nncc"):
        return Path(found)
    raise CompileError("nncc was not found: build it, or set NNCC to its path")
