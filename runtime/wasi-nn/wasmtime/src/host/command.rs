// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//! Runs a guest that is a command.

use std::process::ExitCode;

use nncc_wasi_nn::{Compiler, Ephemeral, Models, Program};
use wasmtime::component::{self, Component};
use wasmtime::{Linker, Module, Result, Store};
use wasmtime_wasi::p2::bindings::sync::Command;
use wasmtime_wasi::{I32Exit, p1};

use super::{Options, State, wasi};

/// What belongs to a core module.
struct CoreState {
    wasi: p1::WasiP1Ctx,
    nn: Ephemeral,
}

/// Runs the guest to its end; the answer is its exit code.
pub fn run(
    compiler: &Compiler, program: &Program, models: Models, options: &Options,
) -> Result<ExitCode> {
    let done = match program {
        Program::Module(module) => run_module(compiler, module, &models, options),
        Program::Component(component) => run_component(compiler, component, &models, options),
    };
    match done.as_ref().map_err(|error| error.downcast_ref::<I32Exit>()) {
        Err(Some(I32Exit(code))) => Ok(ExitCode::from(*code as u8)),
        _ => done,
    }
}

fn run_module(
    compiler: &Compiler, module: &Module, models: &Models, options: &Options,
) -> Result<ExitCode> {
    let mut linker = Linker::<CoreState>::new(compiler.engine());
    p1::add_to_linker_sync(&mut linker, |state| &mut state.wasi)?;
    nncc_wasi_nn::add_to_linker(&mut linker, |state| &mut state.nn)?;
    let state = CoreState { wasi: wasi(options)?.build_p1(), nn: Ephemeral::new(models.clone()) };
    let mut store = Store::new(compiler.engine(), state);
    let instance = linker.instantiate(&mut store, module)?;
    instance.get_typed_func::<(), ()>(&mut store, "_start")?.call(&mut store, ())?;
    Ok(ExitCode::SUCCESS)
}

fn run_component(
    compiler: &Compiler, component: &Component, models: &Models, options: &Options,
) -> Result<ExitCode> {
    let mut linker = component::Linker::<State>::new(compiler.engine());
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
    nncc_wasi_nn::add_interfaces_to_linker(&mut linker, State::nn)?;
    let mut store = Store::new(compiler.engine(), State::new(models, options)?);
    let command = Command::instantiate(&mut store, component, &linker)?;
    let done = command.wasi_cli_run().call_run(&mut store)?;
    Ok(done.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS))
}
