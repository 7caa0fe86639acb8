// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//! `wasi_ephemeral_nn` and WAMR's older `wasi_nn` for guests that are core modules. The
//! functions of `wasmtime-wasi-nn` end the process when a guest passes what they do not
//! expect, and give nothing back; these answer an errno.

mod handles;
mod linker;
mod memory;

use std::sync::Arc;

use wasmtime_wasi_nn::wit::TensorType;

use crate::backend::{Model, Models};
use crate::context::{Context, Given};
use crate::errno::{Answer, Blame, Errno, refuse};
use handles::Handles;
use memory::GuestMemory;

pub use linker::add_to_linker;

const ONNX: u32 = 1;
/// `autodetect` and `ggml`, of which different hosts have swapped the numbers.
const AUTODETECT: std::ops::RangeInclusive<u32> = 5..=6;
const ENCODINGS: u32 = 7;
const CPU: u32 = 0;
const AUTO: u32 = 3;
const MAX_RANK: u32 = 64;

/// What one guest has open.
pub struct Ephemeral {
    models: Models,
    graphs: Handles<Arc<Model>>,
    contexts: Handles<Context>,
}

impl Ephemeral {
    pub fn new(models: Models) -> Ephemeral {
        let (graphs, contexts) = (Handles::new("graph"), Handles::new("execution context"));
        Ephemeral { models, graphs, contexts }
    }

    fn load(
        &mut self, memory: &mut GuestMemory, builders: u32, count: u32, encoding: u32, target: u32,
        out: u32,
    ) -> Answer<()> {
        memory.room(out, 4)?;
        self.graphs.check_room()?;
        check_kind(encoding, target)?;
        // Other formats have a second file for the weights.
        let any = self.models.takes_any_file();
        if count != 1 && !(count == 2 && any) {
            return refuse(Errno::InvalidArgument, format!("a model is one builder, not {count}"));
        }
        let [address, length] = memory.words(builders)?;
        let bytes = memory.read(address, length)?;
        if encoding != ONNX && !AUTODETECT.contains(&encoding) && !any {
            return refuse(Errno::InvalidEncoding, "only ONNX and what nncc made of it are known");
        }
        let model = self.models.load(bytes).blame(Errno::InvalidEncoding)?;
        memory.write_word(out, self.graphs.add(model)?)
    }

    fn load_by_name(
        &mut self, memory: &mut GuestMemory, name: u32, length: u32, out: u32,
    ) -> Answer<()> {
        memory.room(out, 4)?;
        let name = memory.text(name, length)?;
        let Some(model) = self.models.named(name) else {
            return refuse(Errno::NotFound, format!("there is no model '{name}'"));
        };
        memory.write_word(out, self.graphs.add(model)?)
    }

    /// Compiled models have nothing to configure: the text is checked and left.
    fn load_by_name_with_config(
        &mut self, memory: &mut GuestMemory, name: u32, length: u32, config: u32,
        config_length: u32, out: u32,
    ) -> Answer<()> {
        memory.text(config, config_length)?;
        self.load_by_name(memory, name, length, out)
    }

    fn unload(&mut self, _: &mut GuestMemory, graph: u32) -> Answer<()> {
        self.graphs.remove(graph)
    }

    fn init_execution_context(
        &mut self, memory: &mut GuestMemory, graph: u32, out: u32,
    ) -> Answer<()> {
        memory.room(out, 4)?;
        let model = self.graphs.get(graph)?.clone();
        self.contexts.check_room()?;
        memory.write_word(out, self.contexts.add(Context::new(model)?)?)
    }

    fn finalize_execution_context(&mut self, _: &mut GuestMemory, context: u32) -> Answer<()> {
        self.contexts.remove(context)
    }

    fn set_input(
        &mut self, memory: &mut GuestMemory, context: u32, index: u32, tensor: u32,
    ) -> Answer<()> {
        let [dims, rank, kind, data, length] = memory.words(tensor)?;
        let context = self.contexts.get(context)?;
        let dims = dimensions(memory, dims, rank)?;
        // The type is one byte; what follows it is padding.
        let ty = element_type(kind & 0xff)?;
        context.set(index as usize, &Given { dims: &dims, ty, data: memory.read(data, length)? })
    }

    fn compute(&mut self, _: &mut GuestMemory, context: u32) -> Answer<()> {
        self.contexts.get(context)?.run()
    }

    fn get_output(
        &mut self, memory: &mut GuestMemory, context: u32, index: u32, buffer: u32, size: u32,
        written: u32,
    ) -> Answer<()> {
        let context = self.contexts.get(context)?;
        memory.room(written, 4)?;
        let room = memory.room(buffer, size)?;
        let length = context.write_output(index as usize, room)?;
        memory.write_word(written, length as u32)
    }

    /// A new stream begins: inputs, outputs and state are forgotten.
    fn fini_single(&mut self, _: &mut GuestMemory, context: u32) -> Answer<()> {
        self.contexts.get(context)?.reset()
    }

    /// WAMR's: the builders are {pointer, count}.
    fn load_legacy(
        &mut self, memory: &mut GuestMemory, builders: u32, encoding: u32, target: u32, out: u32,
    ) -> Answer<()> {
        let [address, count] = memory.words(builders)?;
        self.load(memory, address, count, encoding, target, out)
    }

    /// WAMR's: {pointer to {dims, rank}, type, data}, of the old types and without a length.
    fn set_input_legacy(
        &mut self, memory: &mut GuestMemory, context: u32, index: u32, tensor: u32,
    ) -> Answer<()> {
        let [shape, kind, data] = memory.words(tensor)?;
        let [dims, rank] = memory.words(shape)?;
        let context = self.contexts.get(context)?;
        let dims = dimensions(memory, dims, rank)?;
        let (ty, bytes) = old_type(kind)?;
        let Some(length) = dims.iter().try_fold(bytes, |sum, dim| sum.checked_mul(*dim)) else {
            return refuse(Errno::InvalidArgument, "no memory has room for this tensor");
        };
        context.set(index as usize, &Given { dims: &dims, ty, data: memory.read(data, length)? })
    }

    /// WAMR's: one size, in and out.
    fn get_output_legacy(
        &mut self, memory: &mut GuestMemory, context: u32, index: u32, buffer: u32, size: u32,
    ) -> Answer<()> {
        let [room] = memory.words(size)?;
        self.get_output(memory, context, index, buffer, room, size)
    }
}

fn check_kind(encoding: u32, target: u32) -> Answer<()> {
    if encoding >= ENCODINGS {
        return refuse(Errno::InvalidEncoding, format!("{encoding} is not an encoding"));
    }
    if target > AUTO {
        return refuse(Errno::InvalidArgument, format!("{target} is not an execution target"));
    }
    if target != CPU && target != AUTO {
        return refuse(Errno::UnsupportedOperation, "models run on the CPU alone here");
    }
    Ok(())
}

fn dimensions(memory: &GuestMemory, address: u32, rank: u32) -> Answer<Vec<u32>> {
    if rank > MAX_RANK {
        return refuse(Errno::InvalidArgument, format!("{rank} dimensions are too many"));
    }
    memory.list(address, rank)
}

/// As they are numbered since August 2023; what was meant before is told from the bytes
/// of an element (Element::is_meant_by).
fn element_type(code: u32) -> Answer<TensorType> {
    match code {
        0 => Ok(TensorType::Fp16),
        1 => Ok(TensorType::Fp32),
        2 => Ok(TensorType::Fp64),
        3 => Ok(TensorType::U8),
        4 => Ok(TensorType::I32),
        5 => Ok(TensorType::I64),
        _ => refuse(Errno::InvalidArgument, format!("{code} is not an element type")),
    }
}

/// Of the numbering before August 2023, with the bytes of an element.
fn old_type(code: u32) -> Answer<(TensorType, u32)> {
    match code {
        0 => Ok((TensorType::Fp16, 2)),
        1 => Ok((TensorType::Fp32, 4)),
        2 => Ok((TensorType::U8, 1)),
        3 => Ok((TensorType::I32, 4)),
        _ => refuse(Errno::InvalidArgument, format!("{code} is not an element type")),
    }
}
