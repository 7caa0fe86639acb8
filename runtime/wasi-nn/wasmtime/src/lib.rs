// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//! Runs models compiled by nncc for guests of wasi-nn, each execution context in an instance of
//! its own, apart from the guest's memory: as a backend for the crate `wasmtime-wasi-nn`, or with
//! the interfaces themselves (`add_to_linker`, `add_interfaces_to_linker`):
//!
//! ```no_run
//! # fn main() -> wasmtime::Result<()> {
//! use nncc_wasi_nn::{Compiler, Models, backends};
//! use wasmtime_wasi_nn::witx::WasiNnCtx;
//!
//! let mut models = Models::new(Compiler::new(Some("cache".into()))?);
//! models.add("demo", "demo.wasm".as_ref())?;
//! let context = WasiNnCtx::new(backends(&models), models.registry());
//! # Ok(())
//! # }
//! ```

mod backend;
mod bytes;
mod compiler;
mod context;
mod ephemeral;
mod errno;
mod functions;
mod instance;
mod interfaces;
mod signature;
mod workers;

pub use backend::{Models, backends};
pub use compiler::{Compiler, Program};
pub use ephemeral::{Ephemeral, add_to_linker};
pub use interfaces::{View, add_interfaces_to_linker};
