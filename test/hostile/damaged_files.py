# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Files that are no ONNX file, or a damaged one."""

import os

import numpy as np
import onnx

from cases import Made, case, one, relu, tensor


@case(r"nothere\.onnx.*(can't be read|No such file)")
def missing_file(folder: str) -> Made:
    return os.path.join(folder, "nothere.onnx")


@case(r"(can't be read|[Ii]s a directory)")
def a_folder(folder: str) -> Made:
    return folder


@case(r"is empty")
def empty_file(folder: str) -> Made:
    return b""


@case(r"model\.onnx: (is not an ONNX file|has no graph)")
def text_file(folder: str) -> Made:
    return b"This is no model at all.\n" * 10


@case(r"model\.onnx: (is not an ONNX file|has no graph)")
def zeros(folder: str) -> Made:
    return bytes(4096)


@case(r"model\.onnx: (is not an ONNX file|has no graph)")
def random_bytes(folder: str) -> Made:
    return np.random.default_rng(7).integers(0, 256, 5000, dtype=np.uint8).tobytes()


@case(r"is not an ONNX file, or damaged")
def truncated(folder: str) -> Made:
    data = one("Add", ("x", "w"), [tensor("w", np.ones((2, 3), np.float32))])
    return data.SerializeToString()[:-20]


@case(r"is not an ONNX file, or damaged")
def truncated_early(folder: str) -> Made:
    return relu().SerializeToString()[:11]


@case(r"has no graph")
def no_graph(folder: str) -> Made:
    return onnx.ModelProto(ir_version=8)


@case(r"is not an ONNX file, or damaged")
def deep_nesting(folder: str) -> Made:
    """Bytes that nest a hundred thousand messages."""
    data = b""
    for _ in range(20000):
        data = b"\x32" + varint(len(data)) + data  # AttributeProto.g
        data = b"\x2a" + varint(len(data)) + data  # NodeProto.attribute
        data = b"\x0a" + varint(len(data)) + data  # GraphProto.node
        if len(data) > 200000:
            break
    return b"\x08\x08\x3a" + varint(len(data)) + data


def varint(number: int) -> bytes:
    out = bytearray()
    while number >= 128:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


@case(r"is not an ONNX file, or damaged")
def huge_length_field(folder: str) -> Made:
    return b"\x08\x08\x3a" + varint(1 << 40) + b"abc"
