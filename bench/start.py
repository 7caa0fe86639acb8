# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""First results in fresh processes, both runtimes in turns, and what was compiled and loaded."""

import gzip
import json
import statistics
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RUNTIMES = ("nncc", "ort")
Row = Mapping[str, Any]  # of the table, or what first-result.mjs prints


class StartError(Exception):
    """The compiler or a runtime refuses the network."""


def measure(network: Path, inputs: Path, flags: list[str], node: Path, rounds: int) -> Row:
    """A row of the table."""
    module = inputs.with_name(f"{network.stem}.wasm")
    code = code_bytes(network, module, flags)
    seconds = compile_network(network, module, flags)
    files = {"nncc": module, "ort": network}
    script = ROOT / "bench" / "first-result.mjs"
    times: dict[str, list[Row]] = {runtime: [] for runtime in RUNTIMES}
    for _ in range(rounds):
        for runtime, runs in times.items():
            command = [node, script, runtime, files[runtime], inputs]
            runs.append(json.loads(output_of(command).splitlines()[-1]))
    row = {"code_bytes": code, "compile_s": seconds}
    for runtime, runs in times.items():
        first = [run["first_ms"] for run in runs]
        row[f"{runtime}_first_ms"] = statistics.median(first)
        row[f"{runtime}_least_ms"] = min(first)
        row[f"{runtime}_load_ms"] = min(run["load_ms"] for run in runs)
    return row


def code_bytes(network: Path, module: Path, flags: list[str]) -> int:
    """Of the module without its weights, with gzip."""
    compile_network(network, module, [*flags, "--weights=external"])
    return len(gzip.compress(module.read_bytes(), 9))


def compile_network(network: Path, module: Path, flags: list[str]) -> float:
    """The seconds that it takes."""
    begin = time.perf_counter()
    output_of([ROOT / "build" / "bin" / "nncc", network, "--target=wasm", "-o", module, *flags])
    return time.perf_counter() - begin


def output_of(command: list[Any]) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        raise StartError(next((line for line in lines if "rror" in line), "no message")[:120])
    return done.stdout


def heading() -> str:
    both = "".join(f"{title:>12}{'least':>9}{'loading':>9}" for title in ("nncc ms", "ort-web ms"))
    return f"{'first result':28}{both}{'faster':>9}{'gzip KB':>10}{'compile s':>11}"


def line(name: str, row: Row) -> str:
    if "error" in row:
        return f"{name:28}{row['error']}"
    columns = (("first", 12), ("least", 9), ("load", 9))
    times = [f"{row[f'{r}_{key}_ms']:{width}.1f}" for r in RUNTIMES for key, width in columns]
    faster = row["ort_first_ms"] / row["nncc_first_ms"]
    rest = f"{faster:8.1f}x{row['code_bytes'] / 1024:10.1f}{row['compile_s']:11.2f}"
    return f"{name:28}{''.join(times)}{rest}"
