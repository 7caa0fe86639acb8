// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//! A guest on WasmEdge's crate, with all that it adds: "demo", y = 2x + 1 on f32[1, 2], by
//! name, with a configuration and from its file.

use wasmedge_wasi_nn::{Error, ExecutionTarget, Graph, GraphBuilder, GraphEncoding, TensorType};

fn run(graph: &Graph) -> Result<(), Error> {
    let mut context = graph.init_execution_context()?;
    let mut output = vec![0f32; 1001];
    context.set_input(0, TensorType::F32, &[1, 2], &[1f32, 2.])?;
    context.compute()?;
    let bytes = context.get_output(0, &mut output)?;
    println!("{bytes}: {} {}", output[0], output[1]);
    context.fini_single()?;
    context.set_input(0, TensorType::F32, &[1, 2], &[3f32, 4.])?;
    context.compute_single()?;
    let bytes = context.get_output_single(0, &mut output)?;
    println!("{bytes}: {} {}", output[0], output[1]);
    Ok(())
}

fn main() -> Result<(), Error> {
    // The crate's own spelling.
    let builder = || GraphBuilder::new(GraphEncoding::Autodetec, ExecutionTarget::AUTO);
    run(&builder().build_from_cache("demo")?)?;
    run(&builder().config("{}".into()).build_from_cache("demo")?)?;
    let onnx = GraphBuilder::new(GraphEncoding::Onnx, ExecutionTarget::CPU);
    run(&onnx.build_from_files(["affine.onnx"])?)
}
