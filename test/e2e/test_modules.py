# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What holds for every module: open sizes, features, bits, files and errors."""

import json
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
import wasmtime
from onnx import helper

import nncc
from harness import ROOT, Array, check, network, nncc_run, random, reference, save_data


def mixed_network(batch: int | str = "batch") -> tuple[onnx.ModelProto, dict[str, Array]]:
    """Convolution, pooling, a matrix product and softmax on an open batch."""
    feed = {"x": random(2, 3, 9, 7)}
    constants = {"w": random(8, 3, 3, 3, seed=1), "m": random(8 * 4 * 3, 10, seed=2)}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1], name="stem"),
        helper.make_node("Sigmoid", ["c"], ["r"], name="act"),
        helper.make_node("MaxPool", ["r"], ["p"], kernel_shape=[2, 2], strides=[2, 2], name="pool"),
        helper.make_node("Flatten", ["p"], ["f"], name="flat"),
        helper.make_node("MatMul", ["f", "m"], ["d"], name="dense"),
        helper.make_node("Softmax", ["d"], ["y"], name="softmax"),
    ]
    shapes: dict[str, list[int | str]] = {"x": [batch, 3, 9, 7]}
    return network(nodes, feed, shapes=shapes, constants=constants), feed


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mixed")
    model, _ = mixed_network()
    onnx.save(model, folder / "model.onnx")
    return nncc.compile(folder / "model.onnx", folder / "model.wasm")


def test_same_network_gives_the_same_bytes(compiled: Path, tmp_path: Path) -> None:
    again = nncc.compile(compiled.with_name("model.onnx"), tmp_path / "model.wasm")
    assert again.read_bytes() == compiled.read_bytes()


def test_one_module_takes_every_batch(tmp_path: Path) -> None:
    model, _ = mixed_network()
    feeds = [{"x": random(batch, 3, 9, 7)} for batch in (1, 4, 2, 7)]
    check(model, tmp_path, *feeds)


def test_open_sequence_and_batch(tmp_path: Path) -> None:
    feed = {"q": random(2, 5, 8), "k": random(2, 5, 8, seed=1)}
    nodes = [
        helper.make_node("Transpose", ["k"], ["t"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["q", "t"], ["s"]),
        helper.make_node("Softmax", ["s"], ["p"], axis=-1),
        helper.make_node("MatMul", ["p", "k"], ["o"]),
        helper.make_node("ReduceMean", ["o"], ["y"], axes=[1]),
    ]
    shapes: dict[str, list[int | str]] = {"q": ["batch", "seq", 8], "k": ["batch", "seq", 8]}
    feeds = [
        {"q": random(batch, seq, 8), "k": random(batch, seq, 8, seed=1)}
        for batch, seq in ((1, 1), (2, 5), (1, 33), (3, 4))
    ]
    check(network(nodes, feed, shapes=shapes), tmp_path, *feeds)


@pytest.mark.parametrize("features", ["scalar", "simd128", "relaxed-simd"])
def test_features(features: str, tmp_path: Path) -> None:
    model, feed = mixed_network()
    check(model, tmp_path, feed, flags=[f"--features={features}"])


def test_external_weights(tmp_path: Path) -> None:
    model, feed = mixed_network()
    check(model, tmp_path, feed, flags=["--weights=external"])
    np.save(tmp_path / "x.npy", feed["x"])
    done = nncc_run(tmp_path / "model.wasm", "--input", tmp_path / "x.npy")
    assert done.returncode == 0, done.stderr


def test_fixed_and_bounded_sizes(tmp_path: Path) -> None:
    model, feed = mixed_network()
    check(model, tmp_path, feed, flags=["--dim", "batch=2"])
    bounded = check(model, tmp_path, feed, flags=["--dim", "batch=1..3"])
    with pytest.raises(nncc.ModuleError, match=r"batch|x"):
        bounded.run({"x": random(4, 3, 9, 7)})


def test_imports_nothing(compiled: Path) -> None:
    assert not wasmtime.Module.from_file(wasmtime.Engine(), str(compiled)).imports


def test_strict_fp_gives_the_same_bits_everywhere(tmp_path: Path) -> None:
    model, feed = mixed_network()
    onnx.save(model, tmp_path / "model.onnx")
    module = nncc.compile(tmp_path / "model.onnx", tmp_path / "m.wasm", flags=["--strict-fp"])
    bits = nncc.load(module).run(feed)["y"].tobytes()
    np.save(tmp_path / "x.npy", feed["x"])
    for version in (20, 22, 24):
        node = ROOT / "node_modules" / f"node{version}" / "bin" / "node"
        out = tmp_path / str(version)
        done = nncc_run(module, "--input", tmp_path / "x.npy", "--output", out, node=node)
        assert done.returncode == 0, done.stderr
        assert np.load(out / "y.npy").tobytes() == bits, f"Node {version}"


def test_names_of_nodes_reach_the_functions(compiled: Path) -> None:
    content = compiled.read_bytes()
    assert b"stem" in content
    assert b"dense" in content


def test_info(compiled: Path) -> None:
    done = nncc_run(compiled, "--info")
    assert done.returncode == 0, done.stderr
    assert "x f32[batch,3,9,7]" in done.stdout
    assert "y f32[batch,10]" in done.stdout


def test_data_folder_passes_and_mismatches(compiled: Path, tmp_path: Path) -> None:
    model, feed = mixed_network()
    y = reference(model, feed)["y"]
    save_data(tmp_path / "good", [feed["x"]], [y])
    save_data(tmp_path / "bad", [feed["x"]], [y + 1])
    good = nncc_run(compiled, "--data", tmp_path / "good")
    assert (good.returncode, good.stdout[:2]) == (0, "ok"), good.stderr
    bad = nncc_run(compiled, "--data", tmp_path / "bad")
    assert (bad.returncode, bad.stdout[:8]) == (1, "MISMATCH")
    loose = nncc_run(compiled, "--data", tmp_path / "bad", "--atol", "2")
    assert loose.returncode == 0


def test_recorded_scalar_may_be_a_vector(tmp_path: Path) -> None:
    nodes = [helper.make_node("Add", ["x", "s"], ["y"])]
    feed = {"x": random(3), "s": np.array(2, np.float32)}
    onnx.save(network(nodes, feed), tmp_path / "model.onnx")
    module = nncc.compile(tmp_path / "model.onnx", tmp_path / "model.wasm")
    save_data(tmp_path / "data", [feed["x"], np.array([2], np.float32)], [feed["x"] + 2])
    done = nncc_run(module, "--data", tmp_path / "data")
    assert done.returncode == 0, done.stderr


def test_profile_lists_every_kernel(compiled: Path, tmp_path: Path) -> None:
    table = nncc_run(compiled, "--profile", "--bench=0")
    assert table.returncode == 0, table.stderr
    assert "% of peak" in table.stdout
    assert re.search(r"^ +[\d.]+% +[\d.]+% +1 +[\d.]+ .*stem act", table.stdout, re.MULTILINE)
    trace = nncc_run(compiled, f"--profile={tmp_path / 'trace.json'}", "--bench=0")
    assert trace.returncode == 0, trace.stderr
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    assert {"stem + act", "pool", "dense"} <= {event["name"] for event in events}
    stem = next(event for event in events if event["name"] == "stem + act")
    assert stem["args"]["flops"] >= 2 * 9 * 7 * 8 * 27


def test_bench_prints_json(compiled: Path) -> None:
    done = nncc_run(compiled, "--bench=0.05", "--json")
    assert done.returncode == 0, done.stderr
    assert {"ms_median", "ms_min", "load_ms"} <= json.loads(done.stdout).keys()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "'x'.*was not given"),
        (["--input", "z=x.npy"], "no input 'z'"),
        (["--input", "nothing.npy"], r"nothing\.npy"),
        (["--input", "f64.npy"], "wants f32, not f64"),
        (["--input", "rank.npy"], "rank 4"),
        (["--input", "size.npy"], "dimension 1 must be 3"),
        (["--input", "short.raw"], "raw bytes do not fit"),
        (["--data", "nowhere"], "no such folder"),
        (["--output", "x.npy/out", "--input", "x.npy"], "cannot write"),
        (["--device=gpu"], "GPU"),
        (["--device=tpu"], "cpu, gpu or auto"),
        (["--rtol=x"], "must be a number"),
        (["--nonsense"], "nonsense"),
    ],
)
def test_wrong_calls(
    compiled: Path, args: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", random(2, 3, 9, 7))
    np.save("f64.npy", np.zeros((1, 3, 9, 7)))
    np.save("rank.npy", random(3, 9, 7))
    np.save("size.npy", random(1, 4, 9, 7))
    Path("short.raw").write_bytes(b"123")
    done = nncc_run(compiled, *args)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert re.search(message, done.stderr), done.stderr
