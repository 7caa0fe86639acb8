# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The option --full: also what has to be compiled for minutes, and all ops on a GPU."""

import contextlib
import os

import pytest

import naga


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="also run what takes minutes to compile")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "full: needs what takes minutes to compile")
    if config.getoption("--full"):
        os.environ.setdefault("NNCC_GPU", "1")
        with contextlib.suppress(naga.MissingNagaError):
            naga.program()
            os.environ.setdefault("NNCC_NAGA", "1")


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("full") and not item.config.getoption("--full"):
        pytest.skip("it needs what takes minutes to compile: ./dev test --full")
