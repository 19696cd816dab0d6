//! `GET /status`: everything a person or a tool may ask a running sidecar about itself, as JSON.
//!
//! It is written from what the source publishes after each look, never by asking the source, so
//! that a question cannot hold up a reload. docs/status.md describes it.

mod document;
mod traffic;

use crate::{
    lifecycle::{Lifecycle, Phase},
    metrics::Metrics,
    source::state::SourcesState,
    store::Store,
};
use document::StatusDocument;
use flagstaff_core::diagnostic::terminal::printable_json;
use std::{sync::Arc, time::Instant};
use tokio::sync::watch::Receiver;
use traffic::Traffic;

/// What a status is written from; clones are of the same sidecar.
#[derive(Debug, Clone)]
pub(crate) struct StatusPage {
    started: Instant,
    metrics: Arc<Metrics>,
    store: Store,
    phase: Receiver<Phase>,
    state: Receiver<Arc<SourcesState>>,
}

impl StatusPage {
    /// Counts the uptime from here on.
    pub(crate) fn new(
        lifecycle: &Lifecycle,
        state: Receiver<Arc<SourcesState>>,
        store: Store,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self { started: Instant::now(), metrics, store, phase: lifecycle.phase(), state }
    }

    /// The document at this moment. Takes milliseconds for thousands of flags.
    pub(crate) fn render(&self) -> Result<String, serde_json::Error> {
        let state = Arc::clone(&self.state.borrow());
        let phase = self.phase.borrow().clone();
        let traffic = Traffic::of(&self.metrics, &self.store, state.snapshot.as_deref());
        let document = StatusDocument::new(self.started.elapsed(), &phase, &state, &traffic);
        Ok(printable_json(&serde_json::to_string(&document)?).into_owned() + "\n")
    }
}
