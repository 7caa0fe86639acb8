# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The report: as JSON, and as the page in a browser."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

import nncc
from harness import network, nncc_run, random
from light_models import LIGHT_FOLDER
from test_modules import mixed_network


def make_report(folder: Path, name: str, *flags: str, batch: int | str = 2) -> str:
    model, _ = mixed_network(batch)
    onnx.save(model, folder / "model.onnx")
    report = folder / name
    flags = (f"--report={report}", *flags)
    nncc.compile(folder / "model.onnx", folder / "model.wasm", flags=flags)
    return report.read_text()


def open_page(page: Path) -> str:
    """What Chromium makes of a page, as HTML."""
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("needs Chromium (the Debian package chromium)")
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={page.parent / 'user'}",
    ]
    command = [browser, *flags, "--virtual-time-budget=5000", "--dump-dom", f"{page.as_uri()}#1"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return done.stdout


@pytest.mark.parametrize(("target", "device"), [("wasm", "cpu"), ("webgpu", "gpu")])
def test_report_says_where_nodes_run(target: str, device: str, tmp_path: Path) -> None:
    report = json.loads(make_report(tmp_path, "report.json", f"--target={target}"))
    assert {node["device"] for node in report["placement"]} == {device}


def image_network() -> onnx.ModelProto:
    """A convolution and a pool of padded images, a classifier."""
    image = random(1, 3, 16, 16)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("MaxPool", ["r"], ["p"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        helper.make_node("GlobalAveragePool", ["p"], ["g"]),
        helper.make_node("Flatten", ["g"], ["f"]),
        helper.make_node("Gemm", ["f", "m"], ["l"]),
        helper.make_node("Softmax", ["l"], ["y"]),
    ]
    weights = {"w": random(8, 3, 3, 3), "m": random(8, 10)}
    return network(nodes, {"x": image}, ["y"], constants=weights)


def attention_network() -> onnx.ModelProto:
    """Attention of four heads, as exporters write it."""
    nodes = []
    for name, order in {"q": [0, 2, 1, 3], "k": [0, 2, 3, 1], "v": [0, 2, 1, 3]}.items():
        nodes += [
            helper.make_node("MatMul", ["x", f"w{name}"], [f"{name}0"]),
            helper.make_node("Reshape", [f"{name}0", "heads"], [f"{name}1"]),
            helper.make_node("Transpose", [f"{name}1"], [name], perm=order),
        ]
    nodes += [
        helper.make_node("MatMul", ["q", "k"], ["s"]),
        helper.make_node("Softmax", ["s"], ["p"]),
        helper.make_node("MatMul", ["p", "v"], ["o"]),
        helper.make_node("Transpose", ["o"], ["t"], perm=[0, 2, 1, 3]),
        helper.make_node("Reshape", ["t", "joined"], ["y"]),
    ]
    weights = {f"w{name}": random(32, 32, seed=i) for i, name in enumerate("qkv")}
    shapes = {"heads": np.array([0, 0, 4, 8]), "joined": np.array([0, 0, 32])}
    return network(nodes, {"x": random(1, 12, 32)}, ["y"], constants={**weights, **shapes})


@pytest.mark.parametrize(("make", "most"), [(image_network, 5), (attention_network, 6)])
def test_gpu_needs_few_dispatches(
    make: Callable[[], onnx.ModelProto], most: int, tmp_path: Path
) -> None:
    onnx.save(make(), tmp_path / "model.onnx")
    flags = ("--target=webgpu", f"--report={tmp_path / 'report.json'}")
    nncc.compile(tmp_path / "model.onnx", tmp_path / "model.wasm", flags=flags)
    report = json.loads((tmp_path / "report.json").read_text())
    assert len(report["dispatches"]) <= most


def test_report_counts_all_blocks_of_an_image(tmp_path: Path) -> None:
    # Minimal filtering walks a large image in blocks of rows.
    feed = {"x": random(1, 64, 56, 56)}
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"], pads=[1] * 4)]
    model = network(nodes, feed, ("y",), constants={"w": random(64, 64, 3, 3, seed=1)})
    onnx.save(model, tmp_path / "model.onnx")
    report = tmp_path / "report.json"
    nncc.compile(tmp_path / "model.onnx", tmp_path / "model.wasm", flags=(f"--report={report}",))
    products = 16 * 28 * 28 * 64 * 64
    assert json.loads(report.read_text())["flops"] >= 2 * products


def test_report_has_the_memory_plan(tmp_path: Path) -> None:
    report = json.loads(make_report(tmp_path, "report.json"))
    assert [node["op"] for node in report["placement"]][:2] == ["Conv", "Sigmoid"]
    assert report["placement"][1]["inputs"] == [0]
    for buffer in report["buffers"]:
        assert buffer["offset"] + buffer["bytes"] <= report["arena_bytes"]
        assert 0 <= buffer["uses"][0] <= buffer["uses"][-1] < len(report["dispatches"])
    # Buffers in use at a time do not overlap.
    for i, a in enumerate(report["buffers"]):
        for b in report["buffers"][:i]:
            if a["uses"][0] <= b["uses"][-1] and b["uses"][0] <= a["uses"][-1]:
                assert (
                    a["offset"] + a["bytes"] <= b["offset"]
                    or b["offset"] + b["bytes"] <= a["offset"]
                )


@pytest.mark.parametrize("name", ["squeezenet", "shufflenet", "densenet121"])
def test_memory_is_near_the_largest_live_set(name: str, tmp_path: Path) -> None:
    report_file = tmp_path / "report.json"
    model = LIGHT_FOLDER / f"light_{name}.onnx"
    nncc.compile(model, tmp_path / "model.wasm", flags=(f"--report={report_file}",))
    report = json.loads(report_file.read_text())
    live = [0] * len(report["dispatches"])
    for buffer in report["buffers"]:
        for dispatch in range(buffer["uses"][0], buffer["uses"][-1] + 1):
            live[dispatch] += buffer["bytes"]
    assert max(live) <= report["arena_bytes"] <= 1.3 * max(live)


def test_page_shows_all_parts(tmp_path: Path) -> None:
    make_report(tmp_path, "plain.html")
    trace = tmp_path / "trace.json"
    assert nncc_run(tmp_path / "model.wasm", f"--profile={trace}", "--bench=0").returncode == 0
    text = make_report(tmp_path, "report.html", f"--report-profile={trace}")
    assert not re.search(r'(src|href)="', text), "the page needs nothing else"
    page = open_page(tmp_path / "report.html")
    assert 'data-ready="yes"' in page
    assert "Times were measured" in page
    dispatches = int(re.search(r"<dt>Dispatches</dt><dd>(\d+)", page)[1])  # type: ignore[index]
    assert page.count('class="bar') == dispatches
    assert "Conv · Sigmoid" in page
    assert page.count('class="buffer') > 2
    assert "% of peak" in page
    # The address selects the first dispatch, in all views.
    assert page.count('class="bar selected"') == 1
    assert 'class="card selected"' in page and 'class="buffer selected"' in page


def test_page_estimates_for_open_sizes(tmp_path: Path) -> None:
    make_report(tmp_path, "report.html", batch="batch")
    page = open_page(tmp_path / "report.html")
    assert 'data-ready="yes"' in page
    assert "Times are estimated" in page
    assert "batch <input" in page
    assert "NaN" not in page[: page.index("<script")]
