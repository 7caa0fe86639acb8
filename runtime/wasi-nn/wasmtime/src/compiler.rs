// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//! Machine code of modules and components, kept in a folder between processes.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use wasmtime::component::Component;
use wasmtime::error::Context;
use wasmtime::{Config, Engine, Module, Result};

/// What a file with WebAssembly holds.
pub enum Program {
    Module(Module),
    Component(Component),
}

/// Compiles for this machine. With a cache, what was compiled is mapped from its file: code
/// is read when it runs, and the data of a module, such as weights, is shared between
/// instances and processes until somebody writes to it.
#[derive(Clone)]
pub struct Compiler {
    engine: Engine,
    cache: Option<PathBuf>,
}

impl Compiler {
    /// A compiler that keeps machine code in the folder `cache`. Who can write there can run
    /// code in this process.
    pub fn new(cache: Option<PathBuf>) -> Result<Compiler> {
        if let Some(folder) = &cache {
            fs::create_dir_all(folder).with_context(|| format!("{}", folder.display()))?;
        }
        let mut config = Config::new();
        config.shared_memory(true); // Of models with --threads.
        Ok(Compiler { engine: Engine::new(&config)?, cache })
    }

    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    pub fn module(&self, path: &Path) -> Result<Module> {
        match self.cached(path)? {
            // SAFETY: compile_into wrote the file, by Engine::precompile_module.
            Some(file) => unsafe { Module::deserialize_file(&self.engine, file) },
            None => Module::new(&self.engine, read(path)?),
        }
        .with_context(|| format!("{}", path.display()))
    }

    /// A module or a component, whichever the file holds.
    pub fn program(&self, path: &Path) -> Result<Program> {
        if !is_component(path)? {
            return Ok(Program::Module(self.module(path)?));
        }
        let component = match self.cached(path)? {
            // SAFETY: compile_into wrote the file, by Engine::precompile_component.
            Some(file) => unsafe { Component::deserialize_file(&self.engine, file) },
            None => Component::new(&self.engine, read(path)?),
        };
        Ok(Program::Component(component.with_context(|| format!("{}", path.display()))?))
    }

    /// The file with the machine code of `path`, made if it is not there; none without a cache.
    fn cached(&self, path: &Path) -> Result<Option<PathBuf>> {
        let Some(folder) = &self.cache else { return Ok(None) };
        let file =
            folder.join(self.file_name(path).with_context(|| format!("{}", path.display()))?);
        if !file.exists() {
            self.compile_into(path, &file)?;
        }
        Ok(Some(file))
    }

    /// A name for the machine code of a file as it is now. Its content is not read: hashing
    /// the weights would take longer than all else that a cold start has to do.
    fn file_name(&self, path: &Path) -> Result<String> {
        let status = fs::metadata(path)?;
        let mut hasher = DefaultHasher::new();
        self.engine.precompile_compatibility_hash().hash(&mut hasher);
        path.canonicalize()?.hash(&mut hasher);
        (status.len(), status.modified()?).hash(&mut hasher);
        Ok(format!("{:016x}.cwasm", hasher.finish()))
    }

    /// Other processes see the file whole or not at all.
    fn compile_into(&self, path: &Path, file: &Path) -> Result<()> {
        let bytes = read(path)?;
        let code = match is_component(path)? {
            true => self.engine.precompile_component(&bytes),
            false => self.engine.precompile_module(&bytes),
        }
        .with_context(|| format!("{}", path.display()))?;
        let temporary = file.with_extension(std::process::id().to_string());
        fs::write(&temporary, code)
            .and_then(|()| fs::rename(&temporary, file))
            .with_context(|| format!("{}", file.display()))
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("{}", path.display()))
}

/// Whether a file has the version and the layer of a component in its first eight bytes.
fn is_component(path: &Path) -> Result<bool> {
    let mut header = [0; 8];
    let file = fs::File::open(path).with_context(|| format!("{}", path.display()))?;
    // A file that is too short is no component; compiling it says what it is.
    let read = std::io::Read::read_exact(&mut &file, &mut header);
    Ok(read.is_ok() && header[..4] == *b"\0asm" && header[6] == 1)
}
