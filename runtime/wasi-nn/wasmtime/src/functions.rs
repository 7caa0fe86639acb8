// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//! Functions that a model calls (--extern): exports of another module, in the model's
//! memory, of the same form as `main`.

use wasmtime::error::{Context, bail, ensure};
use wasmtime::{Caller, Instance, Linker, Memory, Module, Result, Store, TypedFunc};

use crate::instance::Main;

/// What the calls of an instance find.
#[derive(Default)]
pub struct Given(Option<Functions>);

impl Given {
    pub fn functions(&self) -> Option<&Functions> {
        self.0.as_ref()
    }
}

pub struct Functions {
    memory: Memory,
    /// By their numbers.
    list: Vec<(String, TypedFunc<Main, u32>)>,
    alloc: TypedFunc<u32, u32>,
    free: TypedFunc<u32, ()>,
    fail: TypedFunc<(u32, u32), ()>,
}

impl Functions {
    /// Gives instances what modules with --extern import. Nothing of it works before `attach`.
    pub fn add_to_linker(linker: &mut Linker<Given>) -> Result<()> {
        linker.func_wrap("nncc", "find_packed", |caller: Caller<'_, Given>, name, length| {
            caller.data().functions().map_or(-1, |functions| functions.find(&caller, name, length))
        })?;
        linker.func_wrap("nncc", "call_packed", call)?;
        linker.func_wrap("nncc", "drop_packed", |_: u32| {})?;
        Ok(())
    }

    /// Instantiates `module` with the memory of the model `instance`.
    pub fn attach(module: &Module, store: &mut Store<Given>, instance: Instance) -> Result<()> {
        let memory = instance.get_memory(&mut *store, "memory");
        let memory = memory.context("a model cannot have both functions and threads here")?;
        // One that calls none takes none.
        let Ok(fail) = instance.get_typed_func(&mut *store, "nncc_fail") else { return Ok(()) };
        let mut linker = Linker::new(module.engine());
        linker.define(&mut *store, "env", "memory", memory)?;
        let exports = linker.instantiate(&mut *store, module).context("its functions")?;
        let names: Vec<String> = module.exports().map(|item| item.name().to_string()).collect();
        let function = |name: String| {
            exports.get_typed_func(&mut *store, &name).ok().map(|function| (name, function))
        };
        let list = names.into_iter().filter_map(function).collect();
        let alloc = instance.get_typed_func(&mut *store, "nncc_alloc")?;
        let free = instance.get_typed_func(&mut *store, "nncc_free")?;
        store.data_mut().0 = Some(Functions { memory, list, alloc, free, fail });
        Ok(())
    }

    /// The number of the function that the model names there; -1 if there is none.
    fn find(&self, caller: &Caller<'_, Given>, name: u32, length: u32) -> i32 {
        let rest = self.memory.data(caller).get(name as usize..).unwrap_or_default();
        let name = String::from_utf8_lossy(rest.get(..length as usize).unwrap_or_default());
        self.number(&name).map_or(-1, |number| number as i32)
    }

    /// By its name or by that in C.
    pub fn number(&self, name: &str) -> Option<usize> {
        let c_name = c_name(name);
        self.list.iter().position(|(known, _)| *known == name || *known == c_name)
    }
}

/// With `_` for what C does not allow.
fn c_name(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

/// 0 or, after it was said why, 1.
fn call(
    mut caller: Caller<'_, Given>, number: u32, arguments: u32, count: u32, result: u32,
) -> Result<u32> {
    let functions = caller.data().functions();
    let Some((name, function)) = functions.and_then(|all| all.list.get(number as usize)) else {
        bail!("there is no function {number}");
    };
    let (name, function) = (name.clone(), function.clone());
    let reason = match function.call(&mut caller, (0, arguments, count, result)) {
        Ok(0) => return Ok(0),
        Ok(code) => format!("{name} returned {code}"),
        Err(error) => format!("{name}: {error:#}"),
    };
    fail(&mut caller, &reason)?;
    Ok(1)
}

/// Tells the model why its call failed.
fn fail(caller: &mut Caller<'_, Given>, reason: &str) -> Result<()> {
    let functions = caller.data().functions().context("there are no functions")?;
    let (alloc, free) = (functions.alloc.clone(), functions.free.clone());
    let (fail, memory) = (functions.fail.clone(), functions.memory);
    let block = alloc.call(&mut *caller, reason.len() as u32)?;
    ensure!(block != 0, "{reason}");
    memory.write(&mut *caller, block as usize, reason.as_bytes())?;
    fail.call(&mut *caller, (block, reason.len() as u32))?;
    free.call(&mut *caller, block)
}
