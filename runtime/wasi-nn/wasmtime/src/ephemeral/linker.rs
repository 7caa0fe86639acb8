// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//! The functions as a guest imports them.

use wasmtime::{Caller, Extern, Linker, Result};

use super::{Ephemeral, GuestMemory};
use crate::errno::{Answer, Errno};

/// Where an `Ephemeral` is in the data of a store.
type Find<T> = fn(&mut T) -> &mut Ephemeral;

/// Runs a call; what it fails with goes into the log, and the guest gets its number.
fn answer<T: 'static>(
    caller: &mut Caller<'_, T>, find: Find<T>, name: &str,
    call: impl FnOnce(&mut Ephemeral, &mut GuestMemory) -> Answer<()>,
) -> u32 {
    let Some(memory) = caller.get_export("memory").and_then(Extern::into_memory) else {
        tracing::warn!("{name}: the guest exports no memory");
        return Errno::MissingMemory as u32;
    };
    let (bytes, data) = memory.data_and_store_mut(caller);
    match call(find(data), &mut GuestMemory::new(bytes)) {
        Ok(()) => 0,
        Err(failure) => {
            tracing::warn!("{name}: {:#}", failure.reason);
            failure.errno as u32
        }
    }
}

/// Adds the functions of a module: each line is a name, the method and its parameters.
macro_rules! add {
    ($linker:ident, $find:ident, $module:literal,
     $($name:literal = $method:ident($($argument:ident),*);)*) => {
        $($linker.func_wrap(
            $module,
            $name,
            move |mut caller: Caller<'_, T>, $($argument: u32),*| {
                answer(&mut caller, $find, $name, |host, memory| {
                    host.$method(memory, $($argument),*)
                })
            },
        )?;)*
    };
}

/// Gives guests `wasi_ephemeral_nn`, with what WasmEdge and WAMR add to it, and `wasi_nn` as
/// WAMR had it: an array as one pointer, and one size in and out.
pub fn add_to_linker<T: 'static>(linker: &mut Linker<T>, find: Find<T>) -> Result<()> {
    add!(linker, find, "wasi_ephemeral_nn",
        "load" = load(builders, count, encoding, target, out);
        "load_by_name" = load_by_name(name, length, out);
        "load_by_name_with_config" =
            load_by_name_with_config(name, length, config, config_length, out);
        "init_execution_context" = init_execution_context(graph, out);
        "set_input" = set_input(context, index, tensor);
        "compute" = compute(context);
        "get_output" = get_output(context, index, buffer, size, written);
        "compute_single" = compute(context);
        "get_output_single" = get_output(context, index, buffer, size, written);
        "fini_single" = fini_single(context);
        "finalize_execution_context" = finalize_execution_context(context);
        "unload" = unload(graph);
    );
    add!(linker, find, "wasi_nn",
        "load" = load_legacy(builders, encoding, target, out);
        "load_by_name" = load_by_name(name, length, out);
        "init_execution_context" = init_execution_context(graph, out);
        "set_input" = set_input_legacy(context, index, tensor);
        "compute" = compute(context);
        "get_output" = get_output_legacy(context, index, buffer, size);
    );
    Ok(())
}
