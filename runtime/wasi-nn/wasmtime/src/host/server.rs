// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//! Serves HTTP/1.1 with a component, a new instance for each request.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use nncc_wasi_nn::{Compiler, Models, Program};
use tokio::net::{TcpListener, TcpStream};
use wasmtime::component::Linker;
use wasmtime::error::bail;
use wasmtime::{Result, Store};
use wasmtime_wasi::{WasiCtxView, WasiView};
use wasmtime_wasi_http::io::TokioIo;
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;
use wasmtime_wasi_http::p2::body::HyperOutgoingBody;
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

use super::{Options, State};

struct Server {
    component: ProxyPre<Serving>,
    models: Models,
    options: Options,
}

/// What belongs to one request.
struct Serving {
    state: State,
    http: WasiHttpCtx,
    hooks: NoRequests,
}

/// Models are served; nobody else is asked.
struct NoRequests;

/// How a connection that a guest opened ends.
type Finished = Box<dyn Future<Output = Result<(), Error>> + Send>;

impl WasiHttpHooks for NoRequests {
    fn send_request(
        &mut self, _: Request<WasiBody>, _: Option<RequestOptions>, _: Finished,
    ) -> Box<dyn Future<Output = Result<(Response<WasiBody>, Finished), Error>> + Send> {
        Box::new(async { Err(Error::HttpRequestDenied) })
    }
}

impl WasiView for Serving {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.state.ctx()
    }
}

impl WasiHttpView for Serving {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        let (hooks, ctx) = (&mut self.hooks, &mut self.http);
        WasiHttpCtxView { hooks, table: &mut self.state.table, ctx }
    }
}

/// Serves until the process is ended.
pub fn serve(
    compiler: &Compiler, program: &Program, models: Models, options: Options, address: SocketAddr,
) -> Result<ExitCode> {
    let Program::Component(component) = program else {
        bail!("only a component can serve HTTP; the guest is a core module")
    };
    let mut linker = Linker::<Serving>::new(compiler.engine());
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    nncc_wasi_nn::add_interfaces_to_linker(&mut linker, |serving: &mut Serving| {
        serving.state.nn()
    })?;
    let component = ProxyPre::new(linker.instantiate_pre(component)?)?;
    let server = Arc::new(Server { component, models, options });
    tokio::runtime::Builder::new_multi_thread()
        .enable_io()
        .build()?
        .block_on(accept(server, address))
}

async fn accept(server: Arc<Server>, address: SocketAddr) -> Result<ExitCode> {
    let listener = TcpListener::bind(address).await?;
    println!("http://{}/", listener.local_addr()?);
    loop {
        let (client, _) = listener.accept().await?;
        tokio::spawn(talk(server.clone(), client));
    }
}

/// All requests of one connection.
async fn talk(server: Arc<Server>, client: TcpStream) {
    let service = service_fn(|request| server.answer(request));
    let done = http1::Builder::new().serve_connection(TokioIo::new(client), service).await;
    if let Err(error) = done {
        tracing::warn!("{error}");
    }
}

impl Server {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<HyperOutgoingBody>> {
        let state = State::new(&self.models, &self.options)?;
        let serving = Serving { state, http: WasiHttpCtx::new(), hooks: NoRequests };
        let mut store = Store::new(self.component.engine(), serving);
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let request = store.data_mut().http().new_incoming_request(Scheme::Http, request)?;
        let out = store.data_mut().http().new_response_outparam(sender)?;
        let component = self.component.clone();
        // A task of its own: the guest may go on after the head of its answer.
        let task = tokio::spawn(async move {
            let proxy = component.instantiate_async(&mut store).await?;
            proxy.wasi_http_incoming_handler().call_handle(&mut store, request, out).await
        });
        match receiver.await {
            Ok(response) => Ok(response?),
            // The guest ended without an answer; why is known to the task.
            Err(_) => {
                task.await??;
                bail!("the guest gave no answer")
            }
        }
    }
}
