//! The evaluation methods at the level of bytes: `(method, message) → frame or status`.
//!
//! No transport is known here, so every one of them answers, counts and fails alike.

pub(crate) mod bulk;
pub(crate) mod errors;
pub(crate) mod resolve;
pub(crate) mod subscription;

use crate::{
    clock::now,
    metrics::Metrics,
    store::Store,
    wire::method::{Method, Procedure},
};
use bytes::Bytes;
use resolve::Question;
use std::{sync::Arc, time::Instant};
use tonic::Status;

/// What answers requests.
#[derive(Debug)]
pub(crate) struct Rpc {
    pub(crate) store: Store,
    pub(crate) metrics: Arc<Metrics>,
}

impl Rpc {
    pub(crate) fn new(store: Store, metrics: Arc<Metrics>) -> Self {
        Self { store, metrics }
    }

    /// Answers one message with one frame, at once; `at` is when it arrived.
    pub(crate) fn unary(
        &self,
        method: Method,
        message: &[u8],
        at: Instant,
    ) -> Result<Bytes, Status> {
        match method.procedure {
            Procedure::Resolve(wanted) => {
                self.resolve(Question { version: method.version, wanted, at }, message)
            }
            // Neither is answered at once; who gets here asked for a stream with garbage.
            Procedure::ResolveAll | Procedure::EventStream => Err(errors::malformed()),
        }
    }
}
