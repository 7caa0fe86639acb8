// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//! A guest on the edition 2024-10-28: what must fail, and then "demo", y = 2x + 1 on f32[1, 2].

wit_bindgen::generate!({ path: "wit/newer.wit", world: "ml", generate_all });

use wasi::nn::errors::{Error, ErrorCode};
use wasi::nn::graph::{load, load_by_name, ExecutionTarget, Graph, GraphEncoding};
use wasi::nn::tensor::{Tensor, TensorType};

fn tensor(dimensions: &[u32], ty: TensorType) -> Tensor {
    let data: Vec<u8> = [1f32, 2.].iter().flat_map(|value| value.to_le_bytes()).collect();
    Tensor::new(dimensions, ty, &data)
}

/// The code of what must fail.
fn code<T>(result: Result<T, Error>) -> ErrorCode {
    result.err().expect("a call that must fail succeeds").code()
}

fn refuse_graphs() {
    let load =
        |encoding, target| -> Result<Graph, Error> { load(&[vec![1, 2, 3]], encoding, target) };
    println!("{:?}", code(load_by_name("dome")));
    println!("{:?}", code(load(GraphEncoding::Onnx, ExecutionTarget::Cpu)));
    println!("{:?}", code(load(GraphEncoding::Openvino, ExecutionTarget::Cpu)));
    println!("{:?}", code(load(GraphEncoding::Onnx, ExecutionTarget::Gpu)));
}

fn print(output: &Tensor) {
    let data = output.data();
    let value = |at: usize| f32::from_le_bytes(data[at..at + 4].try_into().unwrap());
    println!("{:?}: {} {}", output.dimensions(), value(0), value(4));
}

fn main() {
    refuse_graphs();
    let graph = load_by_name("demo").unwrap();
    let context = graph.init_execution_context().unwrap();
    let compute = |name: &str, tensor| context.compute(vec![(name.to_string(), tensor)]);
    println!("{:?}", code(context.compute(vec![])));
    println!("{:?}", code(compute("z", tensor(&[1, 2], TensorType::Fp32))));
    println!("{:?}", code(compute("x", tensor(&[2, 1], TensorType::Fp32))));
    println!("{:?}", code(compute("x", tensor(&[1, 2], TensorType::I32))));
    for name in ["x", "0"] {
        print(&compute(name, tensor(&[1, 2], TensorType::Fp32)).unwrap()[0].1);
    }
}
