# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How modules are compiled: on how many threads, and with code from a cache."""

import itertools
import os
import subprocess
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

import nncc
from harness import BIN, Array, network


def layers(*widths: int) -> onnx.ModelProto:
    """A chain of products, each of another size, each with an activation."""
    rng = np.random.default_rng(0)
    nodes: list[onnx.NodeProto] = []
    constants: dict[str, Array] = {}
    for i, (rows, columns) in enumerate(itertools.pairwise(widths)):
        constants[f"w{i}"] = rng.standard_normal((rows, columns)).astype(np.float32)
        source = f"y{i - 1}" if i else "x"
        nodes.append(helper.make_node("MatMul", [source, f"w{i}"], [f"p{i}"], f"product{i}"))
        last = i == len(widths) - 2
        op = ("Tanh", "Sigmoid", "Erf")[i % 3]
        nodes.append(helper.make_node(op, [f"p{i}"], ["y" if last else f"y{i}"], f"function{i}"))
    return network(nodes, {"x": np.zeros((3, widths[0]), np.float32)}, constants=constants)


WIDTHS = (8, 16, 24, 32)


def build(folder: Path, name: str, *flags: str, widths: tuple[int, ...] = WIDTHS) -> str:
    """Compiles to `name`.wasm; what the compiler said."""
    onnx.save(layers(*widths), folder / "model.onnx")
    command = [str(BIN / "nncc"), str(folder / "model.onnx"), *flags]
    command += ["-o", str(folder / f"{name}.wasm")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    said: str = done.stderr
    return said


def entries(cache: Path) -> list[Path]:
    return sorted(cache.glob("llvmcache-*"))


@pytest.mark.parametrize("flags", [(), ("--threads",), ("--features=relaxed-simd",)])
def test_bytes_do_not_depend_on_threads(tmp_path: Path, flags: tuple[str, ...]) -> None:
    build(tmp_path, "one", "-j1", *flags)
    build(tmp_path, "four", "-j", "4", *flags)
    assert (tmp_path / "one.wasm").read_bytes() == (tmp_path / "four.wasm").read_bytes()


def test_kernel_may_have_the_name_of_a_function_of_the_runtime(tmp_path: Path) -> None:
    model = layers(8, 16, 24)
    for node, name in zip(model.graph.node, ["memcpy", "main", "nncc_alloc", "_Z1x"], strict=True):
        node.name = name
    onnx.save(model, tmp_path / "model.onnx")
    nncc.compile(tmp_path / "model.onnx", tmp_path / "model.wasm")
    assert b"memcpy+main" in (tmp_path / "model.wasm").read_bytes()


def test_cache_gives_the_same_bytes(tmp_path: Path) -> None:
    build(tmp_path, "plain")
    flag = f"--cache={tmp_path / 'deep' / 'cache'}"
    for name in ("cold", "warm"):
        assert build(tmp_path, name, flag) == ""
        assert (tmp_path / f"{name}.wasm").read_bytes() == (tmp_path / "plain.wasm").read_bytes()


def test_only_what_changed_is_compiled(tmp_path: Path) -> None:
    flag = f"--cache={tmp_path / 'cache'}"
    widths = tuple(range(8, 60, 3))
    build(tmp_path, "first", flag, widths=widths)
    before = entries(tmp_path / "cache")
    assert len(before) > 2
    build(tmp_path, "again", flag, widths=widths)
    assert entries(tmp_path / "cache") == before
    # The last layer is another, in both forms; and the program, which knows the sizes.
    build(tmp_path, "changed", flag, widths=(*widths[:-1], 97))
    assert 1 <= len(entries(tmp_path / "cache")) - len(before) <= 3


def test_other_features_are_other_code(tmp_path: Path) -> None:
    flag = f"--cache={tmp_path / 'cache'}"
    build(tmp_path, "simd", flag)
    build(tmp_path, "scalar", "--features=scalar")
    build(tmp_path, "cached", "--features=scalar", flag)
    assert (tmp_path / "cached.wasm").read_bytes() == (tmp_path / "scalar.wasm").read_bytes()


def test_environment_names_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NNCC_CACHE", str(tmp_path / "cache"))
    build(tmp_path, "off", "--cache=")
    assert not (tmp_path / "cache").exists()
    build(tmp_path, "on")
    assert entries(tmp_path / "cache")


@pytest.mark.parametrize("damage", [b"", b"short", b"\0" * 4096])
def test_damaged_entry_is_made_anew(tmp_path: Path, damage: bytes) -> None:
    cache = tmp_path / "cache"
    build(tmp_path, "first", f"--cache={cache}")
    entry = entries(cache)[0]
    good = entry.read_bytes()
    entry.write_bytes(damage)
    assert "damaged entry" in build(tmp_path, "second", f"--cache={cache}")
    assert (tmp_path / "second.wasm").read_bytes() == (tmp_path / "first.wasm").read_bytes()
    assert entry.read_bytes() == good
    assert build(tmp_path, "third", f"--cache={cache}") == ""


def test_cache_that_cannot_be_written_is_one_warning(tmp_path: Path) -> None:
    build(tmp_path, "plain")
    (tmp_path / "file").write_text("in the way")
    said = build(tmp_path, "odd", f"--cache={tmp_path / 'file' / 'cache'}")
    assert said.count("warning") == 1 and "is not used" in said
    assert (tmp_path / "odd.wasm").read_bytes() == (tmp_path / "plain.wasm").read_bytes()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_cache_that_is_read_only_is_one_warning(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir(mode=0o500)
    said = build(tmp_path, "odd", f"--cache={cache}")
    assert said.count("warning") == 1 and "is not used" in said
