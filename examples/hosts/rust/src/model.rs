// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//! Runs models that nncc compiled, on wasmtime. docs/module-format.md has the layout.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use serde::Deserialize;
use wasmtime::error::{bail, ensure, format_err, Context, Result};
use wasmtime::{Engine, Instance, Memory, Module, Store, WasmParams};

const VALUE_BYTES: usize = 16;
const DESCRIPTOR_BYTES: usize = 40; // DLTensor
const TENSOR: u64 = 5;
const CPU: u32 = 1;
const FLOAT32: u32 = 2 | 32 << 8 | 1 << 16; // DLPack's code, bits and lanes

/// A size: a number or, where the caller chooses, a name.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Dim {
    Fixed(usize),
    Open(String),
}

impl fmt::Debug for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Dim::Fixed(size) => write!(f, "{size}"),
            Dim::Open(name) => write!(f, "{name}"),
        }
    }
}

/// An input or output.
#[derive(Deserialize)]
pub struct TensorType {
    pub name: String,
    pub dtype: String,
    pub shape: Vec<Dim>,
}

#[derive(Clone, Debug)]
pub struct Tensor {
    pub shape: Vec<usize>,
    pub data: Vec<f32>,
}

#[derive(Deserialize)]
struct Signature {
    inputs: Vec<TensorType>,
    outputs: Vec<TensorType>,
}

/// A loaded module. It serves one call at a time.
pub struct Model {
    store: Store<()>,
    instance: Instance,
    memory: Memory,
    pub inputs: Vec<TensorType>,
    pub outputs: Vec<TensorType>,
}

impl TensorType {
    fn check(&self, tensor: Option<&Tensor>) -> Result<Tensor> {
        let Some(tensor) = tensor else { bail!("input '{}' was not given", self.name) };
        let fits = tensor.shape.len() == self.shape.len()
            && self.shape.iter().zip(&tensor.shape).all(|(want, size)| match want {
                Dim::Fixed(want) => want == size,
                Dim::Open(_) => true,
            });
        ensure!(fits, "input '{}' is {:?}, not {:?}", self.name, self.shape, tensor.shape);
        let count: usize = tensor.shape.iter().product();
        ensure!(count == tensor.data.len(), "input '{}' needs {count} elements", self.name);
        Ok(tensor.clone())
    }
}

impl Model {
    pub fn load(path: &Path) -> Result<Model> {
        let engine = Engine::default();
        let module = Module::from_file(&engine, path)?;
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[])?;
        let memory =
            instance.get_memory(&mut store, "memory").context("nncc did not make this module")?;
        let mut model = Model { store, instance, memory, inputs: vec![], outputs: vec![] };
        let address = model.call("nncc_signature", ())?;
        let signature: Signature = serde_json::from_str(&model.text(address)?)?;
        for item in signature.inputs.iter().chain(&signature.outputs) {
            ensure!(
                item.dtype == "f32",
                "'{}' is {}; this example knows f32",
                item.name,
                item.dtype
            );
        }
        (model.inputs, model.outputs) = (signature.inputs, signature.outputs);
        Ok(model)
    }

    /// The outputs by name.
    pub fn run(&mut self, inputs: &HashMap<String, Tensor>) -> Result<HashMap<String, Tensor>> {
        let tensors = self.inputs.iter().map(|item| item.check(inputs.get(&item.name)));
        let tensors = tensors.collect::<Result<Vec<_>>>()?;
        let mut shapes: Vec<_> = tensors.iter().map(|tensor| tensor.shape.clone()).collect();
        shapes.extend(self.outputs.iter().map(|item| vec![0; item.shape.len()]));
        // One block: values, descriptors, shapes, elements.
        let dims = (VALUE_BYTES + DESCRIPTOR_BYTES) * shapes.len();
        let data = align(dims + shapes.iter().map(|shape| 8 * shape.len()).sum::<usize>());
        let elements: usize = tensors.iter().map(|tensor| align(4 * tensor.data.len())).sum();
        let block = self.call("nncc_alloc", (data + elements) as u32)?;
        ensure!(block != 0, "the module has no room for the inputs");
        let result = self.run_in(block as usize, &tensors, &shapes, dims, data);
        self.instance
            .get_typed_func::<u32, ()>(&mut self.store, "nncc_free")?
            .call(&mut self.store, block)?;
        result
    }

    fn run_in(
        &mut self, block: usize, tensors: &[Tensor], shapes: &[Vec<usize>], mut dims: usize,
        mut data: usize,
    ) -> Result<HashMap<String, Tensor>> {
        let first = block + VALUE_BYTES * shapes.len();
        for (i, shape) in shapes.iter().enumerate() {
            let descriptor = first + DESCRIPTOR_BYTES * i;
            self.write(
                block + VALUE_BYTES * i,
                &[TENSOR, descriptor as u64].map(u64::to_le_bytes).concat(),
            )?;
            let (at, sizes) = ((block + data) as u32, (block + dims) as u32);
            let words = [at, CPU, 0, shape.len() as u32, FLOAT32, sizes, 0, 0, 0, 0];
            self.write(descriptor, &words.map(u32::to_le_bytes).concat())?;
            let sizes: Vec<u8> =
                shape.iter().flat_map(|&size| (size as u64).to_le_bytes()).collect();
            self.write(block + dims, &sizes)?;
            dims += sizes.len();
            if let Some(tensor) = tensors.get(i) {
                let bytes: Vec<u8> = tensor.data.iter().flat_map(|x| x.to_le_bytes()).collect();
                self.write(block + data, &bytes)?;
                data += align(bytes.len());
            }
        }
        if self.call("main", (0u32, block as u32, shapes.len() as u32, 0u32))? != 0 {
            let why = self.call("nncc_error", ())?;
            return Err(format_err!("the model failed: {}", self.text(why)?));
        }
        let outputs = self.outputs.iter().enumerate();
        let read = |(i, item): (usize, &TensorType)| {
            Ok((item.name.clone(), self.tensor(first + DESCRIPTOR_BYTES * (tensors.len() + i))?))
        };
        outputs.map(read).collect()
    }

    /// A copy of what a descriptor describes.
    fn tensor(&self, descriptor: usize) -> Result<Tensor> {
        let word =
            |at| Ok::<_, wasmtime::Error>(u32::from_le_bytes(self.read(descriptor + at)?) as usize);
        let (rank, dims) = (word(12)?, word(20)?);
        let size = |k| Ok(u64::from_le_bytes(self.read(dims + 8 * k)?) as usize);
        let shape = (0..rank).map(size).collect::<Result<Vec<_>>>()?;
        let address = word(0)? + word(32)?;
        let element = |k| Ok(f32::from_le_bytes(self.read(address + 4 * k)?));
        let data = (0..shape.iter().product()).map(element).collect::<Result<_>>()?;
        Ok(Tensor { shape, data })
    }

    fn call<P: WasmParams>(&mut self, name: &str, params: P) -> Result<u32> {
        self.instance.get_typed_func::<P, u32>(&mut self.store, name)?.call(&mut self.store, params)
    }

    fn read<const N: usize>(&self, address: usize) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.memory.read(&self.store, address, &mut bytes)?;
        Ok(bytes)
    }

    fn write(&mut self, address: usize, bytes: &[u8]) -> Result<()> {
        Ok(self.memory.write(&mut self.store, address, bytes)?)
    }

    fn text(&self, address: u32) -> Result<String> {
        let rest = self.memory.data(&self.store).get(address as usize..).unwrap_or_default();
        let text = rest.split(|&byte| byte == 0).next().unwrap_or_default();
        Ok(String::from_utf8(text.to_vec())?)
    }
}

fn align(bytes: usize) -> usize {
    bytes.next_multiple_of(64)
}
