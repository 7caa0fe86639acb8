# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes networks of several segments to a folder, and what onnxruntime answers.

NAME.json is a list of runs: for each the inputs and the outputs in order, as
{"name", "dtype", "shape", "data"}.
"""

import json
import sys
from pathlib import Path
from typing import Any

import onnx

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "test" / "e2e"), str(ROOT / "python")]

import test_gpu_data_sizes  # noqa: E402
import test_segments  # noqa: E402
from harness import Array, reference  # noqa: E402

CASES = {"detector": test_gpu_data_sizes.detector, "loop": test_segments.long_loop}
DTYPES = {"float32": "f32", "int64": "i64"}


def describe(name: str, array: Array) -> dict[str, Any]:
    dtype = DTYPES[array.dtype.name]
    return {"name": name, "dtype": dtype, "shape": array.shape, "data": array.ravel().tolist()}


def main(folder: Path) -> None:
    for name, case in CASES.items():
        model, feeds = case()
        onnx.save(model, folder / f"{name}.onnx")
        runs = [
            {
                "inputs": [describe(*item) for item in feed.items()],
                "outputs": [describe(*item) for item in reference(model, feed).items()],
            }
            for feed in feeds
        ]
        (folder / f"{name}.json").write_text(json.dumps(runs))


main(Path(sys.argv[1]))
