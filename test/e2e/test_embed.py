# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Networks linked into C programs."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
import wasmtime
from onnx import helper

import nncc
from harness import BIN, ROOT, Array, network, random, reference
from test_modules import mixed_network

TWO_NETWORKS = r"""
#include "first.h"
#include "second_one.h"
#include <stdio.h>

static float x[2 * 3 * 9 * 7 + 16] = {X};
static float u[6 + 16] = {U};
static _Alignas(64) unsigned char arena[1 << 20];

static int first(void) {
  first_inputs in = {0};
  first_outputs out;
  in.batch = 1u << 31;
  if (first_run(&in, &out, arena, sizeof arena) != first_BAD_SIZE)
    return 1;
  in.batch = 0;
  in.x = x;
  if (first_run(&in, &out, arena, sizeof arena) != first_OK || out.y_shape[0])
    return 7;
  in.batch = 2;
  in.x = 0;
  if (first_run(&in, &out, arena, sizeof arena) != first_NO_INPUT)
    return 2;
  in.x = x;
  if (first_run(&in, &out, arena, 8) != first_ARENA_TOO_SMALL)
    return 3;
  in.x = (const float *)(arena + 64);
  if (first_run(&in, &out, arena, sizeof arena) != first_INPUT_IN_ARENA)
    return 4;
  in.x = x;
  if (first_run(&in, &out, arena, sizeof arena) != first_OK)
    return 5;
  for (unsigned i = 0; i < out.y_shape[0] * out.y_shape[1]; ++i)
    printf("%.9g ", out.y[i]);
  return 0;
}

static int second(void) {
  second_one_inputs in = {u};
  second_one_outputs out;
  puts("");
  if (second_one_run(&in, &out, arena, second_one_ARENA_BYTES) != second_one_OK)
    return 6;
  for (unsigned i = 0; i < out.n_double_shape[0]; ++i)
    printf("%.9g ", out.n_double[i]);
  puts(""); // Emscripten shows whole lines.
  return 0;
}

int main(void) {
  int error = first();
  return error ? error : second();
}
"""


def second_network() -> tuple[onnx.ModelProto, dict[str, Array]]:
    """Needs functions of the runtime; an output's name is a keyword of C."""
    feed = {"u 1": random(6)}
    nodes = [
        helper.make_node("Atan", ["u 1"], ["s"]),
        helper.make_node("Cosh", ["u 1"], ["e"]),
        helper.make_node("Mod", ["e", "s"], ["double"], fmod=1),
    ]
    return network(nodes, feed, ("double",)), feed


def needs(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"needs {program}")


def run(*command: str | Path) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def write_program(folder: Path) -> list[Array]:
    """Two objects and main.c in `folder`; what the program shall print."""
    expected: list[Array] = []
    values = []
    for name, (model, feed) in (
        ("first", mixed_network()),
        ("second_one", second_network()),
    ):
        onnx.save(model, folder / f"{name}.onnx")
        flags = ("--emit=obj",)
        nncc.compile(folder / f"{name}.onnx", folder / f"{name}.o", flags=flags)
        expected += reference(model, feed).values()
        values.append(", ".join(repr(float(value)) for value in next(iter(feed.values())).flat))
    text = TWO_NETWORKS.replace("{X}", "{" + values[0] + "}").replace("{U}", "{" + values[1] + "}")
    (folder / "main.c").write_text(text)
    return expected


def check_output(text: str, expected: Sequence[Array]) -> None:
    lines = text.splitlines()
    assert len(lines) == len(expected)
    for line, want in zip(lines, expected, strict=True):
        np.testing.assert_allclose(np.array(line.split(), float), want.ravel(), 1e-3, 1e-4)


def run_with_wasi(folder: Path, *networks: str) -> str:
    """What the program of main.c and the networks' objects prints."""
    flags = ("--target=wasm32-wasi", "-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic")
    run("clang-19", *flags, "-O1", "-c", folder / "main.c", "-o", folder / "main.o")
    objects = [folder / f"{name}.o" for name in ("main", *networks)]
    library = Path("/usr/lib/wasm32-wasi")
    builtins = run("clang-19", "--target=wasm32-wasi", "--print-libgcc-file-name").strip()
    program = folder / "program.wasm"
    run(
        "wasm-ld-19",
        library / "crt1-command.o",
        *objects,
        "-L",
        library,
        "-lc",
        builtins,
        "-o",
        program,
    )

    engine = wasmtime.Engine()
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    store = wasmtime.Store(engine)
    wasi = wasmtime.WasiConfig()
    wasi.stdout_file = str(folder / "stdout")
    store.set_wasi(wasi)
    instance = linker.instantiate(store, wasmtime.Module.from_file(engine, str(program)))
    start = instance.exports(store)["_start"]
    assert isinstance(start, wasmtime.Func)
    start(store)
    return (folder / "stdout").read_text()


def test_two_networks_in_a_wasi_program(tmp_path: Path) -> None:
    expected = write_program(tmp_path)
    check_output(run_with_wasi(tmp_path, "first", "second_one"), expected)


SUMS = """
#include "sum.h"
#include <stdio.h>
#include <stdlib.h>

int main(void) {
  static const float x[4] = {1, 2, 3, 4};
  for (uint32_t b = 3; b <= 4; ++b) {
    sum_inputs in = {.x = x, .z = x, .a = 3, .b = b};
    sum_outputs out;
    size_t bytes = sum_arena_bytes(&in);
    puts(sum_message(sum_run(&in, &out, malloc(bytes), bytes)));
  }
}
"""


def test_sizes_that_do_not_fit_in_a_wasi_program(tmp_path: Path) -> None:
    feed = {"x": random(3), "z": random(3)}
    node = helper.make_node("Add", ["x", "z"], ["y"])
    onnx.save(network([node], feed, shapes={"x": ["a"], "z": ["b"]}), tmp_path / "sum.onnx")
    nncc.compile(tmp_path / "sum.onnx", tmp_path / "sum.o", flags=["--emit=obj"])
    (tmp_path / "main.c").write_text(SUMS)
    lines = ["sum: no error", "sum: a size is out of its range or does not fit another"]
    assert run_with_wasi(tmp_path, "sum").splitlines() == lines


def test_objects_need_nothing_and_define_three_names(tmp_path: Path) -> None:
    write_program(tmp_path)
    symbols = run("llvm-nm-19", "--extern-only", "--format=just-symbols", tmp_path / "second_one.o")
    names = ("call_arena_bytes", "call_run", "weights")
    assert symbols.split() == [f"second_one_{name}" for name in names]


def test_two_networks_with_emscripten(tmp_path: Path) -> None:
    needs("emcc", "node")
    expected = write_program(tmp_path)
    objects = [tmp_path / name for name in ("main.c", "first.o", "second_one.o")]
    flags = ("-O1", "-sSINGLE_FILE=1", "-Wall", "-Wextra", "-Werror")
    run("emcc", *flags, *objects, "-o", tmp_path / "program.js")
    check_output(run("node", tmp_path / "program.js"), expected)


def test_example_in_node_and_in_a_page(tmp_path: Path) -> None:
    needs("emcmake", "cmake", "chromium", "node")
    feed = {"image": np.zeros((1, 1, 8, 8), np.float32)}
    bias = np.eye(1, 10, k=7, dtype=np.float32)  # Everything is a 7.
    nodes = [
        helper.make_node("Flatten", ["image"], ["f"]),
        helper.make_node("MatMul", ["f", "w"], ["m"]),
        helper.make_node("Add", ["m", "b"], ["a"]),
        helper.make_node("Softmax", ["a"], ["probabilities"]),
    ]
    shapes: dict[str, list[int | str]] = {"image": ["batch", 1, 8, 8]}
    constants = {"w": np.zeros((64, 10), np.float32), "b": 9 * bias}
    onnx.save(
        network(nodes, feed, ("probabilities",), shapes=shapes, constants=constants),
        tmp_path / "digits.onnx",
    )
    build = tmp_path / "build"
    settings = (f"-Dnncc_DIR={BIN.parent}", f"-DMODEL={tmp_path / 'digits.onnx'}")
    run("emcmake", "cmake", "-S", ROOT / "examples" / "embed", "-B", build, *settings)
    run("cmake", "--build", build)
    assert run("node", build / "embed.js").strip() == "This is a 7 (100%)."
    flags = ("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'user'}")
    page = (build / "page.html").as_uri()
    text = run("chromium", *flags, "--virtual-time-budget=5000", "--dump-dom", page)
    assert "This is a 7 (100%)." in text


def test_external_weights_are_refused(tmp_path: Path) -> None:
    model, _ = second_network()
    onnx.save(model, tmp_path / "model.onnx")
    flags = ["--emit=obj", "--weights=external", "-o", str(tmp_path / "model.o")]
    done = subprocess.run(
        [BIN / "nncc", tmp_path / "model.onnx", *flags],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "--weights=external is for modules" in done.stderr
    assert not (tmp_path / "model.o").exists()
