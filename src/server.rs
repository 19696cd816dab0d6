//! The HTTP side: connections in, evaluation calls answered here, everything else routed.
//!
//! Accepting and framing are ours because a sidecar must outlive silent, stalled and hostile
//! clients; statuses, health and reflection are tonic's (ARCHITECTURE.md, decision 3).

pub(crate) mod accept;
mod authority;
mod body;
mod budget;
mod call;
mod coalesce;
mod connection;
pub(crate) mod descriptors;
pub(crate) mod gate;
mod headers;
pub(crate) mod listener;
mod reading;
pub(crate) mod replies;
pub(crate) mod routed;
pub(crate) mod socket_file;
mod stream;
pub(crate) mod workers;

use crate::{
    lifecycle::Lifecycle,
    rpc::{Method, Rpc},
};
use axum::Router;
use budget::Budget;
use call::{Answer, Evaluation};
use gate::Seat;
use http::Request;
use hyper::body::Incoming;
use std::sync::Arc;
use workers::Workers;

/// What a listener serves.
#[derive(Debug)]
pub(crate) struct Site {
    /// Evaluation, on ports that have it; matched before the router.
    evaluation: Option<Arc<Evaluation>>,
    router: Router,
    budget: Arc<Budget>,
    lifecycle: Lifecycle,
    workers: Arc<Workers>,
}

impl Site {
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
        let budget = Arc::new(Budget::new());
        Self { evaluation: None, router, budget, lifecycle, workers: Arc::default() }
    }

    pub(crate) fn lifecycle(&self) -> &Lifecycle {
        &self.lifecycle
    }

    /// Answers a request: evaluation here, the rest by the router.
    fn respond(&self, seat: &Arc<Seat>, request: Request<Incoming>) -> Answer {
        seat.ask();
        if let Some(refusal) = headers::too_long(&request) {
            return Answer::Now(refusal);
        }
        if let Some(evaluation) = &self.evaluation
            && let Some(method) = Method::find(request.uri().path())
        {
            return evaluation.answer(seat, method, request);
        }
        routed::answer(&self.router, seat, &self.budget, request)
    }
}
