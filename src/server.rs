//! The HTTP side: connections in, evaluation calls answered here, everything else routed.
//!
//! Accepting and framing are ours because a sidecar must outlive silent, stalled and hostile
//! clients; statuses, health and reflection are tonic's (ARCHITECTURE.md, decision 3).

pub(crate) mod accept;
mod authority;
mod body;
mod call;
mod connection;
pub(crate) mod connection_limiter;
mod corked;
pub(crate) mod descriptors;
mod headers;
mod http1;
mod http2;
pub(crate) mod listener;
pub(crate) mod memory_budget;
mod quiet;
pub(crate) mod reply_limiter;
pub(crate) mod request_body;
pub(crate) mod routed;
mod sending;
pub(crate) mod socket_file;
mod stream;
pub(crate) mod workers;

use crate::{
    lifecycle::Lifecycle,
    rpc::Rpc,
    server::{
        connection_limiter::ConnectionState, memory_budget::MemoryBudget, request_body::Inbound,
    },
    wire::method::Method,
};
use axum::Router;
use body::Body;
use call::{Answer, Evaluation, Reply};
use h2::RecvStream;
use http::{Request, Response};
use hyper::body::Incoming;
use std::{
    future::{Future, ready},
    pin::Pin,
    sync::Arc,
};
use workers::Workers;

/// What a listener serves.
#[derive(Debug)]
pub(crate) struct PortService {
    /// Evaluation, on ports that have it; matched before the router.
    evaluation: Option<Arc<Evaluation>>,
    router: Router,
    budget: Arc<MemoryBudget>,
    lifecycle: Lifecycle,
    workers: Arc<Workers>,
}

impl PortService {
    /// A port for evaluation, with services beside it.
    pub(crate) fn evaluation(
        rpc: Rpc,
        router: Router,
        lifecycle: Lifecycle,
        workers: Arc<Workers>,
    ) -> Self {
        let site = Self { workers, ..Self::routed(router, lifecycle.clone()) };
        let evaluation = Evaluation::new(rpc, lifecycle, Arc::clone(&site.budget));
        Self { evaluation: Some(Arc::new(evaluation)), ..site }
    }

    /// A port with routed services only.
    pub(crate) fn routed(router: Router, lifecycle: Lifecycle) -> Self {
        let budget = Arc::new(MemoryBudget::new());
        Self { evaluation: None, router, budget, lifecycle, workers: Arc::default() }
    }

    pub(crate) fn lifecycle(&self) -> &Lifecycle {
        &self.lifecycle
    }

    /// Answers a request over HTTP/2: evaluation here, the rest by the router.
    fn respond(&self, seat: &Arc<ConnectionState>, request: Request<RecvStream>) -> Answer {
        seat.ask();
        if let Some(refusal) = headers::too_long(&request) {
            return Answer::Now(refusal.into());
        }
        if let Some(evaluation) = &self.evaluation
            && let Some(method) = Method::find(request.uri().path())
        {
            return evaluation.answer(seat, method, request);
        }
        match routed::answer(&self.router, seat, &self.budget, request.map(Inbound)) {
            Ok(response) => Answer::Later(Box::pin(async { response.await.into() })),
            Err(refusal) => Answer::Now(Reply::Other(refusal)),
        }
    }

    /// Answers a request over HTTP/1.1, which has no evaluation.
    fn respond_http1(
        &self,
        seat: &Arc<ConnectionState>,
        request: Request<Incoming>,
    ) -> Http1Response {
        seat.ask();
        let is_evaluation =
            || self.evaluation.is_some() && Method::find(request.uri().path()).is_some();
        let refusal = headers::too_long(&request)
            .or_else(|| if is_evaluation() { call::not_grpc(&request) } else { None });
        if let Some(refusal) = refusal {
            return Box::pin(ready(refusal));
        }
        match routed::answer(&self.router, seat, &self.budget, request) {
            Ok(response) => Box::pin(response),
            Err(refusal) => Box::pin(ready(*refusal)),
        }
    }
}

type Http1Response = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;
