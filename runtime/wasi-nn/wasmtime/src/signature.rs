// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//! What a module says about itself (docs/module-format.md), and element types.

use serde::Deserialize;
use wasmtime::Result;
use wasmtime::error::{bail, ensure};
use wasmtime_wasi_nn::wit::TensorType;

use crate::context::Given;

#[derive(Deserialize)]
pub struct Signature {
    pub inputs: Vec<Port>,
    pub outputs: Vec<Port>,
    pub source: Source,
    #[serde(default)]
    pub state: Vec<StatePair>,
    /// Of the host (--extern).
    #[serde(default)]
    pub functions: Vec<Named>,
    pub weights: Weights,
}

#[derive(Deserialize)]
pub struct Named {
    pub name: String,
}

/// Where the weights are: "embedded", or in a file beside the module.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Weights {
    File { file: String, sha256: String },
    Inside(Inside),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Inside {
    Embedded,
}

#[derive(Deserialize)]
pub struct Source {
    /// SHA-256 of the ONNX file, in hexadecimal digits.
    pub sha256: String,
}

/// An output that becomes an input of the next call.
#[derive(Deserialize)]
pub struct StatePair {
    pub output: String,
    pub input: String,
}

/// An input or an output.
#[derive(Deserialize)]
pub struct Port {
    pub name: String,
    pub dtype: String,
    pub shape: Vec<Dim>,
}

/// A size: a number or, where the caller chooses, a name.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Dim {
    Fixed(u32),
    Open(String),
}

/// A type of elements.
pub struct Element {
    /// As DLPack numbers them.
    pub code: u8,
    pub bytes: u32,
    /// What wasi-nn has for it, or for its width.
    pub stand_in: TensorType,
}

impl Port {
    pub fn element(&self) -> Result<Element> {
        let (code, bytes, stand_in) = match self.dtype.as_str() {
            "f16" => (2, 2, TensorType::Fp16),
            "f32" => (2, 4, TensorType::Fp32),
            "f64" => (2, 8, TensorType::Fp64),
            "bf16" => (4, 2, TensorType::Bf16),
            "u8" => (1, 1, TensorType::U8),
            "i8" => (0, 1, TensorType::U8),
            "bool" => (6, 1, TensorType::U8),
            "i32" => (0, 4, TensorType::I32),
            "u32" => (1, 4, TensorType::I32),
            "i64" => (0, 8, TensorType::I64),
            "u64" => (1, 8, TensorType::I64),
            other => bail!("'{}' is {other}, which wasi-nn does not have", self.name),
        };
        Ok(Element { code, bytes, stand_in })
    }

    /// The dimensions of `tensor` as the model wants them, if it can be this input.
    pub fn check<'a>(&self, tensor: &Given<'a>) -> Result<&'a [u32]> {
        let (name, element) = (&self.name, self.element()?);
        let given = tensor.dims;
        // A scalar has no dimension, or as wasi-nn wants it, one of size 1.
        let dims = if self.shape.is_empty() && *given == [1] { &[] } else { given };
        let fits = |(want, size): (&Dim, &u32)| match want {
            Dim::Fixed(want) => want == size,
            Dim::Open(_) => true,
        };
        ensure!(
            dims.len() == self.shape.len() && self.shape.iter().zip(dims).all(fits),
            "input '{name}' is {:?}, not {dims:?}",
            self.sizes("?"),
        );
        let bytes = dims.iter().try_fold(element.bytes, |bytes, dim| bytes.checked_mul(*dim));
        ensure!(
            bytes.map(|bytes| bytes as usize) == Some(tensor.data.len()),
            "input '{name}': {} bytes do not fit {dims:?} of {}",
            tensor.data.len(),
            self.dtype,
        );
        ensure!(
            element.is_meant_by(tensor.ty),
            "input '{name}' is {}, not {:?}",
            self.dtype,
            tensor.ty,
        );
        Ok(dims)
    }

    fn sizes(&self, open: &str) -> Vec<String> {
        let size = |dim: &Dim| match dim {
            Dim::Fixed(size) => size.to_string(),
            Dim::Open(name) => format!("{open}{name}"),
        };
        self.shape.iter().map(size).collect()
    }
}

impl Element {
    /// Whether a guest that says `given` of elements of this width means this type. Before
    /// August 2023 the core interface had 2 for u8 and 3 for i32, which now are f64 and u8.
    fn is_meant_by(&self, given: TensorType) -> bool {
        given == self.stand_in
            || matches!(
                (given, self.stand_in),
                (TensorType::Fp64, TensorType::U8) | (TensorType::U8, TensorType::I32)
            )
    }
}

/// The number of the port of this name or, if none has it, of this decimal number.
pub fn find(ports: &[Port], name: &str) -> Option<usize> {
    let number = || name.parse().ok().filter(|number| *number < ports.len());
    ports.iter().position(|port| port.name == name).or_else(number)
}
