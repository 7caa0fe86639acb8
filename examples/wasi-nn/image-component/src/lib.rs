// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//! `image.c` on `wasi:nn`: the part that programs and servers share.

wit_bindgen::generate!({ path: "../wit/wasi-nn.wit", world: "ml", generate_all });

use wasi::nn::graph::load_by_name;
use wasi::nn::tensor::{Tensor, TensorType};

pub const SIDE: u32 = 8;

/// The bytes of the pixels as f32 from 0 to 16.
pub fn parse_picture(text: &str) -> Option<Vec<u8>> {
    let mut words = text.split_whitespace();
    if words.next()? != "P2" {
        return None;
    }
    let numbers: Vec<f32> = words.map_while(|word| word.parse().ok()).collect();
    let [width, height, brightest, ref pixels @ ..] = numbers[..] else {
        return None;
    };
    let fits = width as u32 == SIDE && height as u32 == SIDE && pixels.len() as u32 == SIDE * SIDE;
    let scaled = pixels.iter().flat_map(|value| (16.0 * value / brightest).to_le_bytes());
    fits.then(|| scaled.collect())
}

/// "DIGIT PERCENT" of the five likeliest digits, a line each.
pub fn classify(picture: &[u8]) -> Result<String, String> {
    let graph = load_by_name("digits").map_err(|error| error.data())?;
    let context = graph.init_execution_context().map_err(|error| error.data())?;
    let tensor = Tensor::new(&[1, 1, SIDE, SIDE], TensorType::Fp32, picture);
    let outputs =
        context.compute(vec![("image".to_string(), tensor)]).map_err(|error| error.data())?;
    let data = outputs.first().ok_or("the model has no output")?.1.data();
    let mut classes: Vec<(usize, f32)> = data
        .chunks_exact(4)
        .map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()))
        .enumerate()
        .collect();
    classes.sort_by(|a, b| b.1.total_cmp(&a.1));
    let lines = classes.iter().take(5).map(|(digit, p)| format!("{digit} {:.1}%\n", 100.0 * p));
    Ok(lines.collect())
}
