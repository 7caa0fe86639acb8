// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//! An instance of a module, with the block that a call of `main` needs.

use wasmtime::error::{Context, bail, ensure, format_err};
use wasmtime::{Memory, Module, Result, Store, TypedFunc};

use crate::signature::{Port, Signature};

const VALUE_BYTES: u32 = 16;
const DESCRIPTOR_BYTES: u32 = 40; // DLTensor
const TENSOR: u64 = 5;
const CPU: u32 = 1;
const ABI_VERSION: u32 = 1;

/// What `main` takes: the receiver, the arguments, their number and where a result goes.
type Main = (u32, u32, u32, u32);

pub struct Instance {
    store: Store<()>,
    memory: Memory,
    main: TypedFunc<Main, u32>,
    alloc: TypedFunc<u32, u32>,
    free: TypedFunc<u32, ()>,
    exports: wasmtime::Instance,
}

impl Instance {
    pub fn new(module: &Module) -> Result<Instance> {
        if let Some(import) = module.imports().next() {
            bail!(
                "it imports {}.{}: --threads and --extern have no host here",
                import.module(),
                import.name(),
            );
        }
        let mut store = Store::new(module.engine(), ());
        let exports = wasmtime::Instance::new(&mut store, module, &[])?;
        let foreign = "it is no module that nncc made for the CPU";
        let memory = exports.get_memory(&mut store, "memory").context(foreign)?;
        let version = exports.get_typed_func::<(), u32>(&mut store, "nncc_abi_version");
        let version = version.context(foreign)?.call(&mut store, ())?;
        ensure!(
            version == ABI_VERSION,
            "it has version {version} of the format, not {ABI_VERSION}"
        );
        Ok(Instance {
            main: exports.get_typed_func(&mut store, "main").context(foreign)?,
            alloc: exports.get_typed_func(&mut store, "nncc_alloc").context(foreign)?,
            free: exports.get_typed_func(&mut store, "nncc_free").context(foreign)?,
            store,
            memory,
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
        let rest = self.memory.data(&self.store).get(address as usize..);
        rest.and_then(|rest| rest.get(..bytes)).context("an address is past the end of the memory")
    }

    pub fn write(&mut self, address: u32, bytes: &[u8]) -> Result<()> {
        Ok(self.memory.write(&mut self.store, address as usize, bytes)?)
    }

    /// What a function answers that returns the address of a text.
    fn text(&mut self, function: &str) -> Result<String> {
        let function = self.exports.get_typed_func::<(), u32>(&mut self.store, function)?;
        let address = function.call(&mut self.store, ())? as usize;
        let rest = self.memory.data(&self.store).get(address..).unwrap_or_default();
        let text = rest.split(|&byte| byte == 0).next().unwrap_or_default();
        Ok(String::from_utf8(text.to_vec())?)
    }
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

    pub fn run(&self, instance: &mut Instance) -> Result<()> {
        let arguments = (0, self.block, self.count, 0);
        match instance.main.call(&mut instance.store, arguments)? {
            0 => Ok(()),
            _ => Err(format_err!("{}", instance.text("nncc_error")?)),
        }
    }

    fn descriptor(&self, index: usize) -> u32 {
        self.block + VALUE_BYTES * self.count + DESCRIPTOR_BYTES * index as u32
    }
}
