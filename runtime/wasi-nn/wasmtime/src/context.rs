// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//! An execution context: an instance of the model, its inputs and its state.

use std::sync::Arc;

use wasmtime::Result;
use wasmtime::error::Context as _;
use wasmtime_wasi_nn::Tensor;
use wasmtime_wasi_nn::backend::{BackendError, BackendExecutionContext, Id, NamedTensor};
use wasmtime_wasi_nn::wit::TensorType;

use crate::backend::Model;
use crate::errno::{Answer, Blame, Errno, Failure, refuse};
use crate::instance::{Frame, Instance};
use crate::signature::{Dim, Port, find};

pub struct Context {
    model: Arc<Model>,
    instance: Instance,
    frame: Frame,
    inputs: Vec<Input>,
    /// Numbers of the outputs and inputs that are state.
    state: Vec<(usize, usize)>,
    has_outputs: bool,
}

/// A tensor of a guest's.
pub struct Given<'a> {
    pub dims: &'a [u32],
    pub ty: TensorType,
    pub data: &'a [u8],
}

impl<'a> From<&'a Tensor> for Given<'a> {
    fn from(tensor: &'a Tensor) -> Given<'a> {
        Given { dims: &tensor.dimensions, ty: tensor.ty, data: &tensor.data }
    }
}

/// A block in the instance for the elements of an input; address 0 stands for none.
#[derive(Clone, Default)]
struct Input {
    block: u32,
    bytes: usize,
    is_set: bool,
}

impl Context {
    pub fn new(model: Arc<Model>) -> Result<Context> {
        let mut instance = model.instantiate()?;
        let signature = &model.signature;
        let frame = Frame::new(&mut instance, signature)?;
        let pair = |pair: &crate::signature::StatePair| {
            let output = find(&signature.outputs, &pair.output);
            let input = find(&signature.inputs, &pair.input);
            output.zip(input).with_context(|| format!("there is no state '{}'", pair.input))
        };
        let state = signature.state.iter().map(pair).collect::<Result<Vec<_>>>()?;
        let inputs = vec![Input::default(); signature.inputs.len()];
        let mut context = Context { model, instance, frame, inputs, state, has_outputs: false };
        context.reset().map_err(|failure| failure.reason)?;
        Ok(context)
    }

    /// Forgets inputs, outputs and state: a new stream begins.
    pub fn reset(&mut self) -> Answer<()> {
        self.has_outputs = false;
        self.inputs.iter_mut().for_each(|input| input.is_set = false);
        for (_, input) in self.state.clone() {
            let start = zeros(&self.model.signature.inputs[input])?;
            self.set(input, &Given::from(&start))?;
        }
        Ok(())
    }

    pub fn set(&mut self, index: usize, tensor: &Given) -> Answer<()> {
        let Some(port) = self.model.signature.inputs.get(index) else {
            return refuse(Errno::InvalidArgument, format!("the model has no input {index}"));
        };
        let dims = port.check(tensor).blame(Errno::InvalidArgument)?;
        let input = &mut self.inputs[index];
        if input.block == 0 || input.bytes < tensor.data.len() {
            self.instance.free(std::mem::take(&mut input.block))?;
            input.is_set = false;
            input.block = self.instance.alloc(tensor.data.len() as u32).blame(Errno::TooLarge)?;
            input.bytes = tensor.data.len();
        }
        self.instance.write(input.block, tensor.data)?;
        self.frame.set(&mut self.instance, index, input.block, dims)?;
        input.is_set = true;
        Ok(())
    }

    /// Runs the model; what is state becomes an input of the next run, where it is.
    pub fn run(&mut self) -> Answer<()> {
        self.has_outputs = false;
        let signature = &self.model.signature;
        if let Some(missing) = self.inputs.iter().position(|input| !input.is_set) {
            let name = &signature.inputs[missing].name;
            return refuse(Errno::RuntimeError, format!("input '{name}' was not set"));
        }
        self.frame.run(&mut self.instance)?;
        self.has_outputs = true;
        for &(output, input) in &self.state {
            let rank = signature.outputs[output].shape.len();
            let (data, dims) = self.frame.get(&self.instance, self.inputs.len() + output, rank)?;
            self.frame.set(&mut self.instance, input, data, &dims)?;
        }
        Ok(())
    }

    /// The sizes, the type and the bytes of an output, where they are.
    fn output(&self, index: usize) -> Answer<(Vec<u32>, TensorType, &[u8])> {
        let Some(port) = self.model.signature.outputs.get(index) else {
            return refuse(Errno::InvalidArgument, format!("the model has no output {index}"));
        };
        if !self.has_outputs {
            return refuse(Errno::RuntimeError, "nothing was computed yet");
        }
        let element = port.element()?;
        let place = self.inputs.len() + index;
        let (data, mut dims) = self.frame.get(&self.instance, place, port.shape.len())?;
        let count: usize = dims.iter().map(|dim| *dim as usize).product();
        let data = self.instance.read(data, count * element.bytes as usize)?;
        // A scalar has one dimension in wasi-nn.
        if dims.is_empty() {
            dims.push(1);
        }
        Ok((dims, element.stand_in, data))
    }

    /// Puts an output into `room`; the answer is how long it is.
    pub fn write_output(&self, index: usize, room: &mut [u8]) -> Answer<usize> {
        let (_, _, data) = self.output(index)?;
        let (bytes, given) = (data.len(), room.len());
        let Some(room) = room.get_mut(..bytes) else {
            let what = format!("output {index} has {bytes} bytes, the buffer {given}");
            return refuse(Errno::TooLarge, what);
        };
        room.copy_from_slice(data);
        Ok(bytes)
    }

    fn output_tensor(&self, index: usize) -> Answer<Tensor> {
        let (dims, ty, data) = self.output(index)?;
        Ok(Tensor::new(dims, ty, data.to_vec()))
    }

    pub fn set_named(&mut self, name: &str, tensor: &Tensor) -> Answer<()> {
        let index = locate(&self.model.signature.inputs, name, "input")?;
        self.set(index, &Given::from(tensor))
    }

    pub fn named_output(&self, name: &str) -> Answer<Tensor> {
        self.output_tensor(locate(&self.model.signature.outputs, name, "output")?)
    }

    /// One call of the component interface: inputs of earlier calls do not count.
    pub fn compute_named(&mut self, inputs: Vec<NamedTensor>) -> Answer<Vec<NamedTensor>> {
        for (index, input) in self.inputs.iter_mut().enumerate() {
            input.is_set = self.state.iter().any(|(_, state)| *state == index);
        }
        for NamedTensor { name, tensor } in &inputs {
            self.set_named(name, tensor)?;
        }
        self.run()?;
        let names = self.model.signature.outputs.iter().map(|port| port.name.clone());
        let tensor = |(index, name)| Ok(NamedTensor { name, tensor: self.output_tensor(index)? });
        names.enumerate().map(tensor).collect()
    }

    fn number(&self, ports: &[Port], id: &Id, what: &str) -> Answer<usize> {
        match id {
            Id::Index(index) => Ok(*index as usize),
            Id::Name(name) => locate(ports, name, what),
        }
    }
}

impl BackendExecutionContext for Context {
    fn set_input(&mut self, id: Id, tensor: &Tensor) -> Result<(), BackendError> {
        let index = self.number(&self.model.signature.inputs, &id, "input");
        report(index.and_then(|index| self.set(index, &tensor.into())))
    }

    fn get_output(&mut self, id: Id) -> Result<Tensor, BackendError> {
        let index = self.number(&self.model.signature.outputs, &id, "output");
        report(index.and_then(|index| self.output_tensor(index)))
    }

    fn compute(
        &mut self, inputs: Option<Vec<NamedTensor>>,
    ) -> Result<Option<Vec<NamedTensor>>, BackendError> {
        report(match inputs {
            Some(inputs) => self.compute_named(inputs).map(Some),
            None => self.run().map(|()| None),
        })
    }
}

/// Guests see a number, or that the backend failed: the reason goes into the log.
pub fn report<T>(result: Answer<T>) -> Result<T, BackendError> {
    result.map_err(|Failure { reason, .. }| {
        tracing::warn!("{reason:#}");
        BackendError::BackendAccess(reason)
    })
}

fn locate(ports: &[Port], name: &str, what: &str) -> Answer<usize> {
    let found = find(ports, name).with_context(|| format!("the model has no {what} '{name}'"));
    found.blame(Errno::InvalidArgument)
}

/// How a state begins: sizes that are open are 1.
fn zeros(port: &Port) -> Result<Tensor> {
    let size = |dim: &Dim| match dim {
        Dim::Fixed(size) => *size,
        Dim::Open(_) => 1,
    };
    let dims: Vec<u32> = port.shape.iter().map(size).collect();
    let element = port.element()?;
    let bytes = dims.iter().product::<u32>() * element.bytes;
    Ok(Tensor::new(dims, element.stand_in, vec![0; bytes as usize]))
}
