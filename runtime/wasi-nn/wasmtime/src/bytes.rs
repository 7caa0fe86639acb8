// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//! The memory of a module: its own, or one that its workers share.

use wasmtime::error::Context;
use wasmtime::{AsContext, AsContextMut, Memory, Module, Result, SharedMemory};

const OUTSIDE: &str = "an address is past the end of the memory";

pub enum Bytes {
    Own(Memory),
    Shared(SharedMemory),
}

impl Bytes {
    /// The memory that a module wants to be given, if it was compiled with --threads.
    pub fn imported(module: &Module) -> Result<Option<SharedMemory>> {
        let wanted = module.imports().find_map(|import| import.ty().memory().cloned());
        wanted.map(|kind| SharedMemory::new(module.engine(), kind)).transpose()
    }

    pub fn read<'a, T: 'static>(
        &'a self, store: &'a wasmtime::Store<T>, address: u32, count: usize,
    ) -> Result<&'a [u8]> {
        let range = address as usize..address as usize + count;
        match self {
            Bytes::Own(memory) => memory.data(store.as_context()).get(range).context(OUTSIDE),
            Bytes::Shared(memory) => {
                let cells = memory.data().get(range).context(OUTSIDE)?;
                // SAFETY: workers compute during a call of `main` only, and what is read
                // between calls is none of what they count in meanwhile.
                Ok(unsafe { std::slice::from_raw_parts(cells.as_ptr().cast(), cells.len()) })
            }
        }
    }

    pub fn write<T: 'static>(
        &self, store: &mut wasmtime::Store<T>, address: u32, bytes: &[u8],
    ) -> Result<()> {
        match self {
            Bytes::Own(memory) => {
                Ok(memory.write(store.as_context_mut(), address as usize, bytes)?)
            }
            Bytes::Shared(memory) => {
                let range = address as usize..address as usize + bytes.len();
                let cells = memory.data().get(range).context(OUTSIDE)?;
                for (cell, byte) in cells.iter().zip(bytes) {
                    // SAFETY: as above.
                    unsafe { *cell.get() = *byte };
                }
                Ok(())
            }
        }
    }
}
