# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares nncc with onnxruntime-web: wasm, one thread, the same Node, in turns.

usage: bench.py [NAME...] [--seconds S] [--node VERSION] [--json FILE] [--flags FLAGS] [--docs]
       bench.py --start [NAME...] [--rounds N] [--node VERSION] [--flags FLAGS] [--docs]
       bench.py --engine [NAME...]
       bench.py --gpu [NAME...]

Networks: the onnx wheel's light set with random weights, a small BERT and single
layers, and the published networks where they are at hand. The register peak is
measured in the same process, so that figures of different moments and machines
can be compared. With --start: first results of networks in fresh processes (start.py).
With --engine: single layers in all engines at hand, without onnxruntime-web.
With --gpu: networks on WebGPU in both (gpu_race.py).
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

import engines
import figures
import gpu_race
import start
from light_models import LIGHT_FOLDER, randomized
from made_models import FOR_GPUS, LAYERS, NETWORKS, Made

ROOT = Path(__file__).resolve().parents[1]
MODELS = Path(os.environ.get("NNCC_MODELS", ROOT.parent / "shared" / "models"))
LIGHT = ["squeezenet", "shufflenet", "resnet50", "inception_v1", "inception_v2", "densenet121"]
LIGHT += ["bvlc_alexnet", "zfnet512", "vgg19"]
PUBLISHED = [
    "mnist-8",
    "hyperlpr-cls-96",
    "yolox-nano-416",
    "yunet-120x160",
    "deeplabv3-mnv2-257",
    "sci-180x320",
    "super-resolution-10",
    "silero-vad-v2-transformer",
    "gtcrn-stream-simple",
    "chessgpt-op17",
    "bert-toy-optimized",
    "gpt2-toy-nopast-op11",
    "style-fns-candy-winml",
]
PAGES = [ROOT / "README.md", ROOT / "docs" / "performance.md"]
DTYPES = {"b1": "bool"} | {f"{k}{n}": f"{k}{8 * n}" for k in "iu" for n in (1, 2, 4, 8)}
DTYPES |= {"f4": "f32", "f8": "f64"}


@dataclass
class Network:
    name: str
    path: Path
    feed: dict[str, npt.NDArray[Any]]
    sizes: dict[str, int] = field(default_factory=dict)  # of the open dimensions
    flags: list[str] = field(default_factory=list)  # for nncc


def networks(names: list[str], folder: Path) -> Iterator[Network]:
    """Those asked for, by a part of their name; else all."""

    def wanted(name: str) -> bool:
        return not names or any(part in name for part in names)

    for name in filter(wanted, LIGHT):
        yield from saved(name, randomized(LIGHT_FOLDER / f"light_{name}.onnx"), folder)
    for name in filter(wanted, NETWORKS):
        yield from saved(name, NETWORKS[name](), folder)
    for name in filter(wanted, PUBLISHED):
        if (MODELS / name).is_dir():
            yield published(name)
    for name in filter(wanted, LAYERS):
        yield from saved(name, LAYERS[name](), folder)


def saved(name: str, made: Made, folder: Path) -> Iterator[Network]:
    """A network as a file, which lasts until the next one."""
    model, feed = made
    path = folder / f"{name}.onnx"
    onnx.save(model, path)
    yield Network(name, path, feed)
    path.unlink()


def published(name: str) -> Network:
    path = MODELS / name / "model.onnx"
    graph = onnx.load(path, load_external_data=False).graph
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    network = Network(name, path, {})
    for i, value in enumerate(inputs):
        tensor = onnx.TensorProto()
        tensor.ParseFromString((MODELS / name / "test_data_set_0" / f"input_{i}.pb").read_bytes())
        network.feed[value.name] = numpy_helper.to_array(tensor)
        dims = value.type.tensor_type.shape.dim
        open_dims = [(d.dim_param, n) for d, n in zip(dims, tensor.dims, strict=True)]
        network.sizes |= {symbol: n for symbol, n in open_dims if symbol}
    return network


def build_peaks(folder: Path) -> list[Path]:
    """The peak kernels, plain and relaxed."""
    paths = []
    variants: dict[str, list[str]] = {"plain": [], "relaxed": ["-mrelaxed-simd", "-DRELAXED"]}
    for name, flags in variants.items():
        wasm = folder / f"peak-{name}.wasm"
        compiled = folder / f"peak-{name}.o"
        source = ROOT / "bench" / "peak.c"
        target = ["clang-19", "--target=wasm32", "-O2", "-msimd128", "-nostdlib", *flags]
        subprocess.run([*target, "-c", str(source), "-o", str(compiled)], check=True)
        subprocess.run(["wasm-ld-19", "--no-entry", str(compiled), "-o", str(wasm)], check=True)
        paths.append(wasm)
    return paths


def measure(network: Network, folder: Path, peaks: list[Path], args: argparse.Namespace) -> Any:
    """A row of the table; {"error": ...} when either side refuses the network."""
    module = folder / f"{network.name}.wasm"
    compiler = [str(ROOT / "build" / "bin" / "nncc"), str(network.path), "-o", str(module)]
    compiler += ["--target=wasm", *args.flags.split()]
    done = subprocess.run(compiler, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return {"name": network.name, "error": last_line(done.stderr)}
    script = ROOT / "bench" / "measure.mjs"
    paths = [node(args.node), script, network.path, module, write_inputs(network, folder)]
    command = [*map(str, paths), str(args.seconds), *map(str, peaks)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    module.unlink()
    if done.returncode != 0:
        return {"name": network.name, "error": last_line(done.stderr)}
    row = json.loads(done.stdout.splitlines()[-1])
    if row["flops"] is None:
        row["flops"] = flops(network, folder)
    return {"name": network.name, "ratio": row["ort_ms"] / row["nncc_ms"], **row}


def write_inputs(network: Network, folder: Path) -> Path:
    """A list of the inputs, each in a file of its own."""
    inputs = []
    for i, (name, array) in enumerate(network.feed.items()):
        file = folder / f"input{i}.raw"
        file.write_bytes(np.ascontiguousarray(array).tobytes())
        dtype = DTYPES[array.dtype.str[1:]]
        inputs.append({"name": name, "dtype": dtype, "shape": array.shape, "file": str(file)})
    (folder / "inputs.json").write_text(json.dumps(inputs))
    return folder / "inputs.json"


def gpu_networks(names: list[str], folder: Path) -> Iterator[Network]:
    """Those asked for; else the light ones, two published ones, and products."""
    yield from networks(names or [*LIGHT, "yolox-nano-416", "deeplabv3-mnv2-257"], folder)
    for name, make in FOR_GPUS.items():
        if not names or any(part in name for part in names):
            for network in saved(name, make(), folder):
                network.flags = ["--f16"] if name.endswith("-f16") else []
                yield network


def measure_on_gpu(folder: Path, peaks: list[Path], args: argparse.Namespace) -> Any:
    """The rows of gpu_race.py's table."""
    race = gpu_race.Race(folder, args.seconds)
    rows = []
    print(gpu_race.heading(race))
    for network in gpu_networks(args.names, folder):
        inputs = write_inputs(network, folder)
        try:
            row = race.measure(network.path, inputs, [*network.flags, *args.flags.split()])
        except gpu_race.RaceError as failure:
            row = {"error": str(failure)}
        gpu_race.show(network.name, row)
        rows.append({"name": network.name, **row})
    gpu_race.summarize(race, rows)
    return rows


def measure_starts(folder: Path, peaks: list[Path], args: argparse.Namespace) -> Any:
    """The rows of start.py's table."""
    rows: list[figures.Row] = []
    print(start.heading())
    for network in networks(args.names, folder):
        if network.name in LAYERS:
            continue
        inputs = write_inputs(network, folder)
        flags = args.flags.split()
        try:
            row = start.measure(network.path, inputs, flags, node(args.node), args.rounds)
        except start.StartError as failure:
            row = {"error": str(failure)}
        print(start.line(network.name, row), flush=True)
        rows.append({"name": network.name, **row})
    print(f"medians of {args.rounds} processes each, Node {args.node}")
    update_pages(rows, figures.STARTS, args)
    return rows


def compare_engines(folder: Path, peaks: list[Path], args: argparse.Namespace) -> Any:
    """Results by engine (engines.py), of the layers asked for; else one of each class."""
    modules = []
    for name in engines.KERNELS if not args.names else LAYERS:
        if args.names and not any(part in name for part in args.names):
            continue
        for network in saved(name, LAYERS[name](), folder):
            command = [str(ROOT / "build" / "bin" / "nncc"), str(network.path), "--target=wasm"]
            command += ["-o", str(folder / f"{name}.wasm"), *args.flags.split()]
            subprocess.run(command, check=True)
            modules.append(f"{name}.wasm")
    results = engines.compare(folder, modules, peaks, args.seconds)
    engines.show(results, modules)
    return results


def flops(network: Network, folder: Path) -> int | None:
    """Operations of one run at the measured sizes, where the module leaves them open."""
    report = folder / "report.json"
    module = folder / "fixed.wasm"
    command = [str(ROOT / "build" / "bin" / "nncc"), str(network.path), "-o", str(module)]
    command += [f"--report={report}"]
    for name, size in network.sizes.items():
        command += ["--dim", f"{name}={size}"]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        return None
    # Dimensions without a name can't be fixed.
    count = json.loads(report.read_text())["flops"]
    return count if isinstance(count, int) else None


def node(version: str) -> Path:
    return ROOT / "node_modules" / f"node{version}" / "bin" / "node"


def last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if "rror" in line] or text.splitlines()
    return lines[0].strip()[:120] if lines else "no message"


def show(row: dict[str, Any]) -> None:
    if "error" in row:
        print(f"{row['name']:28}{row['error']}", flush=True)
        return
    speed = ""
    if row["flops"] is not None:
        gflops = row["flops"] / row["nncc_ms"] / 1e6
        speed = f"{gflops:10.1f}{100 * gflops / row['peak_mul_add']:9.0f}%"
    print(
        f"{row['name']:28}{row['nncc_ms']:10.3f}{row['ort_ms']:12.3f}"
        f"{row['ratio']:9.2f}x{row['nncc_load_ms']:9.1f}{row['ort_load_ms']:10.1f}"
        f"{row['peak_mul_add']:8.1f}{speed}",
        flush=True,
    )


def summary(rows: list[dict[str, Any]]) -> str:
    ratios = [row["ratio"] for row in rows]
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    return f"geometric mean {mean:.2f}x, least {min(ratios):.2f}x"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", help="parts of names; all by default")
    parser.add_argument("--seconds", type=float, default=3, help="per network and runtime")
    parser.add_argument("--node", choices=["20", "22", "24"], default="24", help="its version")
    parser.add_argument("--rounds", type=int, default=15, help="processes for a first result")
    parser.set_defaults(compare=compare_runtimes)
    for option, compare, what in (
        ("--start", measure_starts, "first results"),
        ("--engine", compare_engines, "engines, on single layers"),
        ("--gpu", measure_on_gpu, "on the GPU"),
    ):
        text = f"compare {what}"
        parser.add_argument(option, dest="compare", action="store_const", const=compare, help=text)
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    parser.add_argument("--docs", action="store_true", help="update the tables of README and docs")
    parser.add_argument("--flags", default="", help="more flags for nncc")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        results = args.compare(folder, build_peaks(folder), args)
    if args.json:
        args.json.write_text(json.dumps(results, indent=1))
    return 1 if any("error" in row for row in results) else 0


def compare_runtimes(folder: Path, peaks: list[Path], args: argparse.Namespace) -> Any:
    """The rows of the table."""
    print(f"{'':28}{'nncc ms':>10}{'ort-web ms':>12}{'faster':>10}", end="")
    print(f"{'load ms':>9}{'ort':>10}{'peak':>8}{'GFLOP/s':>10}{'of peak':>10}")
    rows = []
    for network in networks(args.names, folder):
        rows.append(measure(network, folder, peaks, args))
        show(rows[-1])
    measured = [row for row in rows if "error" not in row]
    print()
    for kind, chosen in (
        ("networks", [row for row in measured if row["name"] not in LAYERS]),
        ("layers", [row for row in measured if row["name"] in LAYERS]),
    ):
        if chosen:
            print(f"{kind}: {summary(chosen)}")
    relaxed = max((row["peak_madd"] or 0 for row in measured), default=0)
    print(
        f"one thread, Node {args.node}; peak: mul + add in registers; "
        f"relaxed madd {relaxed:.1f} GFLOP/s"
    )
    update_pages(rows, figures.RUNS, args)
    return rows


def update_pages(rows: list[figures.Row], table: figures.Table, args: argparse.Namespace) -> None:
    for page in PAGES if args.docs else []:
        print(f"{page.name}: {len(figures.update(page, rows, table))} rows")


if __name__ == "__main__":
    sys.exit(main())
