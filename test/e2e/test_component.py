# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models as components: nncc --emit=component, called through wasi:nn."""

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

import nncc
from component_host import ComponentHost, WasiNNError
from harness import BIN, Array, network, random


def two_inputs() -> tuple[onnx.ModelProto, dict[str, Array]]:
    """Two outputs of two types; a name that JSON escapes."""
    feed = {"a": random(2, 3), 'b "\\é': np.arange(3, dtype=np.float32)}
    nodes = [
        helper.make_node("Add", ["a", 'b "\\é'], ["sum"]),
        helper.make_node("Cast", ["sum"], ["whole"], to=onnx.TensorProto.INT64),
        helper.make_node("ReduceSum", ["sum"], ["total"], keepdims=0),
    ]
    return network(nodes, feed, ["sum", "whole", "total"], shapes={"a": ["n", 3]}), feed


def compile_component(model: onnx.ModelProto, folder: Path, *flags: str) -> Path:
    onnx.save(model, folder / "model.onnx")
    return nncc.compile(
        folder / "model.onnx", folder / "model.wasm", flags=["--emit=component", *flags]
    )


@pytest.fixture(scope="module")
def component(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_component(two_inputs()[0], tmp_path_factory.mktemp("component"))


def test_names_and_numbers(component: Path) -> None:
    host = ComponentHost(component)
    context = host.open()
    a, b = two_inputs()[1].values()
    for names in [("a", 'b "\\é'), ("0", "1"), ("0", 'b "\\é')]:
        outputs = host.compute(context, dict(zip(names, (a, b), strict=True)))
        assert list(outputs) == ["sum", "whole", "total"]
        np.testing.assert_array_equal(outputs["sum"], a + b)
        np.testing.assert_array_equal(outputs["whole"], (a + b).astype(np.int64))
        np.testing.assert_allclose(outputs["total"], [(a + b).sum()], rtol=1e-5)
    longer = host.compute(context, {"a": np.tile(a, (4, 1)), "1": b})
    np.testing.assert_array_equal(longer["sum"], np.tile(a + b, (4, 1)))


@pytest.mark.parametrize(
    ("feeds", "code", "text"),
    [
        ({"0": random(2, 3)}, "runtime-error", "'b \"\\é' was not set"),
        ({"c": random(2, 3)}, "invalid-argument", "no input of this name"),
        ({"2": random(2, 3)}, "invalid-argument", "no input of this name"),
        ({"a": random(2, 3).astype(np.float64)}, "invalid-argument", "element type"),
        ({"a": random(3)}, "invalid-argument", "1 dimensions, expected 2"),
        ({"a": random(2, 4), "1": random(3)}, "invalid-argument", "expected 3"),
        ({}, "runtime-error", "'a' was not set"),
    ],
)
def test_refusals(component: Path, feeds: dict[str, Array], code: str, text: str) -> None:
    host = ComponentHost(component)
    context = host.open()
    with pytest.raises(WasiNNError) as caught:
        host.compute(context, feeds)
    assert caught.value.code == code
    assert text in caught.value.text
    a, b = two_inputs()[1].values()
    np.testing.assert_array_equal(host.compute(context, {"a": a, "1": b})["sum"], a + b)


def test_bytes_that_do_not_fit(component: Path) -> None:
    host = ComponentHost(component)
    context = host.open()
    tensor = host.call("tensor", "[constructor]tensor", [2**31, 2**31], "FP32", b"1234")
    function = "[method]graph-execution-context.compute"
    result = host.call("inference", function, context, [("a", tensor)])
    with pytest.raises(WasiNNError, match="4 bytes do not fit"):
        host.fail(result)


def test_loading(component: Path) -> None:
    host = ComponentHost(component)
    source = (component.parent / "model.onnx").read_bytes()
    load = "load"
    for encoding in ("onnx", "autodetect"):
        host.unwrap(host.call("graph", load, [source], encoding, "cpu"))
        host.unwrap(host.call("graph", load, [source[:70], source[70:]], encoding, "cpu"))
    for builder, encoding, target, code in [
        ([source + b"x"], "onnx", "cpu", "invalid-encoding"),
        ([], "onnx", "cpu", "invalid-encoding"),
        ([source], "openvino", "cpu", "invalid-encoding"),
        ([source], "onnx", "gpu", "unsupported-operation"),
    ]:
        with pytest.raises(WasiNNError) as caught:
            host.unwrap(host.call("graph", load, builder, encoding, target))
        assert caught.value.code == code


def test_nothing_leaks(component: Path) -> None:
    """An instance needs no more memory after many calls, failed ones too."""
    host = ComponentHost(component)
    a, b = np.tile(random(1, 3), (500, 1)), random(3)
    host.compute(host.open(), {"a": a, "1": b})
    host.store.set_limits(memory_size=2**20)
    for _ in range(300):
        context = host.open()
        host.compute(context, {"a": a, "1": b})
        with pytest.raises(WasiNNError):
            host.compute(context, {"a": a, "c": b})
        context.drop(host.store)


def test_older_edition(tmp_path: Path) -> None:
    path = compile_component(two_inputs()[0], tmp_path, "--wasi-nn=2024-08-19")
    host = ComponentHost(path, "2024-08-19")
    context = host.open()
    a, b = two_inputs()[1].values()

    def call(name: str, *args: object) -> object:
        return host.call("inference", f"[method]graph-execution-context.{name}", context, *args)

    assert call("set-input", "a", host.tensor(a)) is None
    with pytest.raises(WasiNNError, match="was not set"):
        host.fail(call("compute"))
    assert call("set-input", "1", host.tensor(a[0])) is None
    assert call("set-input", "1", host.tensor(b)) is None
    with pytest.raises(WasiNNError, match="nothing was computed"):
        host.unwrap(call("get-output", "sum"))
    for _ in range(2):
        assert call("compute") is None
        for name in ("sum", "0"):
            np.testing.assert_array_equal(host.array(host.unwrap(call("get-output", name))), a + b)
    with pytest.raises(WasiNNError, match="no output of this name"):
        host.unwrap(call("get-output", "3"))


@pytest.mark.parametrize("edition", ["2024-10-28", "2024-08-19"])
def test_state(edition: str, tmp_path: Path) -> None:
    """Contexts keep what the model takes back, apart from each other; a caller may set it."""
    node = helper.make_node("Add", ["x", "before"], ["after"])
    feed = {"x": np.full(2, 3, np.float32), "before": np.zeros(2, np.float32)}
    model = network([node], feed, ["after"])
    flags = ["--state=after=before", f"--wasi-nn={edition}"]
    host = ComponentHost(compile_component(model, tmp_path, *flags), edition)

    def step(context: Any, **inputs: Array) -> float:
        if edition == "2024-10-28":
            return float(host.compute(context, inputs)["after"][0])
        method = "[method]graph-execution-context."
        for name, array in inputs.items():
            host.call("inference", f"{method}set-input", context, name, host.tensor(array))
        assert host.call("inference", f"{method}compute", context) is None
        output = host.call("inference", f"{method}get-output", context, "after")
        return float(host.array(host.unwrap(output))[0])

    one, other = host.open(), host.open()
    assert [step(one, x=feed["x"]) for _ in range(3)] == [3, 6, 9]
    assert step(other, x=feed["x"]) == 3
    assert step(one, x=feed["x"], before=np.full(2, 100, np.float32)) == 103
    assert step(one, x=feed["x"]) == 106


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--threads"], "--threads: a component cannot share a memory"),
        (["--weights=external"], "a component has its weights in it"),
        (["--wasi-nn=2025-01-01"], "expected 2024-10-28 or 2024-08-19"),
    ],
)
def test_what_a_component_cannot_have(flags: list[str], message: str, tmp_path: Path) -> None:
    onnx.save(two_inputs()[0], tmp_path / "model.onnx")
    command = [str(BIN / "nncc"), str(tmp_path / "model.onnx"), "--emit=component", *flags]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode != 0
    assert message in result.stderr
    assert not (tmp_path / "model.component.wasm").exists()


def test_sizes_that_data_tell(tmp_path: Path) -> None:
    feed = {"x": random(3, 4)}
    nodes = [
        helper.make_node("Relu", ["x"], ["r"]),
        helper.make_node("NonZero", ["r"], ["at"]),
        helper.make_node("Shape", ["at"], ["s"]),
    ]
    host = ComponentHost(compile_component(network(nodes, feed, ["at", "s"]), tmp_path))
    context = host.open()
    for x in (feed["x"], np.zeros((3, 4), np.float32), np.ones((3, 4), np.float32)):
        outputs = host.compute(context, {"x": x})
        np.testing.assert_array_equal(outputs["at"], np.stack(np.nonzero(x > 0)))
        np.testing.assert_array_equal(outputs["s"], [2, np.count_nonzero(x > 0)])
