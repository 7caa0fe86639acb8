// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//! `image.c` as a component in Rust.

use std::error::Error;
use std::io::{read_to_string, stdin};

use image_component::{classify, parse_picture};

fn main() -> Result<(), Box<dyn Error>> {
    let text = read_to_string(stdin())?;
    let picture = parse_picture(&text).ok_or("this is no PGM picture of 8 by 8 pixels")?;
    print!("{}", classify(&picture)?);
    Ok(())
}
