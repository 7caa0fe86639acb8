# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Operators of a user's own, computed by functions in Python, JavaScript and C."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

import nncc
from harness import ROOT, Array, gpu_problem, network, nncc_run, random, save_data

INPUTS = Path(__file__).parent / "Inputs"
SCALE = "--extern=my.domain::Scale=T[...,k]->T[...,k]"
DIVMOD = "--extern=my.domain::DivMod=f32[n,k],i64[]->f32[n,k],i64[k*2+1]"
FLAGS = [SCALE, DIVMOD]
FEED = {"x": np.abs(random(3, 4)), "by": np.array(2, np.int64)}
SCALES = {"factor": 1.5, "axes": [-1, 7], "steps": [0.5, 0.25], "times": 3, "kind": "día"}


def custom_network(**changes: Any) -> onnx.ModelProto:
    """Own operators between ONNX's, with attributes of all kinds and two outputs."""
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"], perm=[1, 0]),
        helper.make_node("Scale", ["t"], ["s"], domain="my.domain", name="scale", **SCALES),
        helper.make_node("Transpose", ["s"], ["u"], perm=[1, 0]),
        helper.make_node("DivMod", ["u", "by"], ["d", "m"], domain="my.domain", name="divmod"),
        helper.make_node("Relu", ["d"], ["y"]),
    ]
    return network(nodes, FEED, ("y", "m"), shapes={"x": ["n", 4]}, **changes)


def expected(x: Array, by: Array) -> dict[str, Array]:
    y = np.floor(1.5 * x / by.astype(np.float32))
    return {"y": y, "m": np.arange(9) + by}


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("extern")
    onnx.save(custom_network(), folder / "model.onnx")
    return nncc.compile(folder / "model.onnx", folder / "model.wasm", flags=FLAGS)


def test_between_parts_on_a_gpu(tmp_path: Path) -> None:
    if problem := gpu_problem():
        pytest.skip(problem)
    onnx.save(custom_network(), tmp_path / "model.onnx")
    flags = [*FLAGS, "--target=webgpu"]
    nncc.compile(tmp_path / "model.onnx", tmp_path / "model.wasm", flags=flags)
    save_data(tmp_path / "data", [*FEED.values()], [*expected(**FEED).values()])
    run = ("--data", tmp_path / "data", "--device=gpu", "--functions")
    done = nncc_run(tmp_path / "model.wasm", *run, INPUTS / "functions.mjs")
    assert done.returncode == 0, done.stdout + done.stderr
    bad = tmp_path / "bad.mjs"
    bad.write_text(
        "const fail = () => { throw new Error('no way'); };\n"
        'export default { "my.domain::Scale": fail, "my.domain::DivMod": fail };'
    )
    done = nncc_run(tmp_path / "model.wasm", *run, bad)
    assert "node 'scale' (op my.domain::Scale): " in done.stderr
    assert "no way" in done.stderr


def scale(x: Array, **attributes: Any) -> Array:
    given = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in attributes.items()}
    assert given == SCALES
    return np.float32(attributes["factor"]) * x


def divmod_(x: Array, by: Array) -> tuple[Array, Array]:
    return np.floor(x / by.astype(np.float32)), np.arange(2 * x.shape[1] + 1) + by


FUNCTIONS: Mapping[str, Any] = {"my.domain::Scale": scale, "my.domain::DivMod": divmod_}


def test_python(module: Path) -> None:
    model = nncc.load(module, functions=FUNCTIONS)
    assert [item["name"] for item in model.signature["functions"]] == list(FUNCTIONS)
    for rows in (3, 1, 200):
        feed = {"x": np.abs(random(rows, 4)), "by": np.array(rows)}
        outputs = model.run(feed)
        for name, want in expected(**feed).items():
            np.testing.assert_array_equal(outputs[name], want)


def test_python_errors(module: Path) -> None:
    with pytest.raises(nncc.ModuleError, match=r"calls 'my\.domain::DivMod'"):
        nncc.load(module, functions={"my.domain::Scale": scale})

    def failing(x: Array, **_: Any) -> Array:
        raise LookupError("no such scale")

    def cropping(x: Array, **_: Any) -> Array:
        return x[:, :1]

    functions = dict(FUNCTIONS)
    for function, message in (
        (failing, r"node 'scale' \(op my.domain::Scale\): LookupError: no such scale"),
        (cropping, r"node 'scale'.*its output 0 is float32\[4, 1\], not float32\[4, 3\]"),
        (lambda x, **_: (x, x), r"node 'scale'.*gave 2 outputs, not 1"),
    ):
        functions["my.domain::Scale"] = function
        model = nncc.load(module, functions=functions)
        with pytest.raises(nncc.ModuleError, match=message):
            model.run(FEED)
    functions["my.domain::Scale"] = lambda x, **_: model.run(FEED)["y"]
    model = nncc.load(module, functions=functions)
    with pytest.raises(nncc.ModuleError, match="is running"):
        model.run(FEED)
    functions["my.domain::Scale"] = scale
    np.testing.assert_array_equal(model.run(FEED)["y"], expected(**FEED)["y"])


def test_javascript(module: Path) -> None:
    node = ROOT / "node_modules" / "node24" / "bin" / "node"
    command = [str(node) if node.exists() else "node", str(INPUTS / "extern.mjs"), str(module)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    want = expected(x, np.array(2))
    assert answer["y"] == want["y"].ravel().tolist()
    assert answer["m"] == want["m"].tolist()
    assert answer["attributes"] == SCALES
    assert answer["again"] == answer["y"]
    assert answer["missing"].startswith("missing-function: the module calls 'my.domain::DivMod'")
    assert "node 'scale' (op my.domain::Scale): RangeError: no such scale" in answer["thrown"]
    assert answer["cause"] == "no such scale"
    assert "its output 0 is f32[4,1], not f32[4,3]" in answer["shape"]
    assert "is running" in answer["nested"]


def test_threads(tmp_path: Path) -> None:
    """The function runs in the caller's thread, between kernels that run in several."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["m"]),
        helper.make_node("Scale", ["m"], ["s"], domain="my.domain", **SCALES),
        helper.make_node("MatMul", ["s", "w"], ["y"]),
    ]
    feed = {"x": random(256, 256), "w": random(256, 256, seed=1)}
    onnx.save(network(nodes, feed), tmp_path / "model.onnx")
    flags = [SCALE, "--threads"]
    module = nncc.compile(tmp_path / "model.onnx", tmp_path / "model.wasm", flags=flags)
    for name, array in feed.items():
        np.save(tmp_path / f"{name}.npy", array)
    inputs = [f"--input={name}={tmp_path / name}.npy" for name in feed]
    functions = f"--functions={INPUTS / 'functions.mjs'}"
    done = nncc_run(module, *inputs, functions, "--threads", "2", f"--output={tmp_path}")
    assert done.returncode == 0, done.stderr
    want = 1.5 * feed["x"] @ feed["w"] @ feed["w"]
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), want, rtol=1e-3, atol=1e-2)


def test_nncc_run(module: Path, tmp_path: Path) -> None:
    for name, array in FEED.items():
        np.save(tmp_path / f"{name}.npy", array)
    inputs = [f"--input={name}={tmp_path / name}.npy" for name in FEED]
    functions = f"--functions={INPUTS / 'functions.mjs'}"
    done = nncc_run(module, *inputs, functions, f"--output={tmp_path}", "--info")
    assert done.returncode == 0, done.stderr
    assert "function   my.domain::Scale\n" in done.stdout
    for name, want in expected(**FEED).items():
        np.testing.assert_array_equal(np.load(tmp_path / f"{name}.npy"), want)
    done = nncc_run(module, *inputs, f"--functions={tmp_path / 'none.mjs'}")
    assert done.returncode == 2
    assert "none.mjs: Cannot find module" in done.stderr


C_PROGRAM = r"""
#include "model.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static int calls;

int32_t my_domain__Scale(void *self, const nncc_value *args, int32_t num_args, nncc_value *ret) {
  nncc_tensor *x = args[0].as.tensor, *y = args[1].as.tensor;
  float factor = 0;
  (void)self, (void)ret;
  for (int i = 2; i + 1 < num_args; i += 2)
    if (args[i].as.text.length == 6 && !memcmp(args[i].as.text.bytes, "factor", 6))
      factor = args[i + 1].as.f;
  for (int64_t i = 0; i < x->shape[0] * x->shape[1]; ++i)
    ((float *)y->data)[i] = factor * ((float *)x->data)[i];
  return ++calls == 3 ? 42 : 0;
}

int32_t my_domain__DivMod(void *self, const nncc_value *args, int32_t num_args, nncc_value *ret) {
  nncc_tensor *x = args[0].as.tensor, *y = args[2].as.tensor, *m = args[3].as.tensor;
  int64_t by = *(int64_t *)args[1].as.tensor->data;
  (void)self, (void)ret, (void)num_args;
  for (int64_t i = 0; i < x->shape[0] * x->shape[1]; ++i)
    ((float *)y->data)[i] = floorf(((float *)x->data)[i] / by);
  for (int64_t i = 0; i < m->shape[0]; ++i)
    ((int64_t *)m->data)[i] = i + by;
  return 0;
}

static float x[12 + 16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
static int64_t by[1 + 16] = {2};
static _Alignas(64) unsigned char arena[1 << 16];

int main(void) {
  model_inputs in = {.n = 3, .x = x, .by = by};
  model_outputs out;
  for (int run = 0; run < 4; ++run) {
    int status = model_run(&in, &out, arena, sizeof arena);
    if (run == 2) {
      if (status != model_FUNCTION_FAILED || model_failed != 42)
        return 1;
      continue;
    }
    if (status != model_OK)
      return puts(model_message(status)), 2;
  }
  for (int i = 0; i < 12; ++i)
    printf("%g ", out.y[i]);
  for (int i = 0; i < 9; ++i)
    printf("%d ", (int)out.m[i]);
  return 0;
}
"""


def test_c(tmp_path: Path) -> None:
    tools = [shutil.which(name) for name in ("clang-19", "wasm-ld-19")]
    libraries = Path("/usr/lib/wasm32-wasi")
    if None in tools or not libraries.exists():
        pytest.skip("needs clang-19, wasm-ld-19 and wasi-libc")
    clang, linker = map(str, tools)
    onnx.save(custom_network(), tmp_path / "model.onnx")
    flags = [*FLAGS, "--emit=obj"]
    nncc.compile(tmp_path / "model.onnx", tmp_path / "model.o", flags=flags)
    (tmp_path / "main.c").write_text(C_PROGRAM)
    compiled = [clang, "--target=wasm32-wasi", "-O1", "-Wall", "-Werror", "-c", "main.c"]
    subprocess.run(compiled, check=True, cwd=tmp_path)
    objects = [str(libraries / "crt1-command.o"), "main.o", "model.o", f"-L{libraries}", "-lc"]
    subprocess.run([linker, *objects, "-o", "main.wasm"], check=True, cwd=tmp_path)
    node = ROOT / "node_modules" / "node24" / "bin" / "node"
    run = [str(node) if node.exists() else "node", str(INPUTS / "run-wasi.mjs"), "main.wasm"]
    done = subprocess.run(run, check=True, cwd=tmp_path, capture_output=True, text=True)
    want = expected(np.arange(12, dtype=np.float32), np.array(2))
    assert [float(word) for word in done.stdout.split()] == [*want["y"], *want["m"]]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([SCALE], "op DivMod, domain my.domain.*see --extern"),
        ([SCALE, "--extern=my.domain::DivMod=f32[a]->f32[b]"], "no input has a size 'b'"),
        ([SCALE, "--extern=my.domain::DivMod=f99[a]->f32[a]"], "'f99' is neither"),
        ([SCALE, "--extern=DivMod=f32[a]->f32[a]"], "expected DOMAIN::OP=TYPES"),
        ([SCALE, "--extern=my.domain::DivMod=f32[a]->T[a]"], "no input has the type 'T'"),
        ([SCALE, "--extern=my.domain::DivMod=f32[a]->f32[a] x"], "unexpected text"),
        ([SCALE, "--extern=my.domain::DivMod=f32[n,k]->f32[n,k]"], "declares 1 inputs"),
        (
            [SCALE, "--extern=my.domain::DivMod=f32[n,n],i64[]->f32[n,n],i64[n]"],
            r"input 0, f32\[n,4\], is not what --extern declares",
        ),
        (
            [SCALE, "--extern=my.domain::DivMod=f32[n,k],i64[]->f32[n,k-5],i64[k]"],
            "a negative size",
        ),
        ([SCALE, "--extern=my.domain::DivMod=f32[n,k],i64[]->f32[n,k]"], "declares 1 outputs"),
    ],
)
def test_refused(flags: list[str], message: str, tmp_path: Path) -> None:
    onnx.save(custom_network(), tmp_path / "model.onnx")
    with pytest.raises(nncc.CompileError, match=message):
        nncc.compile(tmp_path / "model.onnx", tmp_path / "model.wasm", flags=flags)
