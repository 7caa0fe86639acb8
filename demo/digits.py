# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The demo: trains a network, compiles it and runs it on digits it never saw.

usage: digits.py (from ./dev demo)
"""

import hashlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "demo"
SHOWN = 6
SHADES = " ░▒▓█"


def make_network() -> None:
    """Trains again only when the script changed."""
    script = Path(__file__).with_name("train_digits.py")
    digest = hashlib.sha256(script.read_bytes()).hexdigest()
    stamp = FOLDER / "digits.stamp"
    if stamp.is_file() and stamp.read_text() == digest and (FOLDER / "digits.onnx").is_file():
        return
    print("Training a small network on handwritten digits ...", flush=True)
    subprocess.run([sys.executable, str(script), str(FOLDER)], check=True)
    stamp.write_text(digest)


def call(*command: str | Path) -> str:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout


def picture(image: npt.NDArray[Any]) -> list[str]:
    """Eight lines of blocks, two to a pixel."""
    shades = np.minimum(image / 16 * len(SHADES), len(SHADES) - 1).astype(int)
    return ["".join(SHADES[shade] * 2 for shade in row) for row in shades]


def answers(module: Path, images: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The probabilities that the module gives, through nncc-run."""
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "image.npy", images)
        call(run_tool(), module, "--input", f"{folder}/image.npy", "--output", folder)
        result: npt.NDArray[Any] = np.load(Path(folder) / "probabilities.npy")
    return result


def run_tool() -> Path:
    return ROOT / "build" / "bin" / "nncc-run"


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    make_network()
    model, module = FOLDER / "digits.onnx", FOLDER / "digits.wasm"
    print(f"\n$ nncc {model.name} --target=wasm -o {module.name}")
    start = time.perf_counter()
    call(ROOT / "build" / "bin" / "nncc", model, "--target=wasm", "-o", module)
    seconds = time.perf_counter() - start
    unseen = np.load(FOLDER / "digits.npz")
    images, labels = unseen["images"], unseen["labels"]
    print(f"$ nncc-run {module.name} --input image.npy\n")
    probabilities = answers(module, images)
    for line in zip(*[picture(image[0]) for image in images[:SHOWN]], strict=True):
        print("   ".join(line))
    best = probabilities.argmax(axis=1)
    captions = [f"{best[i]}  ({probabilities[i, best[i]]:.0%})" for i in range(SHOWN)]
    print("   ".join(f"{caption:^16}" for caption in captions))
    print(f"\n{(best == labels).sum()} of {len(labels)} unseen digits are right")
    np.save(FOLDER / "image.npy", images[:1])
    timing = json.loads(
        call(run_tool(), module, "--input", FOLDER / "image.npy", "--bench=0.5", "--json")
    )
    print(
        f"module {module.stat().st_size / 1024:.1f} KiB, no imports; compiled in {seconds:.2f} s; "
        f"loads in {timing['load_ms']:.1f} ms; one digit takes {1000 * timing['ms_median']:.0f} µs"
    )


if __name__ == "__main__":
    main()
