# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Second forms of kernels, with relaxed SIMD: what has them, and that all are right."""

import platform
from pathlib import Path

import numpy as np
import onnx
import pytest
import wasmtime
from onnx import helper

import nncc
from harness import ATOL, RTOL, Array, network, random, reference
from nncc.relaxed import DOT_SECTION, SECTION, custom_section


def products() -> onnx.ModelProto:
    """The kinds of kernels that sum up products, and some that do not."""
    constants = {"w": random(8, 3, 3, 3, seed=1), "d": random(8, 1, 3, 3, seed=2)}
    constants |= {"m": random(8, 21, seed=3), "k": random(21, 5, seed=4)}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], pads=[1] * 4, name="dense"),
        helper.make_node("Conv", ["c", "d"], ["p"], group=8, name="depthwise"),
        helper.make_node("Tanh", ["p"], ["t"], name="tanh"),
        helper.make_node("GlobalAveragePool", ["t"], ["g"], name="mean"),
        helper.make_node("Flatten", ["g"], ["f"], name="flat"),
        helper.make_node("MatMul", ["f", "m"], ["u"], name="rows"),
        helper.make_node("Gemm", ["u", "k"], ["v"], name="gemm"),
        helper.make_node("Softmax", ["v"], ["y"], name="softmax"),
    ]
    feed = {"x": random(2, 3, 9, 7)}
    return network(nodes, feed, shapes={"x": ["n", 3, 9, 7]}, constants=constants)


def compiled(folder: Path, *flags: str, model: onnx.ModelProto | None = None) -> Path:
    onnx.save(model or products(), folder / "model.onnx")
    return nncc.compile(folder / "model.onnx", folder / "model.wasm", flags=flags)


@pytest.mark.parametrize("flags", [(), ("--weights=external",), ("--dim=n=3",)])
def test_both_forms_are_right(tmp_path: Path, flags: tuple[str, ...]) -> None:
    path = compiled(tmp_path, *flags)
    results: dict[bool, Array] = {}
    feed = {"x": random(3, 3, 9, 7)}
    for relaxed in (False, True):
        model = nncc.load(path, relaxed=relaxed)
        assert model.relaxed == relaxed
        results[relaxed] = model.run(feed)["y"]
        expected = reference(products(), feed)["y"]
        np.testing.assert_allclose(results[relaxed], expected, rtol=RTOL, atol=ATOL)
    # They are rounded differently: these are not the same kernels.
    assert (results[False] != results[True]).any()


@pytest.mark.skipif(platform.machine() != "x86_64", reason="there its sums are slower")
def test_wasmtime_adds_by_itself(tmp_path: Path) -> None:
    assert not nncc.load(compiled(tmp_path)).relaxed


def test_default_is_one_of_them(tmp_path: Path) -> None:
    path = compiled(tmp_path)
    feed = {"x": random(3, 3, 9, 7)}
    model = nncc.load(path)
    assert (model.run(feed)["y"] == nncc.load(path, relaxed=model.relaxed).run(feed)["y"]).all()


def test_second_module_takes_slots_of_the_first(tmp_path: Path) -> None:
    code = compiled(tmp_path).read_bytes()
    section = custom_section(code, SECTION)
    assert section is not None
    engine = wasmtime.Engine()
    first, second = wasmtime.Module(engine, code), wasmtime.Module(engine, section)
    assert not first.imports
    assert [(item.module, item.name) for item in second.imports] == [("env", "memory")]
    names = {item.name for item in second.exports}
    assert names == {"1", "2", "3", "4", "probe_plain", "probe_relaxed"}


@pytest.mark.parametrize("flag", ["--no-relaxed", "--strict-fp", "--features=scalar"])
def test_only_plain_kernels_if_asked(tmp_path: Path, flag: str) -> None:
    path = compiled(tmp_path, flag)
    assert custom_section(path.read_bytes(), SECTION) is None
    assert not nncc.load(path, relaxed=True).relaxed


def test_nothing_for_networks_without_products(tmp_path: Path) -> None:
    feed = {"x": random(5, 7)}
    model = network([helper.make_node("Tanh", ["x"], ["y"])], feed)
    assert custom_section(compiled(tmp_path, model=model).read_bytes(), SECTION) is None


def test_section_that_is_no_module_is_passed_over(tmp_path: Path) -> None:
    path = compiled(tmp_path)
    code = bytearray(path.read_bytes())
    at = code.index(SECTION) + len(SECTION)
    code[at + 8] ^= 0x55
    path.write_bytes(code)
    model = nncc.load(path, relaxed=True)
    assert not model.relaxed
    feed = {"x": random(1, 3, 9, 7)}
    np.testing.assert_allclose(model.run(feed)["y"], reference(products(), feed)["y"], rtol=RTOL)


def quantised() -> onnx.ModelProto:
    """A product of bytes."""
    weights = np.resize(np.array([-128, 127, 3], np.int8), (24, 5))
    constants: dict[str, Array] = {"s": np.array(0.02, np.float32), "w": weights}
    constants |= {"t": np.array(0.01, np.float32), "z": np.array(100, np.uint8)}
    constants["n"] = np.array(0, np.int8)
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"]),
        helper.make_node("DequantizeLinear", ["w", "t", "n"], ["v"]),
        helper.make_node("MatMul", ["d", "v"], ["y"], name="product"),
    ]
    return network(nodes, {"x": random(9, 24)}, constants=constants)


def test_products_of_bytes_have_the_same_bits(tmp_path: Path) -> None:
    path = compiled(tmp_path, model=quantised())
    section = custom_section(path.read_bytes(), DOT_SECTION)
    assert section is not None
    names = {item.name for item in wasmtime.Module(wasmtime.Engine(), section).exports}
    assert names == {"1", "probe_dot"}
    feed = {"x": random(9, 24) * 9}
    results = [nncc.load(path, relaxed=relaxed).run(feed)["y"] for relaxed in (False, True)]
    assert (results[0] == results[1]).all()
    np.testing.assert_allclose(results[0], reference(quantised(), feed)["y"], rtol=RTOL)


def section_ids(module: bytes) -> list[int]:
    ids, at = [], 8
    while at < len(module):
        ids.append(module[at])
        size, shift, at = 0, 0, at + 1
        while True:
            size |= (module[at] & 0x7F) << shift
            shift, at = shift + 7, at + 1
            if module[at - 1] < 0x80:
                break
        at += size
    return ids


def test_second_forms_bring_no_data(tmp_path: Path) -> None:
    """They would lie in the memory of the first module, where others do."""
    feed = {"x": random(2, 3, 9, 7)}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], pads=[1] * 4),
        helper.make_node("Sigmoid", ["c"], ["s"]),
        helper.make_node("Mul", ["c", "s"], ["y"]),
    ]
    silu = network(nodes, feed, constants={"w": random(24, 3, 3, 3, seed=1)})
    path = compiled(tmp_path, model=silu)
    forms = custom_section(path.read_bytes(), SECTION)
    assert forms is not None
    data = 11
    assert data in section_ids(path.read_bytes())
    assert data not in section_ids(forms)
    expected = reference(silu, feed)["y"]
    for relaxed in (False, True):
        got = nncc.load(path, relaxed=relaxed).run(feed)["y"]
        np.testing.assert_allclose(got, expected, rtol=RTOL, atol=ATOL)
