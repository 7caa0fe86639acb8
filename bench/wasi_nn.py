# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measures cold starts and calls of wasi-nn guests on Wasmtime, in four ways.

usage: PYTHONPATH=python:test/e2e:examples/wasi-nn wasi_nn.py [MODEL.onnx SIZE...]

The guest of wasi_nn_guest.c runs in a new process for each start: on models of
nncc in runtime/wasi-nn/wasmtime, with its model in one file (nncc link), and on
Wasmtime's own wasi-nn with OpenVINO and with ONNX Runtime; all code is compiled
before. The columns are the process from start to end with one inference, what the
guest sees of it, in milliseconds, and the largest resident set. Without a model: a
network of two numbers, whose calls cost what the interface costs, and MobileNet v2.
Needs what ./dev test --full does, and builds the host for ONNX Runtime, for minutes.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx

import guests
import wasi_nn_hosts as hosts
from harness import network
from made_models import NETWORKS

STARTS = 20
RUNS = 200
QUICK_RUNS = 5000


@dataclass
class Way:
    """A command that runs the guest, and what must be installed for it."""

    name: str
    command: list[str | Path]
    environment: dict[str, str] = field(default_factory=dict)
    installed: Sequence[Path] = ()

    @property
    def megabytes(self) -> float:
        files = [file for path in self.installed for file in (path, *path.rglob("*"))]
        return float(sum(file.stat().st_size for file in files if file.is_file())) / 1e6


@dataclass
class Start:
    """One process: its milliseconds, and what the guest told."""

    wall: float
    load: float
    context: float
    first: float
    later: float


def start(way: Way, arguments: Sequence[str]) -> Start:
    environment = {**os.environ, **way.environment}
    begin = time.perf_counter()
    done = subprocess.run(
        [*way.command, *arguments], capture_output=True, text=True, env=environment, check=True
    )
    wall = 1e3 * (time.perf_counter() - begin)
    load, context, first, later = (float(word) / 1e3 for word in done.stdout.split())
    return Start(wall, load, context, first, later)


# A process counts what its parent had resident when it began, so the parent is a small one.
SMALL_PARENT = """
import os, sys
process = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
print(os.wait4(process, 0)[2].ru_maxrss)
"""


def resident(way: Way, arguments: Sequence[str]) -> float:
    """The largest resident set of a process, in megabytes."""
    parent = [sys.executable, "-I", "-S", "-c", SMALL_PARENT]
    environment = {**os.environ, **way.environment}
    command = [*parent, *way.command, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    return int(done.stdout.split()[-1]) * 1024 / 1e6


def onnxruntime(source: Path, name: str, guest: Path, folder: Path) -> Way:
    """Wasmtime's backend for the library in the package onnxruntime."""
    libraries = folder / "libraries"
    libraries.mkdir()
    library = next((hosts.package("onnxruntime") / "capi").glob("libonnxruntime.so.*"))
    for link in ("libonnxruntime.so", "libonnxruntime.so.1"):
        (libraries / link).symlink_to(library)
    variables = {"ORT_LIB_LOCATION": str(libraries), "ORT_PREFER_DYNAMIC_LINK": "1"}
    hosts.cargo(Path(__file__).with_name("wasi-nn-onnxruntime"), hosts.RUST_TARGET, **variables)
    program = hosts.RUST_TARGET / "release" / "wasi-nn-onnxruntime"
    code = folder / "onnxruntime.cwasm"
    environment = {"LD_LIBRARY_PATH": str(libraries)}
    subprocess.run([program, "compile", guest, code], env={**os.environ, **environment}, check=True)
    model = folder / "onnx" / name
    model.mkdir(parents=True)
    shutil.copy(source, model / "model.onnx")
    return Way("ONNX Runtime", [program, model, code], environment, [program, library, model])


def ways(source: Path, name: str, folder: Path) -> list[Way]:
    """The four ways for an ONNX file, with all code compiled."""
    guest = guests.compile_c(Path(__file__).with_name("wasi_nn_guest.c"), folder / "guest.wasm")
    model = folder / f"{name}.wasm"
    guests.call(guests.ROOT / "build" / "bin" / "nncc", source, "-o", model)
    app = guests.link(guest, model, folder / "app.wasm")
    wasmtime = hosts.stock_wasmtime()
    machine_code = {}
    for program in (guest, app):
        machine_code[program] = program.with_suffix(".cwasm")
        guests.call(wasmtime, "compile", program, "-o", machine_code[program])
    options, environment = hosts.openvino(source, name, folder)
    stock: list[str | Path] = [wasmtime, "run", "--allow-precompiled"]
    native = hosts.native(guest, model, name, folder)
    libraries = hosts.package("openvino") / "libs"
    weights = folder / name
    return [
        Way("nncc, backend", native, installed=[hosts.build_native(), model]),
        Way("nncc, linked", [*stock, machine_code[app]], installed=[wasmtime, app]),
        Way(
            "OpenVINO",
            [*stock, *options, machine_code[guest]],
            environment,
            [wasmtime, libraries, weights],
        ),
        onnxruntime(source, name, guest, folder),
    ]


def measure(source: Path, sizes: Sequence[str], runs: int) -> None:
    print(f"\n{source.stem}: {source.stat().st_size / 1e6:.1f} MB")
    print("| | process | load | context | first | later | resident MB | installed MB |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for way in ways(source, source.stem, Path(folder)):
            cold = [start(way, [source.stem, "0", *sizes]) for _ in range(STARTS + 1)][1:]
            later = start(way, [source.stem, str(runs), *sizes]).later
            megabytes = resident(way, [source.stem, "0", *sizes])

            def median(column: str, rows: Sequence[Start] = cold) -> float:
                return float(statistics.median(getattr(row, column) for row in rows))

            columns = [median(column) for column in ("wall", "load", "context", "first")]
            text = " | ".join(f"{column:.3g}" for column in (*columns, later))
            print(f"| {way.name} | {text} | {megabytes:.0f} | {way.megabytes:.0f} |")


def main() -> None:
    if len(sys.argv) > 1:
        measure(Path(sys.argv[1]), sys.argv[2:], RUNS)
        return
    with tempfile.TemporaryDirectory() as folder:
        pair = network(
            [onnx.helper.make_node("Add", ["x", "x"], ["y"])], {"x": np.ones((1, 2), np.float32)}
        )
        onnx.save(pair, Path(folder) / "pair.onnx")
        measure(Path(folder) / "pair.onnx", ["1", "2"], QUICK_RUNS)
        mobilenet, _ = NETWORKS["mobilenet-v2-f32"]()
        onnx.save(mobilenet, Path(folder) / "mobilenet.onnx")
        measure(Path(folder) / "mobilenet.onnx", ["1", "3", "224", "224"], RUNS)


if __name__ == "__main__":
    main()
