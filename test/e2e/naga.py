# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""naga, which reads WGSL in Firefox and Deno: a second opinion beside Dawn's."""

import functools
import hashlib
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from nncc.relaxed import custom_section

ROOT = Path(__file__).resolve().parents[2]
VERSION = "30.0.1"

# Texts that were accepted before: many kernels are the same in many networks.
_accepted: set[str] = set()


class MissingNagaError(Exception):
    """Why there is no naga."""


@functools.cache
def program() -> Path:
    """The program, built once by cargo, which takes a minute."""
    folder = ROOT / "build" / f"naga-{VERSION}"
    binary = folder / "bin" / "naga"
    if binary.exists():
        return binary
    cargo = shutil.which("cargo")
    if cargo is None:
        raise MissingNagaError("there is no cargo, which builds naga")
    install = [
        cargo,
        "install",
        "naga-cli",
        "--version",
        VERSION,
        "--locked",
        "--root",
        str(folder),
    ]
    result = subprocess.run(install, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise MissingNagaError(f"cargo does not build naga: {result.stderr[-500:]}")
    return binary


def texts_of(module: Path) -> dict[str, str]:
    """The kernels of a module by name, in all variants but for subgroups, which naga lacks."""
    section = custom_section(module.read_bytes(), b"nncc.webgpu")
    kernels = json.loads(section)["kernels"] if section else []
    return {
        "+".join([kernel["name"], *variant["features"]]): variant["code"]
        for kernel in kernels
        for variant in kernel["variants"]
        if "subgroups" not in variant["features"]
    }


def check(texts: Iterable[str]) -> None:
    """Raises AssertionError with naga's words for a text that it does not accept."""
    hashes = {hashlib.sha256(text.encode()).hexdigest(): text for text in texts}
    new = {name: text for name, text in hashes.items() if name not in _accepted}
    if not new:
        return
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{name}.wgsl" for name in new]
        for file, text in zip(files, new.values(), strict=True):
            file.write_text(text)
        result = subprocess.run(
            [program(), "--bulk-validate", *files], capture_output=True, text=True, check=False
        )
    assert result.returncode == 0, f"naga: {(result.stdout + result.stderr)[:2000]}"
    _accepted.update(new)
