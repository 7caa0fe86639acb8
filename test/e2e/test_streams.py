# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models that take outputs back as inputs, call by call."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

import nncc
from harness import ATOL, MODELS, ROOT, RTOL, Array, network, random, reference

INPUTS = Path(__file__).parent / "Inputs"


def recurrent_network() -> onnx.ModelProto:
    """y = tanh(x w + h u), h the y of the call before; n counts the calls."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("MatMul", ["h", "u"], ["b"]),
        helper.make_node("Add", ["a", "b"], ["s"]),
        helper.make_node("Tanh", ["s"], ["y"]),
        helper.make_node("Add", ["n", "one"], ["m"]),
    ]
    feed = {"x": random(2, 5), "h": random(2, 4), "n": np.zeros((), np.int64)}
    shapes: dict[str, list[int | str]] = {"x": ["batch", 5], "h": ["batch", 4]}
    constants = {"w": random(5, 4), "u": random(4, 4, seed=1), "one": np.array(1, np.int64)}
    return network(nodes, feed, ("y", "m"), shapes=shapes, constants=constants)


STATE = ["--state=y=h", "--state=m=n"]


def fed_back(
    model: onnx.ModelProto | Path, steps: Sequence[Mapping[str, Array]], state: Mapping[str, str]
) -> list[dict[str, Array]]:
    """What onnxruntime answers step by step; the first step has all inputs."""
    carried: dict[str, Array] = {}
    answers = []
    for step in steps:
        answers.append(reference(model, {**step, **carried}))
        carried = {name: answers[-1][output] for output, name in state.items()}
    return answers


@pytest.fixture(scope="module")
def recurrent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stream")
    onnx.save(recurrent_network(), folder / "model.onnx")
    return nncc.compile(folder / "model.onnx", folder / "model.wasm", flags=STATE)


def frames() -> list[dict[str, Array]]:
    steps = [{"x": random(1, 5, seed=i)} for i in range(6)]
    steps[0] |= {"h": np.zeros((1, 4), np.float32), "n": np.zeros((), np.int64)}
    return steps


def test_python(recurrent: Path) -> None:
    want = fed_back(recurrent_network(), frames(), {"y": "h", "m": "n"})
    model = nncc.load(recurrent)
    stream, other = model.stream(), model.stream()
    for _ in range(2):
        for frame, outputs in zip(frames(), want, strict=True):
            got = stream.run({"x": frame["x"]})
            np.testing.assert_allclose(got["y"], outputs["y"], rtol=1e-5)
            assert got["m"] == outputs["m"]
        stream.reset()
    assert other.run({"x": random(1, 5)})["m"] == 1
    with pytest.raises(nncc.ModuleError, match="no input 'z'"):
        model.stream({"y": "z"})


def test_javascript_and_wasi_nn(recurrent: Path, tmp_path: Path) -> None:
    x = np.stack([frame["x"] for frame in frames()])
    (tmp_path / "x.f32").write_bytes(x.tobytes())
    node = ROOT / "node_modules" / "node24" / "bin" / "node"
    script = [str(node) if node.exists() else "node", str(INPUTS / "stream.mjs")]
    command = [*script, str(recurrent), str(tmp_path / "x.f32")]
    answer = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    want = fed_back(recurrent_network(), frames(), {"y": "h", "m": "n"})
    for host in ("stream", "guest"):
        for got, outputs in zip(answer[host], want, strict=True):
            np.testing.assert_allclose(got, outputs["y"].ravel(), rtol=1e-5)


def test_gtcrn_frame_by_frame(tmp_path: Path) -> None:
    source = MODELS / "gtcrn-stream-simple" / "model.onnx"
    if not source.exists():
        pytest.skip("there is no gtcrn-stream-simple; NNCC_MODELS names a folder of networks")
    caches = ("conv_cache", "tra_cache", "inter_cache")
    flags = [f"--state={name}_out={name}" for name in caches]
    module = nncc.compile(source, tmp_path / "model.wasm", flags=flags)
    stream = nncc.load(module).stream()
    frames = np.load(source.parent / "sequence" / "stft_in.npy")
    expected = np.load(source.parent / "sequence" / "stft_out_ort.npy")
    got = [stream.run({"mix": frame.reshape(1, 257, 1, 2)})["enh"] for frame in frames]
    np.testing.assert_allclose(
        np.stack(got).reshape(expected.shape), expected, rtol=RTOL, atol=ATOL
    )


def test_language_model_token_by_token(tmp_path: Path) -> None:
    """Its caches grow with every token, up to what the model has positions for."""
    source = MODELS / "gpt2-toy-past-op11" / "model.onnx"
    if not source.exists():
        pytest.skip("there is no gpt2-toy-past-op11; NNCC_MODELS names a folder of networks")
    model = onnx.load(source)
    names = [item.name for item in model.graph.input if item.name.startswith("past_")]
    state = {name.replace("past", "present"): name for name in names}
    flags = [f"--state={output}={name}" for output, name in state.items()]
    module = nncc.compile(source, tmp_path / "model.wasm", flags=flags)
    stream = nncc.load(module).stream()
    steps: list[dict[str, Array]] = [{"input_ids": np.array([[i]], np.int64)} for i in range(5)]
    want = fed_back(source, [steps[0] | stream.state, *steps[1:]], state)
    for step, outputs in zip(steps, want, strict=True):
        got = stream.run(step)
        for name, value in outputs.items():
            np.testing.assert_allclose(got[name], value, rtol=RTOL, atol=ATOL)
    with pytest.raises(nncc.ModuleError, match="'seq_len'"):
        for step in steps:
            stream.run(step)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--state=z=h"], "no output 'z'"),
        (["--state=y=z"], "no input 'z'"),
        (["--state=y=n"], "another type or other sizes"),
        (["--state=y=x"], "another type or other sizes"),
        ([*STATE, "--state=y=h"], "takes another output already"),
        (["--state=y"], "expected OUTPUT=INPUT"),
        ([*STATE, "--emit=obj"], "keeps its state"),
    ],
)
def test_refused(flags: list[str], message: str, tmp_path: Path) -> None:
    onnx.save(recurrent_network(), tmp_path / "model.onnx")
    with pytest.raises(nncc.CompileError, match=message):
        nncc.compile(tmp_path / "model.onnx", tmp_path / "model.wasm", flags=flags)
