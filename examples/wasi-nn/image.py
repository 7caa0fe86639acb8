# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`image.c` as a component in Python, by componentize-py."""

import struct
import sys

from wit_world import exports
from wit_world.imports.graph import load_by_name
from wit_world.imports.tensor import Tensor, TensorType

SIDE = 8


def read_picture() -> bytes:
    """The pixels as f32 from 0 to 16."""
    kind, width, height, brightest, *pixels = sys.stdin.read().split()
    if (kind, int(width), int(height), len(pixels)) != ("P2", SIDE, SIDE, SIDE * SIDE):
        raise ValueError("this is no PGM picture of 8 by 8 pixels")
    return b"".join(struct.pack("<f", 16 * int(pixel) / int(brightest)) for pixel in pixels)


class Run(exports.Run):
    def run(self) -> None:
        context = load_by_name("digits").init_execution_context()
        picture = Tensor([1, 1, SIDE, SIDE], TensorType.FP32, read_picture())
        [(_, output)] = context.compute([("image", picture)])
        probabilities = [value for (value,) in struct.iter_unpack("<f", output.data())]
        order = sorted(range(len(probabilities)), key=lambda digit: -probabilities[digit])
        for digit in order[:5]:
            print(f"{digit} {100 * probabilities[digit]:.1f}%")
