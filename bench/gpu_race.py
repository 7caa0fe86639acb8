# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Networks on the GPU, beside onnxruntime-web's WebGPU provider (gpu-race.mjs).

In Chromium, or in Node where only that finds a GPU. Each runtime starts in a page or
process of its own: milliseconds from the import to the first answer, dispatches of a run,
pipelines, and the buffers that it holds then. Where there is a GPU, runs are timed in
turns: with the inputs from the CPU and the results back to it ("answer"), and where
everything stays on the GPU ("stay"), in percent of what its registers reach.
An adapter that computes on the CPU would rank schedules wrongly, so there nothing is
timed but the start, and networks of much work are not run at all.
"""

import gzip
import json
import math
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
NODE = ROOT / "node_modules" / "node24" / "bin" / "node"
HOSTS = {"Chromium": "gpu-page.mjs", "Node": "gpu-program.mjs"}
Row = dict[str, Any]

# Operations of a run; more takes a software adapter too long, and f16 without shader-f16.
MOST_IN_SOFTWARE = 3e9

STARTS = ("dispatches", "pipelines", "GPU MB", "first ms")
SPEEDS = ("answer ms", "stay ms")


class RaceError(Exception):
    """Why a network has no row, in a line."""


class Race:
    """A host with WebGPU, the best that is at hand."""

    def __init__(self, folder: Path, seconds: float) -> None:
        self.folder = folder
        self.seconds = seconds
        found = {}
        for host in HOSTS:
            try:
                found[host] = self._run(host, {"kind": "adapter"})
            except RaceError as failure:
                print(f"{host}: {failure}")
        if not found:
            raise SystemExit("WebGPU runs in no host at hand")
        # The first one of those that have a GPU, else of all.
        self.host = min(found, key=lambda host: found[host]["isSoftware"])
        self.adapter: str = found[self.host]["name"]
        self.is_software: bool = found[self.host]["isSoftware"]

    def measure(self, network: Path, inputs: Path, flags: list[str]) -> Row:
        """A row of the table. Throws RaceError where nncc does not run the network."""
        told = self._compile(network, flags)
        flops = told["flops"] if isinstance(told["flops"], int) else 0
        job: Row = {
            "module": "race.wasm",
            "network": "race.onnx",
            "inputs": [
                tensor | {"file": Path(tensor["file"]).name}
                for tensor in json.loads(inputs.read_text())
            ],
            "runs": not (self.is_software and (flops > MOST_IN_SOFTWARE or "--f16" in flags)),
            "seconds": self.seconds,
        }
        row = {
            "flops": flops,
            "dispatches": len(told["dispatches"]),
            "readbacks": told["readbacks"],
            "bytes": count_bytes(told),
            "code_bytes": len(gzip.compress((self.folder / "race.wasm").read_bytes())),
            "nncc": self._run(self.host, job | {"kind": "nncc"}),
        }
        try:
            row["ort"] = self._run(self.host, job | {"kind": "ort"})
            row["race"] = None if self.is_software else self._run(self.host, job | {"kind": "race"})
        except RaceError as failure:
            row["ort_error"] = str(failure)
        return row

    def _compile(self, network: Path, flags: list[str]) -> Row:
        report = self.folder / "race.json"
        command = [str(ROOT / "build" / "bin" / "nncc"), str(network), "--target=webgpu"]
        command += ["--no-fallback", "--weights=external", "-o", str(self.folder / "race.wasm")]
        command += [f"--report={report}", *flags]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RaceError(done.stderr.splitlines()[-1][:120])
        # Hosts see the folder only.
        shutil.copyfile(network, self.folder / "race.onnx")
        told: Row = json.loads(report.read_text())
        return told

    def _run(self, host: str, job: Row) -> Row:
        (self.folder / "job.json").write_text(json.dumps(job))
        command = [str(NODE), str(ROOT / "bench" / HOSTS[host]), str(self.folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            errors = [line for line in done.stderr.splitlines() if "rror" in line[:200]]
            raise RaceError((errors or ["no message"])[0][:120])
        result: Row = json.loads(done.stdout.splitlines()[-1])
        return result


def count_bytes(report: Row) -> int | None:
    """What all dispatches read and write; None if it depends on open sizes."""
    kernels = [kernel.get("bytes") for kernel in report["kernels"]]
    moved = [kernels[dispatch["kernel"]] for dispatch in report["dispatches"]]
    return sum(moved) if all(isinstance(count, int) for count in moved) else None


def heading(race: Race) -> str:
    pairs = STARTS if race.is_software else (*STARTS, *SPEEDS)
    line = f"{'nncc / onnxruntime-web':24}" + "".join(f"{text:>15}" for text in pairs)
    line += f"{'MB moved':>10}{'code KB':>9}{'reads':>7}"
    return line if race.is_software else line + f"{'faster':>8}{'% peak':>8}"


def show(name: str, row: Row) -> None:
    if "error" in row:
        print(f"{name:24}{row['error']}", flush=True)
        return
    ours, theirs = row["nncc"], row.get("ort", {})
    pairs = [pair(ours, theirs, key, scale) for key, scale in START_KEYS.items()]
    race = row.get("race")
    if race:
        pairs += [" / ".join(f"{time:.2f}" for time in race.get(key, ())) for key in SPEED_KEYS]
    moved = "" if row["bytes"] is None else f"{row['bytes'] / 1e6:.1f}"
    line = f"{name:24}" + "".join(f"{text:>15}" for text in pairs)
    line += f"{moved:>10}{row['code_bytes'] / 1024:>9.0f}{row['readbacks']:>7}"
    if race:
        line += f"{ratio(race):>7.2f}x{100 * share(row):>8.1f}"
    print(line + f"  {row.get('ort_error', '')}", flush=True)


START_KEYS = {"dispatches": 1.0, "pipelines": 1.0, "bytes": 1e6, "first": 1.0}
SPEED_KEYS = ("answer", "stay")


def pair(ours: Row, theirs: Row, key: str, scale: float) -> str:
    """What is not known is a dash."""
    values = (side.get(key) for side in (ours, theirs))
    return " / ".join("-" if value is None else f"{value / scale:.0f}" for value in values)


def ratio(race: Row) -> float:
    """How many times as fast as onnxruntime-web an answer is."""
    ours, theirs = race["answer"]
    return float(theirs / ours)


def share(row: Row) -> float:
    """Of the registers' peak, where everything stays on the GPU."""
    race = row["race"]
    milliseconds = race.get("stay", race["answer"])[0]
    return float(row["flops"] / milliseconds / 1e6 / race["peak"])


def driver_bytes() -> tuple[int, int]:
    """What a page loads beside its network, minified, with gzip: nncc's and onnxruntime-web's."""
    dist = ROOT / "runtime" / "web" / "dist"
    command = [str(ROOT / "node_modules" / ".bin" / "esbuild"), str(dist / "index.js")]
    command += ["--bundle", "--minify", "--format=esm", "--external:node:*", "--log-level=error"]
    ours = subprocess.run(command, capture_output=True, check=True).stdout
    folder = ROOT / "node_modules" / "onnxruntime-web" / "dist"
    parts = ["ort.webgpu.min.mjs"]
    parts += [f"ort-wasm-simd-threaded.asyncify.{kind}" for kind in ("mjs", "wasm")]
    theirs = sum(len(gzip.compress((folder / part).read_bytes())) for part in parts)
    return len(gzip.compress(ours)), theirs


def summarize(race: Race, rows: Iterable[Row]) -> None:
    print(f"\nWebGPU in {race.host}, on {race.adapter}")
    ours, theirs = driver_bytes()
    print(f"drivers with gzip: {ours / 1e3:.0f} KB and {theirs / 1e6:.1f} MB of onnxruntime-web")
    if race.is_software:
        print("This adapter computes on the CPU: no run was timed, since that would say")
        print("nothing about a GPU, and what has much work was only loaded.")
        return
    raced = [row["race"] for row in rows if row.get("race")]
    if raced:
        mean = math.exp(sum(math.log(ratio(result)) for result in raced) / len(raced))
        peak = max(result["peak"] for result in raced)
        print(f"geometric mean {mean:.2f}x, least {min(map(ratio, raced)):.2f}x")
        print(f"peak in registers: {peak:.0f} GFLOP/s of f32")
