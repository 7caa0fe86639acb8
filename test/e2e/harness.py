# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes networks, compiles them and compares what they answer with onnxruntime."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx.parser
import onnxruntime
from onnx import helper, numpy_helper

import naga
import nncc
from gpu import gpu_host

Array = npt.NDArray[Any]
Feeds = Mapping[str, Array]

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / "build" / "bin"
MODELS = Path(os.environ.get("NNCC_MODELS", ROOT.parent / "shared" / "models"))
RTOL, ATOL = 1e-3, 1e-4
# Of networks whose tensors are stored as f16.
HALF_TOLERANCE = 1e-2
# Also compile and run everything that is checked for WebGPU; "f16" does so with --f16.
GPU_FLAGS = {
    "1": ["--target=webgpu"],
    "f16": ["--target=webgpu", "--f16"],
}.get(os.environ.get("NNCC_GPU", ""), [])
ON_GPU = GPU_FLAGS != []
# Also ask naga about the kernels of all that.
WITH_NAGA = os.environ.get("NNCC_NAGA", "") == "1"


def network(
    nodes: Sequence[onnx.NodeProto],
    inputs: Feeds,
    outputs: Sequence[str] = ("y",),
    *,
    shapes: Mapping[str, Sequence[int | str]] | None = None,
    constants: Feeds | None = None,
    opset: int = 17,
) -> onnx.ModelProto:
    """A model whose inputs have the types of `inputs`; `shapes` opens sizes by name."""
    shapes = shapes or {}
    graph = helper.make_graph(
        list(nodes),
        "g",
        [
            helper.make_tensor_value_info(
                name,
                helper.np_dtype_to_tensor_dtype(array.dtype),
                list(shapes.get(name, array.shape)),
            )
            for name, array in inputs.items()
        ],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        [numpy_helper.from_array(np.asarray(a), name) for name, a in (constants or {}).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def parse(graph: str) -> onnx.ModelProto:
    """The model of a graph in ONNX's textual form."""
    return onnx.parser.parse_model('<ir_version: 8, opset_import: ["" : 17]>\n' + graph)


def number(value: int) -> Array:
    """A scalar i64, such as a number of steps."""
    return np.array(value, np.int64)


def reference(
    model: onnx.ModelProto | Path, feeds: Feeds, optimise: bool = False
) -> dict[str, Array]:
    """What onnxruntime answers, with or without its own optimisations."""
    options = onnxruntime.SessionOptions()
    if not optimise:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    source = str(model) if isinstance(model, Path) else model.SerializeToString()
    session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, dict(feeds)), strict=True))


def compiled(model: onnx.ModelProto, folder: Path, flags: Sequence[str] = ()) -> nncc.Model:
    """The model, compiled and loaded."""
    onnx.save(model, folder / "model.onnx")
    nncc.compile(folder / "model.onnx", folder / "model.wasm", flags=flags)
    return nncc.load(folder / "model.wasm")


def check(
    model: onnx.ModelProto,
    folder: Path,
    *feeds: Feeds,
    flags: Sequence[str] = (),
    rtol: float = RTOL,
    atol: float = ATOL,
    on_gpu: bool = True,
) -> nncc.Model:
    """Compiles `model` once and compares it with onnxruntime on each of `feeds`.

    With `on_gpu` false a network of which no part can run on a GPU is spared that.
    """
    onnx.save(model, folder / "model.onnx")
    nncc.compile(folder / "model.onnx", folder / "model.wasm", flags=flags)
    compiled = nncc.load(folder / "model.wasm")
    names = [item.name for item in compiled.inputs]
    on_gpu &= ON_GPU
    if on_gpu:
        nncc.compile(folder / "model.onnx", folder / "gpu.wasm", flags=[*flags, *GPU_FLAGS])
        if WITH_NAGA:
            naga.check(naga.texts_of(folder / "gpu.wasm").values())
    for feed in feeds:
        expected = reference(model, feed)
        got = compiled.run(feed)
        assert got.keys() == expected.keys()
        compare(got, expected, rtol, atol)
        # WGSL has no doubles.
        if on_gpu and not any(a.dtype == np.float64 for a in (*feed.values(), *expected.values())):
            outputs = gpu_host().run(folder / "gpu.wasm", [feed[name] for name in names])
            if "--f16" in GPU_FLAGS:
                rtol, atol = max(rtol, HALF_TOLERANCE), max(atol, HALF_TOLERANCE)
            compare(dict(zip(expected, outputs, strict=True)), expected, rtol, atol)
    return compiled


def compile_for_gpu(model: onnx.ModelProto, folder: Path, *flags: str) -> Path:
    """The module for WebGPU."""
    onnx.save(model, folder / "model.onnx")
    flags = ("--target=webgpu", *flags)
    return nncc.compile(folder / "model.onnx", folder / "gpu.wasm", flags=flags)


def check_on_gpu(model: onnx.ModelProto, module: Path, feeds: Sequence[Feeds]) -> None:
    """Compares what a compiled `module` answers on a GPU, loaded once, with onnxruntime."""
    names = [item.name for item in model.graph.input]
    answers = gpu_host().run_all(module, [[feed[name] for name in names] for feed in feeds])
    for feed, outputs in zip(feeds, answers, strict=True):
        expected = reference(model, feed)
        compare(dict(zip(expected, outputs, strict=True)), expected, RTOL, ATOL)


def compare(got: Feeds, expected: Feeds, rtol: float, atol: float) -> None:
    """Types, shapes and elements."""
    for name, want in expected.items():
        assert got[name].dtype == want.dtype, name
        assert got[name].shape == want.shape, name
        np.testing.assert_allclose(got[name], want, rtol=rtol, atol=atol, err_msg=name)


def node_program() -> Path:
    """The pinned Node, or the system's."""
    pinned = ROOT / "node_modules" / "node24" / "bin" / "node"
    return pinned if pinned.exists() else Path("node")


def nncc_run(*args: str | Path, node: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Calls nncc-run, with another Node where one is given."""
    environment = dict(os.environ) | ({"NNCC_NODE": str(node)} if node else {})
    command = [str(BIN / "nncc-run"), *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def gpu_problem() -> str:
    """Why nothing can be run on a GPU here; empty when it can."""
    command = [str(BIN / "nncc"), "--help"]
    usage = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return gpu_host().problem if "webgpu" in usage else "built without the target webgpu"


def save_data(folder: Path, inputs: Sequence[Array], outputs: Sequence[Array]) -> None:
    """input_N.pb and output_N.pb, as ONNX's own tests have them."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind, arrays in (("input", inputs), ("output", outputs)):
        for i, array in enumerate(arrays):
            content = numpy_helper.from_array(np.asarray(array)).SerializeToString()
            (folder / f"{kind}_{i}.pb").write_bytes(content)


def random(*shape: int, seed: int = 0) -> Array:
    """Normal f32 numbers."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
