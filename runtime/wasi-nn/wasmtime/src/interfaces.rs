// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//! `wasi:nn` for guests that are components, in both editions. `wasmtime-wasi-nn` has the later
//! one alone, and of its error codes mostly `runtime-error`.

use std::sync::Arc;

use wasmtime::component::{
    ComponentType, Lift, Linker, LinkerInstance, Lower, Resource, ResourceTable, ResourceType,
};
use wasmtime::{Result, StoreContextMut};
use wasmtime_wasi_nn::Tensor;
use wasmtime_wasi_nn::backend::NamedTensor;
use wasmtime_wasi_nn::wit::{ExecutionTarget, GraphEncoding, TensorType};

use crate::backend::{Model, Models};
use crate::context::Context;
use crate::errno::{Answer, Blame, Errno, Failure, refuse};

/// What a call finds in the data of its store.
pub struct View<'a> {
    pub table: &'a mut ResourceTable,
    pub models: &'a Models,
}

/// Where that is.
type Find<T> = fn(&mut T) -> View<'_>;

/// As `wasi:nn/errors` has them; calls here fail for some of these reasons only.
#[allow(dead_code)]
#[derive(Clone, Copy, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
enum ErrorCode {
    #[component(name = "invalid-argument")]
    InvalidArgument,
    #[component(name = "invalid-encoding")]
    InvalidEncoding,
    #[component(name = "timeout")]
    Timeout,
    #[component(name = "runtime-error")]
    RuntimeError,
    #[component(name = "unsupported-operation")]
    UnsupportedOperation,
    #[component(name = "too-large")]
    TooLarge,
    #[component(name = "not-found")]
    NotFound,
    #[component(name = "security")]
    Security,
    #[component(name = "unknown")]
    Unknown,
}

impl From<Errno> for ErrorCode {
    fn from(errno: Errno) -> ErrorCode {
        match errno {
            Errno::InvalidArgument => ErrorCode::InvalidArgument,
            Errno::InvalidEncoding => ErrorCode::InvalidEncoding,
            Errno::UnsupportedOperation => ErrorCode::UnsupportedOperation,
            Errno::TooLarge => ErrorCode::TooLarge,
            Errno::NotFound => ErrorCode::NotFound,
            Errno::MissingMemory | Errno::RuntimeError => ErrorCode::RuntimeError,
        }
    }
}

type Graph = Arc<Model>;
type Error = Resource<Failure>;
type Named = (String, Resource<Tensor>);

impl View<'_> {
    /// The answer as the guest gets it: a failure becomes a resource of its own.
    fn answer<V>(&mut self, answer: Answer<V>) -> Result<(Result<V, Error>,)> {
        Ok((match answer {
            Ok(value) => Ok(value),
            Err(failure) => {
                tracing::warn!("{:#}", failure.reason);
                Err(self.table.push(failure)?)
            }
        },))
    }

    /// The same for what becomes a resource.
    fn give<V: Send + 'static>(
        &mut self, answer: Answer<V>,
    ) -> Result<(Result<Resource<V>, Error>,)> {
        let answer = match answer {
            Ok(value) => Ok(self.table.push(value)?),
            Err(failure) => Err(failure),
        };
        self.answer(answer)
    }

    fn load(
        &self, builders: Vec<Vec<u8>>, encoding: GraphEncoding, target: ExecutionTarget,
    ) -> Answer<Graph> {
        let is_known = matches!(encoding, GraphEncoding::Onnx | GraphEncoding::Autodetect);
        if !is_known && !self.models.takes_any_file() {
            return refuse(Errno::InvalidEncoding, "only ONNX and what nncc made of it are known");
        }
        if target != ExecutionTarget::Cpu {
            return refuse(Errno::UnsupportedOperation, "models run on the CPU alone here");
        }
        self.models.load(&builders.concat()).blame(Errno::InvalidEncoding)
    }

    fn load_by_name(&self, name: &str) -> Answer<Graph> {
        match self.models.named(name) {
            Some(model) => Ok(model),
            None => refuse(Errno::NotFound, format!("there is no model '{name}'")),
        }
    }

    fn compute(
        &mut self, context: &Resource<Context>, inputs: Vec<Named>,
    ) -> Result<(Result<Vec<Named>, Error>,)> {
        let mut tensors = Vec::new();
        for (name, tensor) in inputs {
            tensors.push(NamedTensor { name, tensor: self.table.delete(tensor)? });
        }
        let outputs = match self.table.get_mut(context)?.compute_named(tensors) {
            Ok(outputs) => outputs,
            Err(failure) => return self.answer(Err(failure)),
        };
        let give = |NamedTensor { name, tensor }| Ok((name, self.table.push(tensor)?));
        let named = outputs.into_iter().map(give).collect::<Result<Vec<Named>>>()?;
        self.answer(Ok(named))
    }
}

/// Gives guests all interfaces of both editions.
pub fn add_interfaces_to_linker<T: 'static>(linker: &mut Linker<T>, find: Find<T>) -> Result<()> {
    for edition in ["2024-10-28", "2024-08-19"] {
        let name = |interface| format!("wasi:nn/{interface}@0.2.0-rc-{edition}");
        add_tensor(&mut linker.instance(&name("tensor"))?, find)?;
        add_errors(&mut linker.instance(&name("errors"))?, find)?;
        let mut inference = linker.instance(&name("inference"))?;
        add_resource::<T, Context>(&mut inference, "graph-execution-context", find)?;
        match edition {
            "2024-10-28" => add_compute(&mut inference, find)?,
            _ => add_calls_for_each_tensor(&mut inference, find)?,
        }
        add_graph(&mut linker.instance(&name("graph"))?, find)?;
    }
    Ok(())
}

fn add_resource<T: 'static, R: Send + 'static>(
    interface: &mut LinkerInstance<T>, name: &str, find: Find<T>,
) -> Result<()> {
    interface.resource(name, ResourceType::host::<R>(), move |mut store, rep| {
        find(store.data_mut()).table.delete(Resource::<R>::new_own(rep))?;
        Ok(())
    })
}

fn add_tensor<T: 'static>(interface: &mut LinkerInstance<T>, find: Find<T>) -> Result<()> {
    type This = Resource<Tensor>;
    add_resource::<T, Tensor>(interface, "tensor", find)?;
    interface.func_wrap(
        "[constructor]tensor",
        move |mut store: StoreContextMut<T>, (dims, ty, data): (Vec<u32>, TensorType, Vec<u8>)| {
            Ok((find(store.data_mut()).table.push(Tensor::new(dims, ty, data))?,))
        },
    )?;
    interface.func_wrap(
        "[method]tensor.dimensions",
        move |mut store: StoreContextMut<T>, (this,): (This,)| {
            Ok((find(store.data_mut()).table.get(&this)?.dimensions.clone(),))
        },
    )?;
    interface.func_wrap(
        "[method]tensor.ty",
        move |mut store: StoreContextMut<T>, (this,): (This,)| {
            Ok((find(store.data_mut()).table.get(&this)?.ty,))
        },
    )?;
    interface.func_wrap(
        "[method]tensor.data",
        move |mut store: StoreContextMut<T>, (this,): (This,)| {
            Ok((find(store.data_mut()).table.get(&this)?.data.clone(),))
        },
    )
}

fn add_errors<T: 'static>(interface: &mut LinkerInstance<T>, find: Find<T>) -> Result<()> {
    add_resource::<T, Failure>(interface, "error", find)?;
    interface.func_wrap(
        "[method]error.code",
        move |mut store: StoreContextMut<T>, (this,): (Error,)| {
            Ok((ErrorCode::from(find(store.data_mut()).table.get(&this)?.errno),))
        },
    )?;
    interface.func_wrap(
        "[method]error.data",
        move |mut store: StoreContextMut<T>, (this,): (Error,)| {
            Ok((format!("{:#}", find(store.data_mut()).table.get(&this)?.reason),))
        },
    )
}

fn add_compute<T: 'static>(interface: &mut LinkerInstance<T>, find: Find<T>) -> Result<()> {
    interface.func_wrap(
        "[method]graph-execution-context.compute",
        move |mut store: StoreContextMut<T>, (this, inputs): (Resource<Context>, Vec<Named>)| {
            find(store.data_mut()).compute(&this, inputs)
        },
    )
}

/// Of the edition of August 2024.
fn add_calls_for_each_tensor<T: 'static>(
    interface: &mut LinkerInstance<T>, find: Find<T>,
) -> Result<()> {
    type This = Resource<Context>;
    interface.func_wrap(
        "[method]graph-execution-context.set-input",
        move |mut store: StoreContextMut<T>,
              (this, name, tensor): (This, String, Resource<Tensor>)| {
            let mut view = find(store.data_mut());
            let tensor = view.table.delete(tensor)?;
            let done = view.table.get_mut(&this)?.set_named(&name, &tensor);
            view.answer(done)
        },
    )?;
    interface.func_wrap(
        "[method]graph-execution-context.compute",
        move |mut store: StoreContextMut<T>, (this,): (This,)| {
            let mut view = find(store.data_mut());
            let done = view.table.get_mut(&this)?.run();
            view.answer(done)
        },
    )?;
    interface.func_wrap(
        "[method]graph-execution-context.get-output",
        move |mut store: StoreContextMut<T>, (this, name): (This, String)| {
            let mut view = find(store.data_mut());
            let output = view.table.get(&this)?.named_output(&name);
            view.give(output)
        },
    )
}

fn add_graph<T: 'static>(interface: &mut LinkerInstance<T>, find: Find<T>) -> Result<()> {
    type Load = (Vec<Vec<u8>>, GraphEncoding, ExecutionTarget);
    add_resource::<T, Graph>(interface, "graph", find)?;
    interface.func_wrap(
        "[method]graph.init-execution-context",
        move |mut store: StoreContextMut<T>, (this,): (Resource<Graph>,)| {
            let mut view = find(store.data_mut());
            let context = Context::new(view.table.get(&this)?.clone()).map_err(Failure::from);
            view.give(context)
        },
    )?;
    interface.func_wrap(
        "load",
        move |mut store: StoreContextMut<T>, (builders, encoding, target): Load| {
            let mut view = find(store.data_mut());
            let graph = view.load(builders, encoding, target);
            view.give(graph)
        },
    )?;
    interface.func_wrap("load-by-name", move |mut store: StoreContextMut<T>, (name,): (String,)| {
        let mut view = find(store.data_mut());
        let graph = view.load_by_name(&name);
        view.give(graph)
    })
}
