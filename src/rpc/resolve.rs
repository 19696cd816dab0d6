//! `Resolve*`: one flag, one answer, from one snapshot.

use super::{Rpc, errors, now};
use crate::{
    metrics::flag_series::FlagError,
    snapshot::SnapshotEntry,
    wire::{ResolveRequest, Type, method::ApiVersion},
};
use bytes::Bytes;
use flagstaff_core::{BadContext, Evaluator, Failure, Outcome, Scratch, Unit};
use std::{cell::RefCell, time::Instant};
use tonic::Status;
use tracing::{debug, warn};

thread_local! {
    /// Every worker keeps its buffers warm.
    pub(super) static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// What is wanted of a flag, beside what the message says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    pub(super) version: ApiVersion,
    pub(super) wanted: Type,
    /// When the request arrived.
    pub(super) at: Instant,
}

impl Rpc {
    pub(super) fn resolve(&self, question: Question, message: &[u8]) -> Result<Bytes, Status> {
        let snapshot = self.store.current().ok_or_else(errors::not_ready)?;
        let request = ResolveRequest::read(message).map_err(|_| errors::malformed())?;
        let Some(entry) = snapshot.entry(request.flag_key) else {
            return Err(self.unknown_flag(request.flag_key));
        };
        let counts = self.metrics.ledger.counts_exposures();
        // A flag that answers everybody alike never looks at its context, but for who it is.
        if let Some(outcome) = entry.flag.constant() {
            let outcome = if entry.is_exact { outcome.not_to_be_cached() } else { outcome };
            let unit = if counts { Unit::of(request.context) } else { None };
            return self.answer(question, entry, outcome, unit);
        }
        SCRATCH.with_borrow_mut(|scratch| {
            let mut evaluator = match Evaluator::new(scratch, request.context, now()) {
                Ok(evaluator) => evaluator,
                Err(bad @ (BadContext::Malformed | BadContext::TooDeep)) => {
                    return Err(errors::bad_context(bad));
                }
                Err(BadContext::NotFinite) => {
                    return Err(self.failed(entry, FlagError::General, errors::not_finite()));
                }
            };
            let outcome = evaluator.evaluate(&entry.flag);
            if evaluator.lacks_targeting_key() && entry.counters.lacked_targeting_key() {
                let flag = entry.flag.key();
                warn!(flag, "a split was reached without a targeting key that is text, so it decides nothing");
            }
            let unit = if counts { evaluator.unit() } else { None };
            self.answer(question, entry, outcome, unit)
        })
    }

    fn answer(
        &self,
        Question { version, wanted, at }: Question,
        entry: &SnapshotEntry,
        outcome: Outcome<'_>,
        unit: Option<Unit<'_>>,
    ) -> Result<Bytes, Status> {
        let flag = &entry.flag;
        match outcome {
            Outcome::Variant { index, reason, by } => {
                let frame = entry.answers.variant(flag, (index, reason), wanted);
                match (frame, flag.variants().get(index)) {
                    (Some(frame), _) => {
                        entry.counters.answered(index, reason);
                        if let Some(unit) = unit {
                            entry.counters.exposed((index, by), unit, at, &self.metrics);
                        }
                        Ok(frame)
                    }
                    (None, Some(variant)) => {
                        let status = errors::type_mismatch(flag, variant, wanted);
                        Err(self.failed(entry, FlagError::TypeMismatch, status))
                    }
                    (None, None) => {
                        Err(self.failed(entry, FlagError::General, errors::general(flag)))
                    }
                }
            }
            Outcome::CodeDefault if version == ApiVersion::V1 => {
                entry.counters.left_to_caller();
                Err(errors::no_default(flag))
            }
            Outcome::CodeDefault | Outcome::Disabled => {
                entry.counters.left_to_caller();
                Ok(entry.answers.nothing(flag))
            }
            Outcome::Failed(Failure::Parse(why)) => {
                Err(self.failed(entry, FlagError::Parse, errors::parse_error(flag, why)))
            }
            Outcome::Failed(Failure::General) => {
                Err(self.failed(entry, FlagError::General, errors::general(flag)))
            }
        }
    }

    /// Counts and tells a failure; the log has one line a minute for each flag and error.
    fn failed(&self, entry: &SnapshotEntry, error: FlagError, status: Status) -> Status {
        if entry.counters.failed(error) {
            let (flag, error) = (entry.flag.key(), error.as_str());
            warn!(flag, error, why = status.message(), "evaluation failed");
        }
        status
    }

    fn unknown_flag(&self, key: &str) -> Status {
        self.metrics.radar.note(key);
        debug!(flag = %errors::shortened(key), "a client requested an undefined flag");
        errors::flag_not_found(key)
    }
}
