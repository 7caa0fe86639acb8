// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//! Runs a model on files: cargo run --release -- model.wasm x.f32 ...

mod model;

use std::collections::HashMap;
use std::path::Path;

use model::{Dim, Model, Tensor};
use wasmtime::error::{ensure, Context, Result};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (module, files) =
        arguments.split_first().context("usage: nncc-host model.wasm x.f32 ...")?;
    let mut model = Model::load(Path::new(module))?;
    ensure!(files.len() == model.inputs.len(), "the model has {} inputs", model.inputs.len());
    let mut inputs = HashMap::new();
    for (item, file) in model.inputs.iter().zip(files) {
        let size = |dim: &Dim| match dim {
            Dim::Fixed(size) => *size,
            Dim::Open(_) => 1,
        };
        let bytes = std::fs::read(file)?;
        let data = bytes.chunks_exact(4).map(|word| f32::from_le_bytes(word.try_into().unwrap()));
        let tensor = Tensor { shape: item.shape.iter().map(size).collect(), data: data.collect() };
        inputs.insert(item.name.clone(), tensor);
    }
    let outputs = model.run(&inputs)?;
    for item in &model.outputs {
        let Tensor { shape, data } = &outputs[&item.name];
        let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
        print!(
            "{} {}",
            item.name,
            if sizes.is_empty() { "scalar".into() } else { sizes.join("x") }
        );
        data.iter().for_each(|x| print!(" {:08x}", x.to_bits()));
        println!();
    }
    Ok(())
}
