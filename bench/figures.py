# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Puts figures of a bench into the tables that the documentation has of them.

Only tables with the columns below are touched, and only rows whose first cell is the
name of what was measured: which networks a page shows, and in what order, is its own.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]  # of bench.py


@dataclass
class Table:
    columns: list[str]  # the first ones after the names
    cells: Callable[[list[str], Row], list[str]]  # from the old ones, all after the name


def update(page: Path, rows: Sequence[Row], table: Table) -> list[str]:
    """Rewrites the page; the names that stand in its tables."""
    measured = {str(row["name"]): row for row in rows if "error" not in row}
    lines = page.read_text().splitlines(keepends=True)
    updated = []
    in_table = False
    for i, line in enumerate(lines):
        cells = split(line)
        is_heading = cells[1 : 1 + len(table.columns)] == table.columns
        in_table = is_heading or (in_table and bool(cells))
        if in_table and cells[0] in measured:
            new = table.cells(cells[1:], measured[cells[0]])
            lines[i] = "| " + " | ".join([cells[0], *new]) + " |\n"
            updated.append(cells[0])
    page.write_text("".join(lines))
    return updated


def split(line: str) -> list[str]:
    """The cells of a row of a table; none for other lines."""
    row = re.fullmatch(r"\|(.*)\|\n?", line)
    return [cell.strip() for cell in row[1].split("|")] if row else []


def run_cells(old: list[str], row: Row) -> list[str]:
    times = [number(row["nncc_ms"]), number(row["ort_ms"])]
    return [*times, f"{row['ratio']:.1f}x", *(share(cell, row) for cell in old[3:])]


def share(old: str, row: Row) -> str:
    """Percent of the peak; a dash stays where the page says that none is to be had."""
    if old == "-" or not row["flops"]:
        return "-"
    return f"{100 * row['flops'] / row['nncc_ms'] / 1e6 / row['peak_mul_add']:.0f}"


def start_cells(_: list[str], row: Row) -> list[str]:
    keys = ("nncc_first_ms", "nncc_least_ms", "ort_first_ms", "ort_least_ms")
    size = f"{row['code_bytes'] / 1024:.0f}"
    return [*(number(row[key]) for key in keys), size, f"{row['compile_s']:.1f}"]


def number(milliseconds: float) -> str:
    """Three digits, as far as they tell something."""
    places = 3 if milliseconds < 1 else 2 if milliseconds < 10 else 1 if milliseconds < 100 else 0
    return f"{milliseconds:.{places}f}"


RUNS = Table(["nncc", "onnxruntime-web", "faster"], run_cells)
STARTS = Table(["nncc", "least", "onnxruntime-web", "least", "gzip KB", "compile s"], start_cells)
