// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//! An HTTP component: a picture of a digit comes in as plain PGM, 8 by 8 pixels,
//! and the digits that it may be go out. It knows nothing of nncc, but imports
//! `wasi:nn`, which `nncc link` gives it.

use wasi::http::types::{
    Fields, IncomingBody, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use wasi::io::streams::StreamError;

// In a module of its own: what is generated is called `wasi` too.
mod bindings {
    wit_bindgen::generate!({
        inline: "package nncc:server; world server { include wasi:nn/ml@0.2.0-rc-2024-10-28; }",
        path: "wit/wasi-nn.wit",
        world: "nncc:server/server",
        generate_all,
    });
}

use bindings::wasi::nn::graph::load_by_name;
use bindings::wasi::nn::tensor::{Tensor, TensorType};

const SIDE: u32 = 8;

/// The bytes of the pixels as f32 from 0 to 16.
fn parse_picture(text: &str) -> Option<Vec<u8>> {
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

/// "DIGIT PERCENT" of the three likeliest digits, a line each.
fn classify(picture: &[u8]) -> Result<String, String> {
    let graph = load_by_name("digits").map_err(|error| error.data())?;
    let context = graph.init_execution_context().map_err(|error| error.data())?;
    let tensor = Tensor::new(&[1, 1, SIDE, SIDE], TensorType::Fp32, picture);
    let outputs = context.compute(vec![("0".to_string(), tensor)]).map_err(|error| error.data())?;
    let data = outputs.first().ok_or("the model has no output")?.1.data();
    let mut classes: Vec<(usize, f32)> = data
        .chunks_exact(4)
        .map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()))
        .enumerate()
        .collect();
    classes.sort_by(|a, b| b.1.total_cmp(&a.1));
    let lines = classes.iter().take(3).map(|(digit, p)| format!("{digit} {:.1}%\n", 100.0 * p));
    Ok(lines.collect())
}

fn read_body(request: &IncomingRequest) -> Option<String> {
    let body: IncomingBody = request.consume().ok()?;
    let stream = body.stream().ok()?;
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(4096) {
            Ok(part) => bytes.extend(part),
            Err(StreamError::Closed) => return String::from_utf8(bytes).ok(),
            Err(_) => return None,
        }
    }
}

fn answer(request: &IncomingRequest) -> (u16, String) {
    let Some(picture) = read_body(request).and_then(|text| parse_picture(&text)) else {
        return (400, format!("send a PGM picture of {SIDE} by {SIDE} pixels\n"));
    };
    classify(&picture).map_or_else(|why| (500, why), |text| (200, text))
}

struct Server;

impl wasi::exports::http::incoming_handler::Guest for Server {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let (status, text) = answer(&request);
        let response = OutgoingResponse::new(Fields::new());
        response.set_status_code(status).expect("a known status");
        let body = response.body().expect("the body is taken once");
        ResponseOutparam::set(out, Ok(response));
        let stream = body.write().expect("the stream is taken once");
        // A client that is gone is none of our business.
        let _ = stream.blocking_write_and_flush(text.as_bytes());
        drop(stream);
        let _ = OutgoingBody::finish(body, None);
    }
}

wasi::http::proxy::export!(Server);
