# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs modules on WebGPU: in one Node process, since a GPU takes a while to open."""

import functools
import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import numpy_helper

Array = npt.NDArray[Any]

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_name("Inputs") / "gpu-host.mjs"


# Chromium brings a Vulkan driver that computes on the CPU.
SOFTWARE_DRIVER = Path("/usr/lib/chromium/vk_swiftshader_icd.json")
if SOFTWARE_DRIVER.exists():
    os.environ.setdefault("VK_ICD_FILENAMES", str(SOFTWARE_DRIVER))


class GpuHost:
    """The process; `problem` tells why it has no GPU. A plain one uses no subgroups."""

    def __init__(self, plain: bool = False) -> None:
        node = ROOT / "node_modules" / "node24" / "bin" / "node"
        command = [str(node), str(SCRIPT), *(["--plain"] if plain else [])]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        self.problem = self._answer()

    def run(self, module: Path, inputs: Sequence[Array]) -> list[Array]:
        """The outputs, in order. Raises AssertionError with the error of the runtime."""
        return self.run_all(module, [inputs])[0]

    def run_all(self, module: Path, feeds: Sequence[Sequence[Array]]) -> list[list[Array]]:
        """The same for several runs of one model that is loaded once."""
        return self.run_together([(module, feeds)])[0]

    def run_together(
        self, jobs: Sequence[tuple[Path, Sequence[Sequence[Array]]]]
    ) -> list[list[list[Array]]]:
        """The same for several models, side by side."""
        with tempfile.TemporaryDirectory() as name:
            folders = [
                [_save_inputs(Path(name) / f"{i}-{j}", inputs) for j, inputs in enumerate(feeds)]
                for i, (_, feeds) in enumerate(jobs)
            ]
            assert self._process.stdin is not None
            request = [
                {"module": str(module), "folders": [str(folder) for folder in own]}
                for (module, _), own in zip(jobs, folders, strict=True)
            ]
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            error = self._answer()
            assert not error, f"on the GPU: {error}"
            return [[_read_outputs(folder) for folder in own] for own in folders]

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the process that runs modules on the GPU ended without an answer"
        return str(json.loads(line)["error"])


def _save_inputs(folder: Path, inputs: Sequence[Array]) -> Path:
    folder.mkdir()
    for i, array in enumerate(inputs):
        tensor = numpy_helper.from_array(np.asarray(array))
        (folder / f"input_{i}.pb").write_bytes(tensor.SerializeToString())
    return folder


def _read_outputs(folder: Path) -> list[Array]:
    files = sorted(folder.glob("output_*.npy"), key=lambda file: int(file.stem[7:]))
    return [np.load(file) for file in files]


@functools.cache
def gpu_host(plain: bool = False) -> GpuHost:
    """The one process of this session, or the one without subgroups."""
    return GpuHost(plain)
