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

| network | nncc | least | onnxruntime-web | least | gzip KB | compile s |
|---|---|---|---|---|---|---|
| resnet50 | 1.00 | 1.00 | 2.00 | 2.00 | 1 | 1.0 |
"""
ROW = {"nncc_ms": 100.4, "ort_ms": 251.0, "ratio": 2.5, "flops": 3.0e9, "peak_mul_add": 60.0}
START = {"name": "resnet50", "nncc_first_ms": 45.67, "nncc_least_ms": 40.0, "ort_first_ms": 400.4}
START |= {"ort_least_ms": 350.0, "code_bytes": 20480, "compile_s": 3.21}


def test_only_tables_of_the_bench_change(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    rows = [{"name": name, **ROW} for name in ("resnet50", "winograd", "elsewhere")]
    rows.append({"name": "unknown", "error": "refused"})
    assert figures.update(page, rows, figures.RUNS) == ["resnet50", "winograd"]
    expected = PAGE.replace(
        "| resnet50 | 1.00 | 2.00 | 2.0x | 50 |", "| resnet50 | 100 | 251 | 2.5x | 50 |"
    ).replace("| winograd | 1.00 | 2.00 | 2.0x | - |", "| winograd | 100 | 251 | 2.5x | - |")
    assert page.read_text() == expected


def test_first_results_have_a_table_of_their_own(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    assert figures.update(page, [START], figures.STARTS) == ["resnet50"]
    old = "| resnet50 | 1.00 | 1.00 | 2.00 | 2.00 | 1 | 1.0 |"
    new = "| resnet50 | 45.7 | 40.0 | 400 | 350 | 20 | 3.2 |"
    assert page.read_text() == PAGE.replace(old, new)
