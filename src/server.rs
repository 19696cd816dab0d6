//! The HTTP side: connections in, evaluation calls answered here, everything else routed.
//!
//! Accepting and framing are ours because a sidecar must outlive silent, stalled and hostile
//! clients; statuses, health and reflection are tonic's (ARCHITECTURE.md, decision 3).

pub(crate) mod accept;
mod authority;
mod body;
mod call;
mod connection;
pub(crate) mod listener;
mod stream;
pub(crate) mod workers;

use crate::{
    lifecycle::Lifecycle,
    rpc::{Method, Rpc},
};
use axum::Router;
use body::Body;
use call::Answer;
use http::Request;
use hyper::body::Incoming;
use std::sync::Arc;
use tonic::codegen::Service;
use workers::Workers;

/// What a listener serves.
#[derive(Debug)]
pub(crate) struct Site {
    /// Evaluation, on ports that have it; matched before the router.
    rpc: Option<Arc<Rpc>>,
    router: Router,
    lifecycle: Lifecycle,
    workers: Workers,
}

impl Site {
    /// A port for evaluation, with services beside it.
    pub(crate) fn evaluation(
        rpc: Rpc,
        router: Router,
        lifecycle: Lifecycle,
        workers: Workers,
    ) -> Self {
        Self { rpc: Some(Arc::new(rpc)), router, lifecycle, workers }
    }

    /// A port with routed services only.
    pub(crate) fn routed(router: Router, lifecycle: Lifecycle) -> Self {
        Self { rpc: None, router, lifecycle, workers: Workers::default() }
    }

    pub(crate) fn lifecycle(&self) -> &Lifecycle {
        &self.lifecycle
    }

    /// Answers a request: evaluation here, the rest by the router.
    fn respond(&self, request: Request<Incoming>) -> Answer {
        if let Some(rpc) = &self.rpc
            && let Some(method) = Method::find(request.uri().path())
        {
            return call::answer(rpc, &self.lifecycle, method, request);
        }
        let routed = self.router.clone().call(request);
        Answer::Later(Box::pin(async move {
            match routed.await {
                Ok(response) => response.map(Body::Routed),
                Err(never) => match never {},
            }
        }))
    }
}
