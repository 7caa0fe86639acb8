# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs a model on files: python main.py model.wasm x.f32 ... (examples/hosts/README.md)."""

import sys
from pathlib import Path

import numpy as np

from model import Model


def main() -> None:
    model = Model(Path(sys.argv[1]))
    inputs = {}
    for item, file in zip(model.inputs, sys.argv[2:], strict=True):
        shape = [1 if isinstance(size, str) else size for size in item.shape]
        inputs[item.name] = np.fromfile(file, "<f4").reshape(shape)
    for name, array in model.run(inputs).items():
        bits = [f"{word:08x}" for word in array.ravel().view(np.uint32)]
        print(name, "x".join(map(str, array.shape)) or "scalar", *bits)


main()
