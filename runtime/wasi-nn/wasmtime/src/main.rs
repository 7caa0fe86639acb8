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
  --models DIR       a folder of them: each is found by its name without .wasm
  --functions FILE   a module with the operators of models compiled with --extern
  --threads COUNT    of models compiled with --threads (default: one a core, at most 8)
  --substitute NAME  a model for files of other formats that the guest loads
  --dir DIR[::NAME]  a folder that the guest may read and write, by the same name
                     or by another
  --env NAME=VALUE   an environment variable of the guest
  --cache DIR        where compiled code is kept (default: nncc in $XDG_CACHE_HOME
                     or in ~/.cache)
  --no-cache         compile anew, and keep nothing
  --listen ADDRESS   of serve: where (default: 127.0.0.1:8080)
";

#[derive(Default)]
struct Arguments {
    options: Options,
    models: Vec<(String, PathBuf)>,
    model_folders: Vec<PathBuf>,
    functions: Option<PathBuf>,
    threads: Option<usize>,
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
    if let Some(count) = arguments.threads {
        models.set_threads(count);
    }
    if let Some(path) = &arguments.functions {
        models.set_functions(path)?;
    }
    for folder in &arguments.model_folders {
        models.add_folder(folder)?;
    }
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
    let mut arguments = Arguments { cache: default_cache(), ..Arguments::default() };
    let mut serves = false;
    let mut listen = SocketAddr::from(([127, 0, 0, 1], 8080));
    arguments.guest = loop {
        let Some(argument) = parser.next()? else { bail!("which guest? See --help") };
        match argument {
            Long("help") | Short('h') => return Ok(None),
            Long("listen") => listen = parser.value()?.parse()?,
            Long(name) => {
                let name = name.to_string();
                parse_option(&name, &mut parser, &mut arguments)?;
            }
            Value(word) if word == "serve" && !serves => serves = true,
            Value(guest) => break guest.into(),
            _ => bail!("{}; see --help", argument.unexpected()),
        }
    };
    // What follows is the guest's.
    let guest = arguments.guest.clone().into_os_string();
    arguments.options.arguments = std::iter::once(guest).chain(parser.raw_args()?).collect();
    arguments.listen = serves.then_some(listen);
    Ok(Some(arguments))
}

fn parse_option(name: &str, parser: &mut lexopt::Parser, arguments: &mut Arguments) -> Result<()> {
    match name {
        "model" => arguments.models.push(parse_pair(name, parser.value()?)?),
        "models" => arguments.model_folders.push(parser.value()?.into()),
        "functions" => arguments.functions = Some(parser.value()?.into()),
        "threads" => arguments.threads = Some(parser.value()?.parse()?),
        "substitute" => arguments.substitute = Some(parser.value()?.string()?),
        "dir" => arguments.options.folders.push(parse_folder(parser.value()?)?),
        "env" => arguments.options.variables.push(parse_pair(name, parser.value()?)?),
        "cache" => arguments.cache = Some(parser.value()?.into()),
        "no-cache" => arguments.cache = None,
        _ => bail!("there is no option --{name}; see --help"),
    }
    Ok(())
}

/// NAME=VALUE.
fn parse_pair<T: From<String>>(option: &str, word: OsString) -> Result<(String, T)> {
    let word = word.string()?;
    let (name, value) = word
        .split_once('=')
        .with_context(|| format!("--{option} takes a name, = and what it is"))?;
    Ok((name.to_string(), value.to_string().into()))
}

/// A folder here and its name for the guest.
fn parse_folder(word: OsString) -> Result<(String, String)> {
    let word = word.string()?;
    let (folder, name) = word.split_once("::").unwrap_or((&word, &word));
    Ok((folder.to_string(), name.to_string()))
}

fn default_cache() -> Option<PathBuf> {
    let folder = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")));
    cache.map(|cache| cache.join("nncc"))
}
