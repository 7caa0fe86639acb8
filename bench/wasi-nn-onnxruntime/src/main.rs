// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//! Wasmtime's own wasi-nn with ONNX Runtime, which no package brings, to be measured beside.
//!
//!     wasi-nn-onnxruntime compile GUEST.wasm GUEST.cwasm
//!     wasi-nn-onnxruntime FOLDER GUEST.cwasm ARGUMENT...
//!
//! The folder holds model.onnx; guests find it by the folder's name.

use std::path::Path;

use wasmtime::error::Context;
use wasmtime::{Engine, Linker, Module, Result, Store};
use wasmtime_wasi::p1::{self, WasiP1Ctx};
use wasmtime_wasi::{I32Exit, WasiCtxBuilder};
use wasmtime_wasi_nn::backend::{BackendInner, onnx::OnnxBackend};
use wasmtime_wasi_nn::witx::{self, WasiNnCtx};
use wasmtime_wasi_nn::{Backend, InMemoryRegistry};

struct State {
    wasi: WasiP1Ctx,
    nn: WasiNnCtx,
}

fn run(engine: &Engine, folder: &str, arguments: &[String]) -> Result<()> {
    let mut onnx = OnnxBackend::default();
    let mut registry = InMemoryRegistry::new();
    let loadable = onnx.as_dir_loadable().context("it loads no folders")?;
    registry.load(loadable, Path::new(folder))?;
    let mut linker = Linker::<State>::new(engine);
    p1::add_to_linker_sync(&mut linker, |state| &mut state.wasi)?;
    witx::add_to_linker(&mut linker, |state| &mut state.nn)?;
    let wasi = WasiCtxBuilder::new().inherit_stdio().args(arguments).build_p1();
    let nn = WasiNnCtx::new([Backend::from(onnx)], registry.into());
    let mut store = Store::new(engine, State { wasi, nn });
    // SAFETY: compile() wrote it.
    let module = unsafe { Module::deserialize_file(engine, &arguments[0])? };
    let instance = linker.instantiate(&mut store, &module)?;
    instance.get_typed_func::<(), ()>(&mut store, "_start")?.call(&mut store, ())
}

fn compile(engine: &Engine, guest: &str, output: &str) -> Result<()> {
    Ok(std::fs::write(output, engine.precompile_module(&std::fs::read(guest)?)?)?)
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let engine = Engine::default();
    match &arguments[..] {
        [word, guest, output] if word == "compile" => compile(&engine, guest, output),
        [folder, guest @ ..] => match run(&engine, folder, guest) {
            Err(error) if error.downcast_ref::<I32Exit>().is_some() => Ok(()),
            done => done,
        },
        [] => wasmtime::error::bail!("which model?"),
    }
}
