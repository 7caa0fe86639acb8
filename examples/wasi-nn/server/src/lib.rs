// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//! An HTTP component: a picture of a digit comes in as plain PGM, 8 by 8 pixels,
//! and the digits that it may be go out. It knows nothing of nncc, but imports
//! `wasi:nn`, which `nncc link` gives it.

use wasi::http::types::{
    Fields, IncomingBody, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use wasi::io::streams::StreamError;

use image_component::{classify, parse_picture, SIDE};

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
