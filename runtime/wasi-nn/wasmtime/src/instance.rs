// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//! An instance of a module, with the block that a call of `main` needs.

use wasmtime::error::{Context, bail, ensure};
use wasmtime::{Linker, Module, Result, Store, TypedFunc};

use crate::bytes::Bytes;
use crate::errno::{Answer, Errno, refuse};
use crate::functions::{Functions, Given};
use crate::signature::{Port, Signature};
use crate::workers::Workers;

const VALUE_BYTES: u32 = 16;
const DESCRIPTOR_BYTES: u32 = 40; // DLTensor
const TENSOR: u64 = 5;
const CPU: u32 = 1;
const ABI_VERSION: u32 = 1;

/// What `main` takes: the receiver, the arguments, their number and where a result goes.
pub type Main = (u32, u32, u32, u32);

/// What a module is run with.
#[derive(Clone)]
pub struct Setting {
    /// For each execution context of a module that was compiled with --threads.
    pub threads: usize,
    /// Of operators that the module does not have itself.
    pub functions: Option<Module>,
}

pub struct Instance {
    store: Store<Given>,
    bytes: Bytes,
    main: TypedFunc<Main, u32>,
    alloc: TypedFunc<u32, u32>,
    free: TypedFunc<u32, ()>,
    exports: wasmtime::Instance,
    /// Of a module that was compiled with --threads, from its first run on.
    workers: Option<Workers>,
}

impl Instance {
    pub fn new(module: &Module, setting: &Setting) -> Result<Instance> {
        let mut store = Store::new(module.engine(), Given::default());
        let mut linker = Linker::new(module.engine());
        let shared = Bytes::imported(module)?;
        if let Some(memory) = &shared {
            linker.define(&store, "env", "memory", memory.clone())?;
        }
        Functions::add_to_linker(&mut linker)?;
        check_imports(module, setting)?;
        let exports = linker.instantiate(&mut store, module)?;
        let foreign = "it is no module that nncc made for the CPU";
        let own = exports.get_memory(&mut store, "memory").map(Bytes::Own);
        let bytes = own.or(shared.clone().map(Bytes::Shared)).context(foreign)?;
        let version = exports.get_typed_func::<(), u32>(&mut store, "nncc_abi_version");
        let version = version.context(foreign)?.call(&mut store, ())?;
        ensure!(
            version == ABI_VERSION,
            "it has version {version} of the format, not {ABI_VERSION}"
        );
        if let Some(functions) = &setting.functions {
            Functions::attach(functions, &mut store, exports)?;
        }
        Ok(Instance {
            main: exports.get_typed_func(&mut store, "main").context(foreign)?,
            alloc: exports.get_typed_func(&mut store, "nncc_alloc").context(foreign)?,
            free: exports.get_typed_func(&mut store, "nncc_free").context(foreign)?,
            workers: shared.map(|memory| Workers::new(module, memory, setting.threads)),
            store,
            bytes,
            exports,
        })
    }

    pub fn signature(&mut self) -> Result<Signature> {
        let signature: Signature = serde_json::from_str(&self.text("nncc_signature")?)?;
        // Types that cannot pass are better known when a model is loaded than in a call.
        for port in signature.inputs.iter().chain(&signature.outputs) {
            port.element()?;
        }
        Ok(signature)
    }

    /// Whether the model was given this operator.
    pub fn has_function(&self, name: &str) -> bool {
        self.store.data().functions().is_some_and(|functions| functions.number(name).is_some())
    }

    /// Puts external weights where the module wants them.
    pub fn fill_weights(&mut self, weights: &[u8]) -> Result<()> {
        let place = self.exports.get_typed_func::<(), u32>(&mut self.store, "nncc_weights")?;
        let address = place.call(&mut self.store, ())?;
        self.write(address, weights)
    }

    pub fn alloc(&mut self, bytes: u32) -> Result<u32> {
        let block = self.alloc.call(&mut self.store, bytes)?;
        ensure!(block != 0, "the model has no room for {bytes} bytes");
        Ok(block)
    }

    pub fn free(&mut self, block: u32) -> Result<()> {
        self.free.call(&mut self.store, block)
    }

    pub fn read(&self, address: u32, bytes: usize) -> Result<&[u8]> {
        self.bytes.read(&self.store, address, bytes)
    }

    pub fn write(&mut self, address: u32, bytes: &[u8]) -> Result<()> {
        self.bytes.write(&mut self.store, address, bytes)
    }

    /// What a function answers that returns the address of a text.
    fn text(&mut self, function: &str) -> Result<String> {
        let function = self.exports.get_typed_func::<(), u32>(&mut self.store, function)?;
        let address = function.call(&mut self.store, ())?;
        let letters = (address..).map(|at| self.read(at, 1).map_or(0, |byte| byte[0]));
        Ok(String::from_utf8(letters.take_while(|byte| *byte != 0).collect())?)
    }

    fn start_workers(&mut self) -> Result<()> {
        let Some(workers) = &mut self.workers else { return Ok(()) };
        if workers.are_started() {
            return Ok(());
        }
        for _ in 0..workers.wanted() {
            let stack = self.alloc.call(&mut self.store, Workers::STACK_BYTES)?;
            // Without room it has fewer.
            if stack != 0 {
                workers.start(stack + Workers::STACK_BYTES);
            }
        }
        self.set_threads(self.workers.as_ref().map_or(1, Workers::count))
    }

    fn set_threads(&mut self, count: u32) -> Result<()> {
        let set = self.exports.get_typed_func::<u32, ()>(&mut self.store, "nncc_set_threads")?;
        set.call(&mut self.store, count)
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if self.workers.as_ref().is_some_and(Workers::are_started)
            && let Err(error) = self.set_threads(0)
        {
            tracing::warn!("its threads go on: {error:#}");
        }
    }
}

fn check_imports(module: &Module, setting: &Setting) -> Result<()> {
    for import in module.imports() {
        match (import.module(), import.name()) {
            ("env", "memory") => {}
            ("nncc", _) if setting.functions.is_some() => {}
            ("nncc", _) => bail!("it calls functions of --extern and was given none"),
            (from, name) => bail!("it imports {from}.{name}, which no module of nncc does"),
        }
    }
    Ok(())
}

/// The arguments of `main` in the memory of an instance: values, descriptors, sizes.
pub struct Frame {
    block: u32,
    count: u32,
    /// Where the sizes of each tensor are.
    sizes: Vec<u32>,
}

impl Frame {
    pub fn new(instance: &mut Instance, signature: &Signature) -> Result<Frame> {
        let ports = || signature.inputs.iter().chain(&signature.outputs);
        let count = ports().count() as u32;
        let ranks = ports().map(|port| port.shape.len() as u32);
        let mut next = (VALUE_BYTES + DESCRIPTOR_BYTES) * count;
        let mut sizes = Vec::new();
        for rank in ranks {
            sizes.push(next);
            next += 8 * rank;
        }
        let block = instance.alloc(next)?;
        sizes.iter_mut().for_each(|address| *address += block);
        let frame = Frame { block, count, sizes };
        for (index, port) in ports().enumerate() {
            frame.describe(instance, index, port)?;
        }
        Ok(frame)
    }

    /// Writes all of a tensor's value and descriptor but its data and sizes.
    fn describe(&self, instance: &mut Instance, index: usize, port: &Port) -> Result<()> {
        let descriptor = self.descriptor(index);
        let value = [TENSOR, descriptor.into()].map(u64::to_le_bytes).concat();
        instance.write(self.block + VALUE_BYTES * index as u32, &value)?;
        let element = port.element()?;
        let kind = u32::from_le_bytes([element.code, 8 * element.bytes as u8, 1, 0]);
        let words = [0, CPU, 0, port.shape.len() as u32, kind, self.sizes[index], 0, 0, 0, 0];
        instance.write(descriptor, &words.map(u32::to_le_bytes).concat())
    }

    /// Says where the elements of an input are and what its sizes are.
    pub fn set(
        &self, instance: &mut Instance, index: usize, data: u32, dims: &[u32],
    ) -> Result<()> {
        instance.write(self.descriptor(index), &data.to_le_bytes())?;
        let sizes: Vec<u8> = dims.iter().flat_map(|dim| u64::from(*dim).to_le_bytes()).collect();
        instance.write(self.sizes[index], &sizes)
    }

    /// The address of a tensor's elements, and its sizes.
    pub fn get(&self, instance: &Instance, index: usize, rank: usize) -> Result<(u32, Vec<u32>)> {
        let word = |address| -> Result<u32> {
            Ok(u32::from_le_bytes(instance.read(address, 4)?.try_into().unwrap()))
        };
        let descriptor = self.descriptor(index);
        let data = word(descriptor)?.wrapping_add(word(descriptor + 32)?);
        let dims = (0..rank as u32).map(|axis| word(self.sizes[index] + 8 * axis));
        Ok((data, dims.collect::<Result<_>>()?))
    }

    pub fn run(&self, instance: &mut Instance) -> Answer<()> {
        instance.start_workers()?;
        let arguments = (0, self.block, self.count, 0);
        if instance.main.call(&mut instance.store, arguments)? == 0 {
            return Ok(());
        }
        let reason = instance.text("nncc_error")?;
        let is_memory = reason.starts_with("out of memory");
        refuse(if is_memory { Errno::TooLarge } else { Errno::RuntimeError }, reason)
    }

    fn descriptor(&self, index: usize) -> u32 {
        self.block + VALUE_BYTES * self.count + DESCRIPTOR_BYTES * index as u32
    }
}
