// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//! Runs programs for wasi-nn with models that nncc compiled.

mod host;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::prelude::*;
use nncc_wasi_nn::{Compiler, Models};
use wasmtime::Result;
use wasmtime::error::{Context, bail};

use host::Options;

const USAGE: &str = "\
usage: nncc-wasi-nn [OPTION]... GUEST [ARGUMENT]...
       nncc-wasi-nn serve [OPTION]... GUEST

Runs a program for wasi-nn, a core module on wasi_ephemeral_nn or a component on
wasi:nn, or serves HTTP with a component that exports wasi:http/incoming-handler.

  --model NAME=FILE  a module of nncc that the guest finds by this name
  --substitute NAME  a model for files of other formats that the guest loads
  --dir DIR          a folder that the guest may read and write, by the same name
  --cache DIR        where compiled code is kept (default: nncc in $XDG_CACHE_HOME
                     or in ~/.cache)
  --no-cache         compile anew, and keep nothing
  --listen ADDRESS   of serve: where (default: 127.0.0.1:8080)
";

struct Arguments {
    options: Options,
    models: Vec<(String, PathBuf)>,
    substitute: Option<String>,
    cache: Option<PathBuf>,
    /// With `serve`.
    listen: Option<SocketAddr>,
    guest: PathBuf,
}

fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).without_time().init();
    run().unwrap_or_else(|error| {
        eprintln!("nncc-wasi-nn: {error:#}");
        ExitCode::FAILURE
    })
}

fn run() -> Result<ExitCode> {
    let Some(arguments) = parse(lexopt::Parser::from_env())? else {
        print!("{USAGE}");
        return Ok(ExitCode::SUCCESS);
    };
    let compiler = Compiler::new(arguments.cache)?;
    let mut models = Models::new(compiler.clone());
    for (name, path) in &arguments.models {
        models.add(name, path)?;
    }
    if let Some(name) = &arguments.substitute {
        models.substitute(name)?;
    }
    let program = compiler.program(&arguments.guest)?;
    match arguments.listen {
        Some(address) => host::serve(&compiler, &program, models, arguments.options, address),
        None => host::run(&compiler, &program, models, &arguments.options),
    }
}

/// What the command line asks for; none for its help.
fn parse(mut parser: lexopt::Parser) -> Result<Option<Arguments>> {
    let mut options = Options::default();
    let (mut models, mut substitute) = (Vec::new(), None);
    let (mut cache, mut serves) = (default_cache(), false);
    let mut listen = SocketAddr::from(([127, 0, 0, 1], 8080));
    let guest = loop {
        let Some(argument) = parser.next()? else { bail!("which guest? See --help") };
        match argument {
            Long("help") | Short('h') => return Ok(None),
            Long("model") => models.push(parse_model(parser.value()?)?),
            Long("substitute") => substitute = Some(parser.value()?.string()?),
            Long("dir") => options.folders.push(parser.value()?.string()?),
            Long("cache") => cache = Some(parser.value()?.into()),
            Long("no-cache") => cache = None,
            Long("listen") => listen = parser.value()?.parse()?,
            Value(word) if word == "serve" && !serves => serves = true,
            Value(guest) => break guest,
            _ => bail!("{}; see --help", argument.unexpected()),
        }
    };
    // What follows is the guest's.
    options.arguments = std::iter::once(guest.clone()).chain(parser.raw_args()?).collect();
    let listen = serves.then_some(listen);
    Ok(Some(Arguments { options, models, substitute, cache, listen, guest: guest.into() }))
}

fn parse_model(word: OsString) -> Result<(String, PathBuf)> {
    let word = word.string()?;
    let (name, path) = word.split_once('=').context("--model takes NAME=FILE")?;
    Ok((name.to_string(), path.into()))
}

fn default_cache() -> Option<PathBuf> {
    let folder = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")));
    cache.map(|cache| cache.join("nncc"))
}
