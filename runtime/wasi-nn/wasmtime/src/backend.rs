// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//! Models by name and by content, as `wasmtime-wasi-nn` wants them.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use wasmtime::error::{Context as _, ensure, format_err};
use wasmtime::{Module, Result};
use wasmtime_wasi_nn::backend::{BackendError, BackendFromDir, BackendGraph, BackendInner};
use wasmtime_wasi_nn::wit::{ExecutionTarget, GraphEncoding};
use wasmtime_wasi_nn::{Backend, ExecutionContext, Graph, GraphRegistry, Registry};

use crate::compiler::Compiler;
use crate::context::{Context, report};
use crate::errno::{Errno, Failure, refuse};
use crate::instance::{Instance, Setting};
use crate::signature::{Inside, Named, Signature, Weights};

const MOST_THREADS: usize = 8;

/// A compiled model. Instances of it are independent.
pub struct Model {
    module: Module,
    setting: Setting,
    pub signature: Signature,
    /// Those that are not in the module.
    weights: Option<Vec<u8>>,
}

impl Model {
    /// `folder` is where external weights are; none for a module that has no place.
    fn new(module: Module, folder: Option<&Path>, setting: Setting) -> Result<Model> {
        let mut instance = Instance::new(&module, &setting)?;
        let signature = instance.signature()?;
        for Named { name } in &signature.functions {
            ensure!(instance.has_function(name), "it calls {name}, which its functions lack");
        }
        let weights = match &signature.weights {
            Weights::Inside(Inside::Embedded) => None,
            Weights::File { file, sha256 } => {
                let folder = folder.context("its weights are in a file: register it by name")?;
                Some(read_weights(&folder.join(file), sha256)?)
            }
        };
        Ok(Model { module, setting, signature, weights })
    }

    pub fn instantiate(&self) -> Result<Instance> {
        let mut instance = Instance::new(&self.module, &self.setting)?;
        if let Some(weights) = &self.weights {
            instance.fill_weights(weights)?;
        }
        Ok(instance)
    }
}

fn read_weights(path: &Path, sha256: &str) -> Result<Vec<u8>> {
    let weights = std::fs::read(path).with_context(|| format!("{}", path.display()))?;
    ensure!(hash(&weights) == sha256, "{}: these are not the model's weights", path.display());
    Ok(weights)
}

/// SHA-256 in hexadecimal digits.
fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The models that guests find, by name or by the ONNX file that they were compiled from.
#[derive(Clone)]
pub struct Models {
    compiler: Compiler,
    setting: Setting,
    named: HashMap<String, Arc<Model>>,
    substitute: Option<Arc<Model>>,
}

impl Models {
    pub fn new(compiler: Compiler) -> Models {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let setting = Setting { threads: threads.min(MOST_THREADS), functions: None };
        Models { compiler, setting, named: HashMap::new(), substitute: None }
    }

    /// How many threads each execution context has of models that are registered from now on
    /// and were compiled with --threads.
    pub fn set_threads(&mut self, count: usize) {
        self.setting.threads = count.clamp(1, MOST_THREADS);
    }

    /// Gives models that are registered from now on the operators that they were compiled
    /// with as --extern: exports of a module with the model's memory (docs/extern.md).
    pub fn set_functions(&mut self, path: &Path) -> Result<()> {
        self.setting.functions = Some(self.compiler.module(path)?);
        Ok(())
    }

    /// Registers each module in a folder by its name without `.wasm`.
    pub fn add_folder(&mut self, folder: &Path) -> Result<()> {
        let entries = folder.read_dir().with_context(|| format!("{}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "wasm") {
                let name = path.file_stem().unwrap_or_default().to_string_lossy();
                self.add(&name, &path)?;
            }
        }
        Ok(())
    }

    /// Registers a module that nncc made.
    pub fn add(&mut self, name: &str, path: &Path) -> Result<()> {
        let module = self.compiler.module(path)?;
        let model = Model::new(module, path.parent(), self.setting.clone());
        let model = model.with_context(|| format!("{}", path.display()))?;
        self.named.insert(name.to_string(), Arc::new(model));
        Ok(())
    }

    /// Lets a registered model stand for files of other formats that guests load, such as
    /// those of OpenVINO, whatever is in them.
    pub fn substitute(&mut self, name: &str) -> Result<()> {
        let model = self.named.get(name).with_context(|| format!("there is no model '{name}'"))?;
        self.substitute = Some(model.clone());
        Ok(())
    }

    /// For `load-by-name`.
    pub fn registry(&self) -> Registry {
        let graph = |(name, model): (&String, &Arc<Model>)| (name.clone(), graph_of(model.clone()));
        Registry::from(ByName(self.named.iter().map(graph).collect()))
    }

    /// Whether guests may load files of any format.
    pub fn takes_any_file(&self) -> bool {
        self.substitute.is_some()
    }

    pub fn named(&self, name: &str) -> Option<Arc<Model>> {
        self.named.get(name).cloned()
    }

    /// Of a module that nncc made, or of the ONNX file that a registered one was made from.
    pub fn load(&self, bytes: &[u8]) -> Result<Arc<Model>> {
        if bytes.starts_with(b"\0asm") {
            // What guests bring is not put into the cache: they could fill the disk.
            let module = Module::new(self.compiler.engine(), bytes)?;
            return Ok(Arc::new(Model::new(module, None, self.setting.clone())?));
        }
        let hash = hash(bytes);
        let model = self.named.values().find(|model| model.signature.source.sha256 == hash);
        model.or(self.substitute.as_ref()).cloned().ok_or_else(|| {
            format_err!("these bytes are neither an nncc module nor the source of a model ({hash})")
        })
    }
}

/// The backends for `load`: of the encodings `onnx` and `autodetect`, and with a substitute
/// of all.
pub fn backends(models: &Models) -> Vec<Backend> {
    let own = [GraphEncoding::Onnx, GraphEncoding::Autodetect];
    let others = [
        GraphEncoding::Openvino,
        GraphEncoding::Tensorflow,
        GraphEncoding::Pytorch,
        GraphEncoding::Tensorflowlite,
        GraphEncoding::Ggml,
    ];
    let others = others.into_iter().filter(|_| models.substitute.is_some());
    let backend = |encoding| Backend::from(Nncc { models: models.clone(), encoding });
    own.into_iter().chain(others).map(backend).collect()
}

struct Nncc {
    models: Models,
    encoding: GraphEncoding,
}

impl BackendInner for Nncc {
    fn encoding(&self) -> GraphEncoding {
        self.encoding
    }

    fn load(&mut self, builders: &[&[u8]], target: ExecutionTarget) -> Result<Graph, BackendError> {
        if target != ExecutionTarget::Cpu {
            return report(refuse(
                Errno::UnsupportedOperation,
                format!("there is no {target:?} here"),
            ));
        }
        report(self.models.load(&builders.concat()).map(graph_of).map_err(Failure::from))
    }

    fn as_dir_loadable(&mut self) -> Option<&mut dyn BackendFromDir> {
        Some(self)
    }
}

impl BackendFromDir for Nncc {
    /// Of the file `model.wasm` in the folder.
    fn load_from_dir(&mut self, path: &Path, _: ExecutionTarget) -> Result<Graph, BackendError> {
        let module = self.models.compiler.module(&path.join("model.wasm"));
        let setting = self.models.setting.clone();
        let model = module.and_then(|module| Model::new(module, Some(path), setting));
        report(model.map(|model| graph_of(Arc::new(model))).map_err(Failure::from))
    }
}

struct ModelGraph(Arc<Model>);

fn graph_of(model: Arc<Model>) -> Graph {
    let graph: Box<dyn BackendGraph> = Box::new(ModelGraph(model));
    graph.into()
}

impl BackendGraph for ModelGraph {
    fn init_execution_context(&self) -> Result<ExecutionContext, BackendError> {
        let context: Box<dyn wasmtime_wasi_nn::backend::BackendExecutionContext> =
            Box::new(report(Context::new(self.0.clone()).map_err(Failure::from))?);
        Ok(context.into())
    }
}

struct ByName(HashMap<String, Graph>);

impl GraphRegistry for ByName {
    fn get(&self, name: &str) -> Option<&Graph> {
        self.0.get(name)
    }

    fn get_mut(&mut self, name: &str) -> Option<&mut Graph> {
        self.0.get_mut(name)
    }
}
