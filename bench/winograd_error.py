# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The error of 3x3 convolutions of stride 1, direct and with fewer products.

For each size the largest difference from double precision, of outputs of unit
variance, in wasmtime: --strict-fp (direct), the default, --fast-math.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from made_models import Array, Conv, Made, layers

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "python"))
import nncc  # noqa: E402

SHAPES = [(112, 32), (56, 64), (57, 64), (56, 128), (28, 128), (28, 256), (28, 512), (14, 256)]


def exact(made: Made, size: int) -> Array:
    """The layer's outputs, [channels, pixels] of f64."""
    model, feed = made
    weight, bias = (numpy_helper.to_array(t).astype(np.float64) for t in model.graph.initializer)
    padded = np.pad(feed["x"].astype(np.float64), ((0, 0), (0, 0), (1, 1), (1, 1)))
    taps = [padded[0, :, i : i + size, j : j + size] for i in range(3) for j in range(3)]
    columns = np.stack(taps, 1).reshape(-1, size * size)
    result: Array = np.maximum(weight.reshape(len(bias), -1) @ columns + bias[:, None], 0)
    return result


def main() -> None:
    print(f"{'pixels, channels':20}{'direct':>10}{'default':>10}{'fast-math':>12}")
    with tempfile.TemporaryDirectory() as name:
        network, module = Path(name) / "layer.onnx", Path(name) / "layer.wasm"
        for size, channels in SHAPES:
            made = layers(Conv(channels, channels, size))
            onnx.save(made[0], network)
            expected = exact(made, size)
            errors = []
            for flags in (["--strict-fp"], [], ["--fast-math"]):
                command = [str(ROOT / "build" / "bin" / "nncc"), str(network), "--target=wasm"]
                subprocess.run([*command, "-o", str(module), *flags], check=True)
                (output,) = nncc.load(module, relaxed=False).run(made[1]).values()
                errors.append(np.abs(output.reshape(expected.shape) - expected).max())
            print(f"{f'{size} x {size}, {channels}':20}", *(f"{error:10.1e}" for error in errors))


if __name__ == "__main__":
    main()
