// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//! The guest of `guest.c`, on the published crate.

use wasi_nn::{ExecutionTarget, GraphBuilder, GraphEncoding, TensorType};

fn main() {
    let graph = GraphBuilder::new(GraphEncoding::Onnx, ExecutionTarget::CPU)
        .build_from_cache("demo")
        .expect("the model is registered");
    let mut context = graph.init_execution_context().expect("a context");
    context.set_input(0, TensorType::F32, &[1, 2], &[1f32, 2.]).expect("the input fits");
    context.compute().expect("the model runs");
    let mut y = [0f32; 2];
    context.get_output(0, &mut y).expect("an output");
    println!("{} {}", y[0], y[1]);
}
