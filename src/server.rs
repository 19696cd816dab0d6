//! The HTTP side: connections in, evaluation calls answered here, everything else routed.
//!
//! Accepting and framing are ours because a sidecar must outlive silent, stalled and hostile
//! clients; statuses, health and reflection are tonic's (ARCHITECTURE.md, decision 3).

pub(crate) mod accept;
mod body;
mod call;
mod connection;
pub(crate) mod listener;
pub(crate) mod workers;

use crate::{
    lifecycle::Lifecycle,
    rpc::{Method, Rpc},
};
use axum::Router;
use body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use std::{convert::Infallible, pin::Pin, sync::Arc};
use tonic::codegen::Service;
use workers::Workers;

/// What a listener serves.
#[derive(Debug)]
pub(crate) struct Site {
    /// Evaluation, on ports that have it; matched before the router.
    rpc: Option<Rpc>,
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
        Self { rpc: Some(rpc), router, lifecycle, workers }
    }

    /// A port with routed services only.
    pub(crate) fn routed(router: Router, lifecycle: Lifecycle) -> Self {
        Self { rpc: None, router, lifecycle, workers: Workers::default() }
    }

    pub(crate) fn lifecycle(&self) -> &Lifecycle {
        &self.lifecycle
    }

    async fn respond(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Infallible> {
        if let Some(rpc) = &self.rpc
            && let Some(method) = Method::find(request.uri().path())
        {
            return Ok(call::answer(rpc, method, request, &self.lifecycle).await);
        }
        // Boxed, because every call's task would carry its size.
        let routed: Pin<Box<dyn Future<Output = _> + Send>> =
            Box::pin(self.router.clone().call(request));
        Ok(routed.await?.map(Body::Routed))
    }
}
