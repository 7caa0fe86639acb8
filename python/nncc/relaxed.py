# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Second forms of a module's kernels, with relaxed SIMD (docs/module-format.md)."""

import platform
import time
from collections.abc import Callable, Mapping
from typing import cast

import wasmtime

SECTION = b"nncc.relaxed-simd"
DOT_SECTION = b"nncc.relaxed-dots"
TABLE = "__indirect_function_table"

# There is little between CPUs that gain nothing and those that gain half or more.
WORTHWHILE = 1.2
COUNT, FACTOR, ROUNDS = 1 << 16, 1e-9, 4
# There wasmtime's multiply-adds overwrite a factor, which other products need, instead of
# the sum: what copies it costs more than an addition. The probes need no copies.
OVERWRITES_FACTORS = platform.machine() in ("x86_64", "AMD64")
_verdict: list[bool] = []

Variants = Mapping[str, object]


def use_variants(
    store: wasmtime.Store, instance: wasmtime.Instance, code: bytes, relaxed: bool | None
) -> bool:
    """Puts the variants that `code` carries into its instance's table.

    `relaxed` says whether to; None: where they are faster. Products of bytes are
    used only where they are exact. Returns whether any are used. Raises
    wasmtime.WasmtimeError.
    """
    if relaxed is False:
        return False

    def is_faster(variants: Variants) -> bool:
        return relaxed is True or _is_faster_here(store, variants)

    sums = _use_section(store, instance, code, SECTION, is_faster)
    dots = _use_section(
        store, instance, code, DOT_SECTION, lambda variants: _is_exact_here(store, variants)
    )
    return sums or dots


def _use_section(
    store: wasmtime.Store,
    instance: wasmtime.Instance,
    code: bytes,
    name: bytes,
    accept: Callable[[Variants], bool],
) -> bool:
    section = custom_section(code, name)
    if section is None or not _is_valid(store.engine, section):
        return False
    exports = instance.exports(store)
    module = wasmtime.Module(store.engine, section)
    variants = wasmtime.Instance(store, module, [exports["memory"]]).exports(store)
    if not accept(variants):
        return False
    table = cast(wasmtime.Table, exports[TABLE])
    for slot in variants:
        if slot.isdecimal():
            table.set(store, int(slot), cast(wasmtime.Func, variants[slot]))
    return True


def custom_section(code: bytes, name: bytes) -> bytes | None:
    """What a module's custom section of that name holds; None if it has none."""
    at = 8
    while at < len(code):
        kind = code[at]
        size, begin = _leb128(code, at + 1)
        at = begin + size
        if kind != 0:
            continue
        length, text = _leb128(code, begin)
        if code[text : text + length] == name:
            return code[text + length : at]
    return None


def _leb128(code: bytes, at: int) -> tuple[int, int]:
    """An unsigned number and where the next thing begins."""
    value = shift = 0
    while True:
        byte = code[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def _is_valid(engine: wasmtime.Engine, section: bytes) -> bool:
    try:
        wasmtime.Module.validate(engine, section)
    except wasmtime.WasmtimeError:
        return False
    return True


def _is_exact_here(store: wasmtime.Store, variants: Variants) -> bool:
    """Sums of two products saturate in some engines, and others take bytes as signed."""
    probe = cast(wasmtime.Func, variants["probe_dot"])
    return all(probe(store, x, 255) == 4 * x * 255 for x in (-128, 127))


def _is_faster_here(store: wasmtime.Store, variants: Variants) -> bool:
    """Measured once in a process, in about a millisecond: all modules have these probes."""

    def seconds(name: str) -> float:
        probe = cast(wasmtime.Func, variants[name])
        begin = time.perf_counter()
        probe(store, COUNT, FACTOR)
        return time.perf_counter() - begin

    if OVERWRITES_FACTORS:
        return False
    if not _verdict:
        plain = min(seconds("probe_plain") for _ in range(ROUNDS))
        relaxed = min(seconds("probe_relaxed") for _ in range(ROUNDS))
        _verdict.append(plain > WORTHWHILE * relaxed)
    return _verdict[0]
