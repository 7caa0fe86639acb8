# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Figures of the bench get into the tables of its kind, and into no others."""

from pathlib import Path

import figures

PAGE = """| network | nncc | onnxruntime-web | faster | % of peak |
|---|---|---|---|---|
| resnet50 | 1.00 | 2.00 | 2.0x | 50 |
| winograd | 1.00 | 2.00 | 2.0x | - |
| unknown | 1.00 | 2.00 | 2.0x | 50 |

| network | one thread | two | faster |
|---|---|---|---|
| resnet50 | 1.00 | 0.50 | 2.0x |
"""
ROW = {"nncc_ms": 100.4, "ort_ms": 251.0, "ratio": 2.5, "flops": 3.0e9, "peak_mul_add": 60.0}


def test_only_tables_of_the_bench_change(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    rows = [{"name": name, **ROW} for name in ("resnet50", "winograd", "elsewhere")]
    assert figures.update(page, [*rows, {"name": "unknown", "error": "refused"}]) == [
        "resnet50",
        "winograd",
    ]
    expected = PAGE.replace(
        "| resnet50 | 1.00 | 2.00 | 2.0x | 50 |", "| resnet50 | 100 | 251 | 2.5x | 50 |"
    ).replace("| winograd | 1.00 | 2.00 | 2.0x | - |", "| winograd | 100 | 251 | 2.5x | - |")
    assert page.read_text() == expected
