// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//! `image.c` in Rust, on the published crate `wasi-nn`.

use std::error::Error;
use std::io::{read_to_string, stdin};
use wasi_nn::{ExecutionTarget, GraphBuilder, GraphEncoding, TensorType};

const SIDE: usize = 8;
const CLASSES: usize = 10;

/// The brightness of each pixel of a plain PGM, from 0 to 16.
fn parse_picture(text: &str) -> Option<Vec<f32>> {
    let mut words = text.split_whitespace();
    if words.next()? != "P2" {
        return None;
    }
    let numbers: Vec<f32> = words.map_while(|word| word.parse().ok()).collect();
    let [width, height, brightest, ref pixels @ ..] = numbers[..] else {
        return None;
    };
    let fits = width as usize == SIDE && height as usize == SIDE && pixels.len() == SIDE * SIDE;
    fits.then(|| pixels.iter().map(|value| 16.0 * value / brightest).collect())
}

fn main() -> Result<(), Box<dyn Error>> {
    let picture = parse_picture(&read_to_string(stdin())?)
        .ok_or("this is no PGM picture of 8 by 8 pixels")?;
    let graph =
        GraphBuilder::new(GraphEncoding::Onnx, ExecutionTarget::CPU).build_from_cache("digits")?;
    let mut context = graph.init_execution_context()?;
    context.set_input(0, TensorType::F32, &[1, 1, SIDE, SIDE], &picture)?;
    context.compute()?;
    let mut probabilities = [0f32; CLASSES];
    context.get_output(0, &mut probabilities)?;
    let mut order: Vec<usize> = (0..CLASSES).collect();
    order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
    for &digit in &order[..5] {
        println!("{digit} {:.1}%", 100.0 * probabilities[digit]);
    }
    Ok(())
}
