# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Puts figures of a bench into the tables that the documentation has of them.

Only tables with the columns below are touched, and only rows whose first cell is the
name of what was measured: which networks a page shows, and in what order, is its own.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

COLUMNS = ["nncc", "onnxruntime-web", "faster"]
Row = Mapping[str, Any]  # of bench.py


def update(page: Path, rows: list[Row]) -> list[str]:
    """Rewrites the page; the names that stand in its tables."""
    measured = {str(row["name"]): row for row in rows if "error" not in row}
    lines = page.read_text().splitlines(keepends=True)
    updated = []
    in_table = False
    for i, line in enumerate(lines):
        cells = split(line)
        in_table = cells[1:4] == COLUMNS or (in_table and bool(cells))
        if in_table and cells[0] in measured:
            lines[i] = "| " + " | ".join(new_cells(cells, measured[cells[0]])) + " |\n"
            updated.append(cells[0])
    page.write_text("".join(lines))
    return updated


def split(line: str) -> list[str]:
    """The cells of a row of a table; none for other lines."""
    row = re.fullmatch(r"\|(.*)\|\n?", line)
    return [cell.strip() for cell in row[1].split("|")] if row else []


def new_cells(cells: list[str], row: Row) -> list[str]:
    times = [number(row["nncc_ms"]), number(row["ort_ms"])]
    return [cells[0], *times, f"{row['ratio']:.1f}x", *(share(old, row) for old in cells[4:])]


def share(old: str, row: Row) -> str:
    """Percent of the peak; a dash stays where the page says that none is to be had."""
    if old == "-" or not row["flops"]:
        return "-"
    return f"{100 * row['flops'] / row['nncc_ms'] / 1e6 / row['peak_mul_add']:.0f}"


def number(milliseconds: float) -> str:
    """Three digits, as far as they tell something."""
    places = 3 if milliseconds < 1 else 2 if milliseconds < 10 else 1 if milliseconds < 100 else 0
    return f"{milliseconds:.{places}f}"
