//! The yardstick: tonic's own server, prost on both sides, and a constant answer.

use flagstaff::pb::flagd::evaluation::v2::{ResolveBooleanRequest, ResolveBooleanResponse};
use http::{Request, Response};
use std::{
    convert::Infallible,
    error::Error,
    future::{Ready, ready},
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};
use tonic::{
    Status,
    body::Body,
    codegen::Service,
    server::{Grpc, NamedService, UnaryService},
    transport::{Server, server::TcpIncoming},
};
use tonic_prost::ProstCodec;

#[derive(Clone)]
struct Echo;

impl NamedService for Echo {
    const NAME: &'static str = "flagd.evaluation.v2.Service";
}

impl UnaryService<ResolveBooleanRequest> for Echo {
    type Response = ResolveBooleanResponse;
    type Future = Ready<Result<tonic::Response<ResolveBooleanResponse>, Status>>;

    fn call(&mut self, _: tonic::Request<ResolveBooleanRequest>) -> Self::Future {
        ready(Ok(tonic::Response::new(ResolveBooleanResponse {
            value: Some(true),
            reason: "TARGETING_MATCH".to_owned(),
            variant: Some("on".to_owned()),
            metadata: None,
        })))
    }
}

impl Service<Request<Body>> for Echo {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(async move {
            let mut grpc = Grpc::new(ProstCodec::default());
            Ok(grpc.unary(Self, request).await)
        })
    }
}

/// Serves on a port, or on a free one if it is 0, on as many threads as Flagstaff is given.
pub(crate) fn serve(port: u16, workers: usize) -> Result<(), Box<dyn Error>> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build()?;
    runtime.block_on(async {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let incoming = TcpIncoming::bind(address)?.with_nodelay(Some(true));
        eprintln!("{}", incoming.local_addr()?);
        Server::builder().add_service(Echo).serve_with_incoming(incoming).await?;
        Ok(())
    })
}
