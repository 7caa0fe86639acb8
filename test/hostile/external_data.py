# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Weight files that are absent, short or outside the folder."""

import os

from onnx import ModelProto, TensorProto

from cases import FLOAT, Made, case, with_weight


def external(
    location: str | None, offset: int | None = None, length: int | str | None = None, size: int = 24
) -> ModelProto:
    weight = TensorProto(
        name="w", data_type=FLOAT, dims=[2, size // 8], data_location=TensorProto.EXTERNAL
    )
    for key, text in (("location", location), ("offset", offset), ("length", length)):
        if text is not None:
            weight.external_data.add(key=key, value=str(text))
    return with_weight(weight)


def write(folder: str, name: str, size: int = 24) -> None:
    with open(os.path.join(folder, name), "wb") as file:
        file.write(bytes(size))


@case(r"external data '\.\./secret\.bin' must be a relative path inside the model's folder")
def parent_path(folder: str) -> Made:
    write(os.path.dirname(folder), "secret.bin")
    return external("../secret.bin")


@case(r"external data 'a/\.\./\.\./secret\.bin' must be a relative path")
def hidden_parent_path(folder: str) -> Made:
    os.mkdir(os.path.join(folder, "a"))
    write(os.path.dirname(folder), "secret.bin")
    return external("a/../../secret.bin")


@case(r"external data '/etc/hostname' must be a relative path")
def absolute_path(folder: str) -> Made:
    return external("/etc/hostname", 0, 4, 4)


@case(r"external data 'link\.bin' must be a relative path inside")
def link_to_outside(folder: str) -> Made:
    write(os.path.dirname(folder), "secret.bin")
    os.symlink("../secret.bin", os.path.join(folder, "link.bin"))
    return external("link.bin")


@case(r"external data 'sub/secret\.bin' must be a relative path inside")
def linked_folder(folder: str) -> Made:
    outside = os.path.join(os.path.dirname(folder), "outside")
    os.mkdir(outside)
    write(outside, "secret.bin")
    os.symlink(outside, os.path.join(folder, "sub"))
    return external("sub/secret.bin")


@case(r"external data 'absent\.bin' can't be read")
def absent_data(folder: str) -> Made:
    return external("absent.bin")


@case(r"external data '' must be a relative path")
def no_location(folder: str) -> Made:
    return external(None)


@case(r"external data 'd' is not a regular file")
def data_is_a_folder(folder: str) -> Made:
    os.mkdir(os.path.join(folder, "d"))
    return external("d")


@case(r"external data 'w\.bin' has 20 bytes, the tensor claims 24 bytes at offset 0")
def short_external_data(folder: str) -> Made:
    write(folder, "w.bin", 20)
    return external("w.bin")


@case(r"external data 'w\.bin' has 24 bytes, the tensor claims 24 bytes at offset 8")
def offset_behind_end(folder: str) -> Made:
    write(folder, "w.bin")
    return external("w.bin", 8, 24)


@case(r"external data 'w\.bin' has 24 bytes, the tensor claims .* at offset 18446744073709551608")
def overflowing_offset(folder: str) -> Made:
    write(folder, "w.bin")
    return external("w.bin", (1 << 64) - 8, 24)


@case(r"the offset of its external data, '-8', is not a size")
def negative_offset(folder: str) -> Made:
    write(folder, "w.bin")
    return external("w.bin", -8)


@case(r"the length of its external data, 'lots', is not a size")
def bad_length(folder: str) -> Made:
    write(folder, "w.bin")
    return external("w.bin", 0, "lots")


@case(r"asks for 6 elements \(24 bytes\), its data has 16 bytes")
def length_of_other_size(folder: str) -> Made:
    write(folder, "w.bin")
    return external("w.bin", 0, 16)
