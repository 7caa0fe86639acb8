# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The main kernels in each engine at hand, as percents of what it does in registers."""

import json
import math
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import wasmtime

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "python"))
import nncc  # noqa: E402

Result = dict[str, Any]  # of engine.mjs: {"peak": GFLOP/s, "runs": {module: {"ms", "flops"}}}

# One of each class of tiles.
KERNELS = [
    "conv3x3-stride2-56x128",
    "conv7x7-first-224",
    "conv1x1-28x256-4",
    "depthwise3x3-14x384-8",
    "depthwise3x3-stride2-112x96",
    "matmul-512",
    "matmul-dynamic-12x128",
    "matmul-row-1024-4",
]


def commands() -> dict[str, list[str | Path]]:
    """What runs a job in each JavaScript engine; some are optional packages."""
    modules = ROOT / "node_modules"
    program = ROOT / "bench" / "engine-program.mjs"
    node24 = modules / "node24" / "bin" / "node"
    found: dict[str, list[str | Path]] = {
        f"Node {version}": [modules / f"node{version}" / "bin" / "node", program]
        for version in (20, 22, 24)
    }
    found["Deno"] = [modules / "@deno/linux-x64-glibc/deno", "run", "-A", "--no-config", program]
    found["Bun"] = [modules / "@oven/bun-linux-x64/bin/bun", program]
    found = {name: command for name, command in found.items() if Path(command[0]).exists()}
    if shutil.which("chromium"):
        found["Chromium"] = [node24, ROOT / "bench" / "engine-page.mjs"]
    return found


def compare(folder: Path, modules: list[str], peaks: list[Path], seconds: float) -> dict[str, Any]:
    """Results by engine. `modules` are names of modules in `folder`, where `peaks` are too."""
    job = {"seconds": seconds, "peaks": [path.name for path in peaks], "modules": modules}
    (folder / "job.json").write_text(json.dumps(job))
    results: dict[str, Any] = {}
    for name, command in commands().items():
        line = [*map(str, command), str(folder)]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            results[name] = json.loads(done.stdout.splitlines()[-1])
        else:
            print(f"{name}: {(done.stderr.strip() or 'no message').splitlines()[-1][:100]}")
    results["wasmtime"] = in_wasmtime(folder, modules, peaks, seconds)
    return results


def in_wasmtime(folder: Path, modules: list[str], peaks: list[Path], seconds: float) -> Result:
    peak = max(wasmtime_peak(path) for path in peaks)
    runs = {}
    for name in modules:
        model = nncc.load(folder / name)
        feed = {item.name: numbers([int(n) for n in item.shape]) for item in model.inputs}
        times = []
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            begin = time.perf_counter()
            model.run(feed)
            times.append(time.perf_counter() - begin)
        runs[name] = {"ms": 1000 * min(times), "flops": model.signature["flops"]}
    return {"peak": peak, "runs": runs}


def numbers(shape: list[int]) -> npt.NDArray[np.float32]:
    return np.linspace(-1, 1, math.prod(shape), dtype=np.float32).reshape(shape)


def wasmtime_peak(path: Path) -> float:
    """GFLOP/s."""
    store = wasmtime.Store()
    module = wasmtime.Module.from_file(store.engine, str(path))
    peak = wasmtime.Instance(store, module, []).exports(store)["peak"]
    assert isinstance(peak, wasmtime.Func)
    count, best = 10**6, float("inf")
    for _ in range(12):
        begin = time.perf_counter()
        peak(store, count, 1e-9)
        best = min(best, time.perf_counter() - begin)
    return 96 * count / best / 1e9


def show(results: dict[str, Any], modules: list[str]) -> None:
    """A row a kernel, a column an engine: percents of the engine's own peak."""
    print(
        f"{'percent of the peak':30}"
        + "".join(f"{name:>10}" for name in results)
        + "    least/most"
    )
    for module in modules:
        runs = [(result["peak"], result["runs"][module]) for result in results.values()]
        shares = [100 * run["flops"] / run["ms"] / 1e6 / peak for peak, run in runs]
        line = "".join(f"{share:9.0f}%" for share in shares)
        print(f"{module.removesuffix('.wasm'):30}{line}{min(shares) / max(shares):14.2f}")
    peaks = "".join(f"{result['peak']:10.1f}" for result in results.values())
    print(f"{'peak, GFLOP/s':30}{peaks}")
