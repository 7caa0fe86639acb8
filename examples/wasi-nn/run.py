# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Builds one of the examples, links it with its model and runs it in wasmtime.

usage: run.py image-c [FILE.pgm] | image-rust [FILE.pgm] | text [FILE.txt]
       run.py server          builds an HTTP server and starts it (program: wasmtime)
       run.py page            builds a web page with the C examples and serves it
       run.py build-page      only builds it
"""

import http.server
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import wasmtime

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = ROOT / "build" / "examples" / "wasi-nn"
SITE = BUILD / "site"
# By the name of an example: its model and the input that it gets without another.
EXAMPLES = {
    "image-c": ("digits", HERE / "digit.pgm"),
    "image-rust": ("digits", HERE / "digit.pgm"),
    "text": ("languages", HERE / "sentence.txt"),
}


def call(*command: str | Path) -> None:
    subprocess.run([str(part) for part in command], check=True)


def build_model(name: str) -> Path:
    """Trains the network unless it is there, and compiles it."""
    source = BUILD / f"{name}.onnx"
    if not source.exists():
        BUILD.mkdir(parents=True, exist_ok=True)
        if name == "digits":
            call(sys.executable, ROOT / "demo" / "train_digits.py", BUILD)
        else:
            call(sys.executable, HERE / "train_languages.py", source)
    module = BUILD / f"{name}.wasm"
    call(ROOT / "build" / "bin" / "nncc", source, "-o", module)
    return module


def build_c(name: str) -> Path:
    """A C program for WASI, with Debian's clang and wasi-libc."""
    libraries = "/usr/lib/wasm32-wasi"
    builtins = next(Path("/usr/lib/llvm-19").glob("**/libclang_rt.builtins-wasm32.a"))
    obj, guest = BUILD / f"{name}.o", BUILD / f"{name}-c.guest.wasm"
    source = HERE / f"{name}.c"
    call("clang-19", "--target=wasm32-wasi", "-O2", "-Wall", "-c", source, "-o", obj)
    start = f"{libraries}/crt1-command.o"
    call("wasm-ld-19", f"-L{libraries}", start, obj, "-lc", builtins, "-o", guest)
    return guest


def build_rust(folder: str, target: str) -> Path:
    """The folder of what cargo makes for the target."""
    manifest = HERE / folder / "Cargo.toml"
    flags = ["--quiet", "--release", "--locked", f"--target={target}"]
    output = BUILD / "cargo"
    call("cargo", "build", *flags, f"--manifest-path={manifest}", f"--target-dir={output}")
    return output / target / "release"


def build_guest(example: str) -> Path:
    BUILD.mkdir(parents=True, exist_ok=True)
    if example == "image-rust":
        return build_rust("image-rust", "wasm32-wasip1") / "image.wasm"
    return build_c(example.removesuffix("-c"))


def run(program: Path, stdin: Path) -> int:
    """Runs a WASI program that needs nothing but its standard streams."""
    engine = wasmtime.Engine()
    store = wasmtime.Store(engine)
    config = wasmtime.WasiConfig()
    config.stdin_file = str(stdin)
    config.inherit_stdout()
    config.inherit_stderr()
    store.set_wasi(config)
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    instance = linker.instantiate(store, wasmtime.Module.from_file(engine, str(program)))
    start = instance.exports(store)["_start"]
    assert isinstance(start, wasmtime.Func)
    try:
        start(store)
    except wasmtime.ExitTrap as trap:
        return trap.code
    return 0


def run_example(example: str, inputs: list[str]) -> int:
    model, default = EXAMPLES[example]
    app = BUILD / f"{example}.wasm"
    call(ROOT / "build/bin/nncc", "link", build_guest(example), build_model(model), "-o", app)
    return run(app, Path(inputs[0]) if inputs else default)


def build_server() -> Path:
    """An HTTP component with its model in it."""
    guest = build_rust("server", "wasm32-wasip2") / "server.wasm"
    server = BUILD / "server.wasm"
    call(ROOT / "build/bin/nncc", "link", guest, build_model("digits"), "-o", server)
    return server


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
        case [("image-c" | "image-rust" | "text") as example, *inputs] if len(inputs) < 2:
            return run_example(example, inputs)
        case ["server"]:
            call("wasmtime", "serve", "-S", "cli", build_server())
        case ["page"]:
            serve_page()
        case ["build-page"]:
            build_page()
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
