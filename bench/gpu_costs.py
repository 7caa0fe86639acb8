# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What networks cost on the GPU: dispatches, bytes, pipelines, sizes and times.

Times of runs only where there is a GPU: one that computes on the CPU would rank
schedules wrongly. What counts there: dispatches, the bytes that kernels move,
pipelines, the size of the module (gzip, without its weights), and the start.
"""

import gzip
import json
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
Row = dict[str, Any]

HEADINGS = ("dispatches", "readbacks", "MB moved", "pipelines", "code KB", "load ms", "first ms")


def measure(network: Path, module: Path, inputs: Path, flags: list[str], seconds: float) -> Row:
    """A row of the table; {"error": ...} where the network does not run on the GPU."""
    report = module.with_suffix(".json")
    compiler = [str(ROOT / "build" / "bin" / "nncc"), str(network), "--target=webgpu"]
    compiler += ["--no-fallback", "--weights=external", "-o", str(module)]
    compiler += [f"--report={report}", *flags]
    done = subprocess.run(compiler, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return {"error": done.stderr.splitlines()[-1][:120]}
    node = ROOT / "node_modules" / "node24" / "bin" / "node"
    script = ROOT / "bench" / "gpu-costs.mjs"
    told = json.loads(report.read_text())
    flops = told["flops"] if isinstance(told["flops"], int) else 0
    command = [*map(str, (node, script, module, inputs, seconds, flops))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        errors = [line for line in done.stderr.splitlines() if "Error" in line]
        return {"error": (errors or ["no message"])[0][:120]}
    row: Row = json.loads(done.stdout.splitlines()[-1])
    return row | {
        "dispatches": len(told["dispatches"]),
        "readbacks": told["readbacks"],
        "bytes": count_bytes(told),
        "flops": told["flops"],
        "code_bytes": len(gzip.compress(module.read_bytes())),
    }


def count_bytes(report: Row) -> int | None:
    """What all dispatches read and write; None if it depends on open sizes."""
    kernels = [kernel.get("bytes") for kernel in report["kernels"]]
    moved = [kernels[dispatch["kernel"]] for dispatch in report["dispatches"]]
    return sum(moved) if all(isinstance(count, int) for count in moved) else None


def heading() -> str:
    return f"{'':28}" + "".join(f"{text:>11}" for text in (*HEADINGS, "run ms"))


def show(name: str, row: Row) -> None:
    if "error" in row:
        print(f"{name:28}{row['error']}", flush=True)
        return
    moved = "" if row["bytes"] is None else f"{row['bytes'] / 1e6:.1f}"
    code = f"{row['code_bytes'] / 1024:.0f}"
    times = ("" if row[key] is None else f"{row[key]:.1f}" for key in ("load", "first", "run"))
    cells = (row["dispatches"], row["readbacks"], moved, row["pipelines"], code, *times)
    print(f"{name:28}" + "".join(f"{cell:>11}" for cell in cells), flush=True)
