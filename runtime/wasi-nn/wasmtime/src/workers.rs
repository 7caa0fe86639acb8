// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//! The threads of an execution context, of a module that was compiled with --threads.

use std::thread;

use wasmtime::error::Context;
use wasmtime::{Extern, Linker, Module, Result, SharedMemory, Store, Val};

use crate::functions::{Functions, Given};

pub struct Workers {
    module: Module,
    memory: SharedMemory,
    /// With the one that calls `main`.
    threads: usize,
    started: u32,
}

impl Workers {
    pub const STACK_BYTES: u32 = 65536;

    pub fn new(module: &Module, memory: SharedMemory, threads: usize) -> Workers {
        Workers { module: module.clone(), memory, threads, started: 0 }
    }

    pub fn are_started(&self) -> bool {
        self.started > 0
    }

    /// How many are to be started.
    pub fn wanted(&self) -> usize {
        self.threads.saturating_sub(1)
    }

    /// How many threads take part now.
    pub fn count(&self) -> u32 {
        1 + self.started
    }

    /// Starts one whose stack ends at `top`.
    pub fn start(&mut self, top: u32) {
        let (module, memory) = (self.module.clone(), self.memory.clone());
        // Nobody waits for its end, which nncc_set_threads(0) brings about.
        thread::spawn(move || {
            if let Err(error) = work(&module, memory, top) {
                tracing::warn!("a thread of a model: {error:#}");
            }
        });
        self.started += 1;
    }
}

/// Computes parts of kernels until the module has no threads any more.
fn work(module: &Module, memory: SharedMemory, top: u32) -> Result<()> {
    let mut store = Store::new(module.engine(), Given::default());
    let mut linker = Linker::new(module.engine());
    linker.define(&store, "env", "memory", memory)?;
    Functions::add_to_linker(&mut linker)?;
    let instance = linker.instantiate(&mut store, module)?;
    let stack = instance.get_export(&mut store, "__stack_pointer").and_then(Extern::into_global);
    stack.context("it has no stack")?.set(&mut store, Val::I32(top as i32))?;
    let worker = instance.get_typed_func::<(), ()>(&mut store, "nncc_worker")?;
    let failed = instance.get_typed_func::<(), ()>(&mut store, "nncc_worker_failed")?;
    worker.call(&mut store, ()).or_else(|error| {
        failed.call(&mut store, ())?;
        Err(error)
    })
}
