// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//! What a guest finds around itself: WASI, and wasi-nn with models of nncc.

mod command;
mod server;

use std::ffi::OsString;

use nncc_wasi_nn::{Models, View};
use wasmtime::Result;
use wasmtime::component::ResourceTable;
use wasmtime::error::Context;
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

pub use command::run;
pub use server::serve;

/// What a guest is given.
#[derive(Clone, Default)]
pub struct Options {
    /// The first is its name.
    pub arguments: Vec<OsString>,
    /// Here, and as the guest knows them.
    pub folders: Vec<(String, String)>,
    /// Of the environment, with their values.
    pub variables: Vec<(String, String)>,
}

/// What belongs to a component.
struct State {
    table: ResourceTable,
    wasi: WasiCtx,
    models: Models,
}

impl State {
    fn new(models: &Models, options: &Options) -> Result<State> {
        Ok(State {
            table: ResourceTable::new(),
            wasi: wasi(options)?.build(),
            models: models.clone(),
        })
    }

    fn nn(&mut self) -> View<'_> {
        View { table: &mut self.table, models: &self.models }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// The standard streams, the arguments and the folders.
fn wasi(options: &Options) -> Result<WasiCtxBuilder> {
    let mut builder = WasiCtxBuilder::new();
    builder.inherit_stdio();
    for argument in &options.arguments {
        builder.arg(argument.to_string_lossy());
    }
    for (name, value) in &options.variables {
        builder.env(name, value);
    }
    for (folder, name) in &options.folders {
        builder.preopened_dir(folder, name, FsPerms::ReadWrite).with_context(|| folder.clone())?;
    }
    Ok(builder)
}
