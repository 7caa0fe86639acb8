# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Guests for wasi-nn and models in one file: nncc link."""

import os
import re
import subprocess
from pathlib import Path

import numpy as np
import onnx
import pytest
import wasmtime
from onnx import helper
from wasmtime import component

import nncc
from component_host import ComponentHost, WasiNNError
from guests import compile_c, run_wasi
from harness import BIN, ROOT, network

INPUTS = Path(__file__).parent / "Inputs"
EMPTY = b"\0asm\1\0\0\0"


def link(guest: Path, *models: Path | str, output: Path) -> subprocess.CompletedProcess[str]:
    command = [str(BIN / "nncc"), "link", str(guest), *map(str, models), "-o", str(output)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With y = 2x + 1 as model.wasm and model.component.wasm."""
    folder = tmp_path_factory.mktemp("link")
    nodes = [
        helper.make_node("Mul", ["x", "two"], ["t"]),
        helper.make_node("Add", ["t", "one"], ["y"]),
    ]
    constants = {"two": np.array(2, np.float32), "one": np.array(1, np.float32)}
    model = network(nodes, {"x": np.ones((1, 2), np.float32)}, constants=constants)
    onnx.save(model, folder / "model.onnx")
    nncc.compile(folder / "model.onnx", folder / "model.wasm")
    for flags in (["--emit=component"], ["--emit=component", "--wasi-nn=2024-08-19"]):
        nncc.compile(folder / "model.onnx", folder / f"{len(flags)}.component.wasm", flags=flags)
    return folder


@pytest.fixture(scope="module")
def core_guest(folder: Path) -> Path:
    """Opens "demo", gives it {{1, 2}} and prints what comes out."""
    return compile_c(ROOT / "test/runtime-web/Inputs/guest.c", folder / "guest.wasm")


def run(program: Path) -> str:
    """What a core module prints in wasmtime."""
    output = program.with_suffix(".txt")
    assert run_wasi(program, Path(os.devnull), output) == 0
    return output.read_text()


def instantiate(path: Path, bonus: float) -> float:
    """What the component in guest.wat answers."""
    engine = wasmtime.Engine()
    store = wasmtime.Store(engine)
    linker = component.Linker(engine)
    with linker.root() as root:
        root.add_func("bonus", lambda _: bonus)
    instance = linker.instantiate(store, component.Component.from_file(engine, str(path)))
    function = instance.get_func(store, "second-of-demo")
    assert function is not None
    return float(function(store))


@pytest.mark.parametrize("model", ["model.wasm", "1.component.wasm"])
def test_core_guest(model: str, core_guest: Path, folder: Path) -> None:
    result = link(core_guest, folder / model, output=folder / "app.wasm")
    assert result.returncode == 0, result.stderr
    imports = wasmtime.Module.from_file(wasmtime.Engine(), str(folder / "app.wasm")).imports
    assert {item.module for item in imports} == {"wasi_snapshot_preview1"}
    assert run(folder / "app.wasm") == "3 5\n"


@pytest.mark.parametrize("model", ["model.wasm", "2.component.wasm"])
def test_component_guest(model: str, folder: Path) -> None:
    guest = folder / "component-guest.wasm"
    guest.write_bytes(wasmtime.wat2wasm((INPUTS / "guest.wat").read_text()))
    result = link(guest, folder / model, output=folder / "component-app.wasm")
    assert result.returncode == 0, result.stderr
    assert instantiate(folder / "component-app.wasm", 5.5) == 12


@pytest.fixture(scope="module")
def minus(folder: Path) -> Path:
    """y = -x"""
    node = helper.make_node("Neg", ["x"], ["y"])
    onnx.save(network([node], {"x": np.ones((1, 2), np.float32)}), folder / "minus.onnx")
    return nncc.compile(folder / "minus.onnx", folder / "minus.wasm")


def test_several_models(folder: Path, minus: Path) -> None:
    """Each has its name, its memory and its handles."""
    guest = compile_c(INPUTS / "two_models_guest.c", folder / "two.wasm")
    models = [f"minus={minus}", f"demo={folder / 'model.wasm'}"]
    result = link(guest, *models, output=folder / "two-app.wasm")
    assert result.returncode == 0, result.stderr
    assert run(folder / "two-app.wasm").splitlines() == [
        "0 0",
        "8 8 2",
        "0 0",
        "3 3",
        "-1 -1",
        "5 5",
        "0 0",
        "errno 1",
        "errno 1",
        "3 3",
    ]


@pytest.fixture(scope="module")
def several(folder: Path, minus: Path) -> Path:
    """All of wasi:nn, answered by two models."""
    guest = folder / "all.wasm"
    guest.write_bytes(wasmtime.wat2wasm((INPUTS / "all_of_wasi_nn.wat").read_text()))
    app = folder / "all-app.wasm"
    result = link(guest, f"minus={minus}", f"demo={folder / 'model.wasm'}", output=app)
    assert result.returncode == 0, result.stderr
    return app


def test_several_models_in_a_component(several: Path, folder: Path, minus: Path) -> None:
    host = ComponentHost(several)
    x = np.array([[1, 2]], np.float32)
    demo, other = host.open("demo"), host.open("minus")
    for _ in range(2):
        np.testing.assert_array_equal(host.compute(demo, {"x": x})["y"], [[3, 5]])
        np.testing.assert_array_equal(host.compute(other, {"0": x})["y"], [[-1, -2]])
    for name in ("other", "dem", ""):
        with pytest.raises(WasiNNError, match="not-found: no model has this name"):
            host.open(name)
    with pytest.raises(WasiNNError, match="no input of this name"):
        host.compute(other, {"z": x})
    for source, expected in (("model.onnx", [[3, 5]]), ("minus.onnx", [[-1, -2]])):
        given = [(folder / source).read_bytes()]
        graph = host.unwrap(host.call("graph", "load", given, "onnx", "cpu"))
        context = host.call("graph", "[method]graph.init-execution-context", graph)
        outputs = host.compute(host.unwrap(context), {"x": x})
        np.testing.assert_array_equal(outputs["y"], expected)
    with pytest.raises(WasiNNError, match="invalid-encoding"):
        host.unwrap(host.call("graph", "load", [b"others"], "onnx", "cpu"))


def test_several_models_keep_nothing(several: Path) -> None:
    """No memory grows with what was opened, computed and dropped."""
    host = ComponentHost(several)
    x = np.ones((1, 2), np.float32)
    host.compute(host.open("demo"), {"x": x})
    host.store.set_limits(memory_size=2**19)
    for _ in range(1000):
        context = host.open("demo")
        host.compute(context, {"x": x})
        with pytest.raises(WasiNNError):
            host.compute(context, {"z": x})
        context.drop(host.store)


@pytest.mark.parametrize("kind", ["one", "several"])
def test_hostile_tensors(kind: str, several: Path, folder: Path) -> None:
    """Each is refused, and the next right one works."""
    host = ComponentHost(several if kind == "several" else folder / "1.component.wasm")
    context = host.open("demo")
    x = np.array([[1, 2]], np.float32)
    shapes = [[1, 2], [1], [2, 1], [1, 3], [1, 2, 1], [], [2**32 - 1, 2], [2**31 + 1, 2]]
    compute = "[method]graph-execution-context.compute"
    refused = 0
    for shape in shapes:
        for element in ("FP16", "FP32", "FP64", "BF16", "U8", "I32", "I64"):
            for size in (0, 4, 7, 8, 16):
                if (shape, element, size) == ([1, 2], "FP32", 8):
                    continue
                tensor = host.call("tensor", "[constructor]tensor", shape, element, bytes(size))
                result = host.call("inference", compute, context, [("x", tensor)])
                with pytest.raises(WasiNNError, match="invalid-argument"):
                    host.fail(result)
                refused += 1
        np.testing.assert_array_equal(host.compute(context, {"x": x})["y"], [[3, 5]])
    assert refused == 279


def test_several_models_of_the_older_edition(folder: Path, minus: Path) -> None:
    text = (INPUTS / "all_of_wasi_nn.wat").read_text()
    inference = re.compile(r"    ;; begin edition\n.*    ;; end edition\n", re.DOTALL)
    older = (INPUTS / "older_inference.wat").read_text()
    text = inference.sub(lambda _: older, text).replace("2024-10-28", "2024-08-19")
    (folder / "older.wasm").write_bytes(wasmtime.wat2wasm(text))
    models = [f"minus={minus}", f"demo={folder / 'model.wasm'}"]
    result = link(folder / "older.wasm", *models, output=folder / "older-app.wasm")
    assert result.returncode == 0, result.stderr
    host = ComponentHost(folder / "older-app.wasm", "2024-08-19")
    context = host.open("demo")

    def call(name: str, *args: object) -> object:
        return host.call("inference", f"[method]graph-execution-context.{name}", context, *args)

    with pytest.raises(WasiNNError, match="was not set"):
        host.fail(call("compute"))
    tensor = host.tensor(np.array([[1, 2]], np.float32))
    assert call("set-input", "x", tensor) is None
    assert call("compute") is None
    np.testing.assert_array_equal(host.array(host.unwrap(call("get-output", "y"))), [[3, 5]])
    with pytest.raises(WasiNNError, match="no output of this name"):
        host.unwrap(call("get-output", "z"))


def test_names(core_guest: Path, folder: Path) -> None:
    """A model with a name answers to no other, in a module and in a component."""
    for name, expected in (("demo", "3 5\n"), ("other", "errno 8\n")):
        app = folder / f"named-{name}.wasm"
        result = link(core_guest, f"{name}={folder / 'model.wasm'}", output=app)
        assert result.returncode == 0, result.stderr
        output = app.with_suffix(".txt")
        assert run_wasi(app, Path(os.devnull), output) == (name != "demo")
        assert output.read_text() == expected
    path = folder / "named-guest.wasm"
    path.write_bytes(wasmtime.wat2wasm((INPUTS / "guest.wat").read_text()))
    app = folder / "named-component.wasm"
    assert link(path, f"demo={folder / 'model.wasm'}", output=app).returncode == 0
    assert instantiate(app, 5.5) == 12
    assert link(path, f"other={folder / 'model.wasm'}", output=app).returncode == 0
    with pytest.raises((wasmtime.Trap, wasmtime.WasmtimeError)):
        instantiate(app, 5.5)


@pytest.mark.parametrize(
    ("guest", "models", "message"),
    [
        (EMPTY, ["model.wasm", "model.wasm"], "several models need names"),
        (EMPTY, ["a=model.wasm", "a=model.wasm"], "two models are named 'a'"),
        (b"\0asm\x0d\0\1\0", ["a=model.wasm", "b=model.wasm"], "imports nothing of wasi:nn"),
        (EMPTY, ["a=model.wasm", "b=guest.wasm"], "the model 'b': "),
    ],
)
def test_refused_models(
    guest: bytes, models: list[str], message: str, core_guest: Path, folder: Path
) -> None:
    (folder / "bad-guest.wasm").write_bytes(guest)
    assert core_guest.exists()
    command = [str(BIN / "nncc"), "link", "bad-guest.wasm", *models, "-o", "none.wasm"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    assert result.returncode == 1
    assert message in result.stderr


@pytest.mark.parametrize(
    ("guest", "model", "message"),
    [
        (EMPTY, None, "the guest: it imports nothing of wasi_ephemeral_nn"),
        (b"\0asm\x0d\0\1\0", None, "the guest: it imports nothing of wasi:nn"),
        (b"hello", None, "the guest: it is neither a module nor a component"),
        (EMPTY, EMPTY, "the model: it is no module that nncc made"),
        (EMPTY, b"\0asm\x0d\0\1\0", "the model: it is a component, but none that nncc made"),
        (EMPTY + b"\x02\xff", None, "the guest: "),
    ],
)
def test_refusals(guest: bytes, model: bytes | None, message: str, folder: Path) -> None:
    (folder / "bad-guest.wasm").write_bytes(guest)
    given = folder / "model.wasm"
    if model is not None:
        given = folder / "bad-model.wasm"
        given.write_bytes(model)
    result = link(folder / "bad-guest.wasm", given, output=folder / "none.wasm")
    assert result.returncode == 1
    assert message in result.stderr
    assert not (folder / "none.wasm").exists()


def test_other_edition(folder: Path) -> None:
    text = (INPUTS / "guest.wat").read_text().replace("2024-10-28", "2031-01-01")
    (folder / "late.wasm").write_bytes(wasmtime.wat2wasm(text))
    result = link(folder / "late.wasm", folder / "model.wasm", output=folder / "none.wasm")
    assert result.returncode == 1
    assert "wasi:nn/tensor@0.2.0-rc-2031-01-01" in result.stderr


def test_damaged_guests(core_guest: Path, folder: Path) -> None:
    """A guest cut off anywhere is one message."""
    whole = core_guest.read_bytes()
    for end in range(8, len(whole), max(1, len(whole) // 40)):
        (folder / "cut.wasm").write_bytes(whole[:end])
        result = link(folder / "cut.wasm", folder / "model.wasm", output=folder / "cut-app.wasm")
        assert result.returncode in (0, 1)
        assert result.returncode == 0 or result.stderr.count("\n") == 1
