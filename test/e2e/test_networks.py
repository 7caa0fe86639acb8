# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Whole networks: the onnx wheel's light set, and published ones where they are at hand."""

from pathlib import Path

import onnx
import pytest

import nncc
from harness import BIN, MODELS, gpu_problem, nncc_run, reference, save_data
from light_models import LIGHT_FOLDER, randomized

LIGHT = sorted(path.stem for path in LIGHT_FOLDER.glob("*.onnx"))

# Folders of published networks whose ops this version supports.
PUBLISHED = [
    "mnist-8",
    "hyperlpr-cls-96",
    "yolox-nano-416",
    "yunet-120x160",
    "deeplabv3-mnv2-257",
    "sci-180x320",
    "super-resolution-10",
    "style-fns-candy-winml",
    "silero-vad-v2-transformer",
    "gtcrn-stream-simple",
    "chessgpt-op17",
    "bert-toy-optimized",
    "gpt2-toy-nopast-op11",
    "gpt2-toy-past-op11",
    "attention-past-state",
    "gqa-prefill-rope",
    "byte-sentence-bilstm",
    "cntk-bilstm",
    "cntk-birnn",
    "magika-v3-3",
    "silero-vad-v4",
    "lgbm-clf-hummingbird",
    "lgbm-reg-hummingbird",
]
# Of them, those that a GPU which is none runs in a moment.
QUICK_ON_GPU = [
    "mnist-8",
    "hyperlpr-cls-96",
    "yunet-120x160",
    "sci-180x320",
    "silero-vad-v2-transformer",
    "chessgpt-op17",
    "bert-toy-optimized",
    "gpt2-toy-nopast-op11",
    "gpt2-toy-past-op11",
]
# Where the expected output carries rounding errors of its own: onnxruntime sums
# 640,000 elements in one f32 there, and its other versions miss its own output
# by 0.06.
LOOSER = {"style-fns-candy-winml": ["--atol", "2e-3"]}
needs_models = pytest.mark.skipif(not MODELS.is_dir(), reason="the published networks are not here")


@pytest.mark.parametrize("name", LIGHT)
def test_light(name: str, tmp_path: Path) -> None:
    model, feed = randomized(LIGHT_FOLDER / f"{name}.onnx")
    onnx.save(model, tmp_path / "model.onnx")
    expected = reference(model, feed)
    save_data(tmp_path / "data", list(feed.values()), list(expected.values()))
    nncc.compile(tmp_path / "model.onnx", tmp_path / "model.wasm")
    done = nncc_run(tmp_path / "model.wasm", "--data", tmp_path / "data")
    assert done.returncode == 0, done.stdout + done.stderr


@needs_models
@pytest.mark.parametrize("name", PUBLISHED)
def test_published(name: str, tmp_path: Path) -> None:
    module = nncc.compile(MODELS / name / "model.onnx", tmp_path / "model.wasm")
    data = sorted((MODELS / name).glob("test_data_set_*"))
    assert data
    for folder in data:
        done = nncc_run(module, "--data", folder, *LOOSER.get(name, []))
        assert done.returncode == 0, done.stdout + done.stderr


@needs_models
@pytest.mark.parametrize("name", QUICK_ON_GPU)
def test_published_on_gpu(name: str, tmp_path: Path) -> None:
    if problem := gpu_problem():
        pytest.skip(problem)
    model = MODELS / name / "model.onnx"
    flags = ["--target=webgpu", "--require-gpu", "--no-fallback"]
    module = nncc.compile(model, tmp_path / "model.wasm", flags=flags)
    done = nncc_run(module, "--device=gpu", "--data", MODELS / name / "test_data_set_0")
    assert done.returncode == 0, done.stdout + done.stderr


def test_compiler_is_built() -> None:
    assert (BIN / "nncc").is_file()
