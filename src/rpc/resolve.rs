//! `Resolve*`: one flag, one answer, from one snapshot.

use super::{Rpc, Version, errors, now};
use crate::{
    flag::{BadContext, Evaluator, Failure, Outcome, Scratch},
    snapshot::Entry,
    telemetry::flag_metrics::FlagError,
    wire::{Answers, ResolveRequest, Type},
};
use bytes::Bytes;
use std::cell::RefCell;
use tonic::Status;
use tracing::{debug, warn};

thread_local! {
    /// Every worker keeps its buffers warm.
    pub(super) static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl Rpc {
    pub(super) fn resolve(
        &self,
        version: Version,
        wanted: Type,
        message: &[u8],
    ) -> Result<Bytes, Status> {
        let snapshot = self.store.current().ok_or_else(errors::not_ready)?;
        let request = ResolveRequest::read(message).map_err(|_| errors::malformed())?;
        let Some(entry) = snapshot.entry(request.flag_key) else {
            return Err(self.unknown_flag(request.flag_key));
        };
        // A flag that answers everybody alike never looks at its context.
        if let Some(outcome) = entry.flag.constant() {
            return self.answer(version, wanted, entry, outcome);
        }
        SCRATCH.with_borrow_mut(|scratch| {
            let evaluator = Evaluator::new(scratch, request.context, now());
            let outcome = evaluator.map(|mut evaluator| evaluator.evaluate(&entry.flag));
            match outcome {
                Ok(outcome) => self.answer(version, wanted, entry, outcome),
                Err(BadContext::Malformed) => Err(errors::malformed()),
                Err(BadContext::NotFinite) => {
                    Err(self.failed(entry, FlagError::General, errors::not_finite()))
                }
            }
        })
    }

    fn answer(
        &self,
        version: Version,
        wanted: Type,
        entry: &Entry,
        outcome: Outcome<'_>,
    ) -> Result<Bytes, Status> {
        let flag = &entry.flag;
        match outcome {
            Outcome::Variant { index, reason, .. } => {
                let frame = entry.answers.variant(flag, (index, reason), wanted);
                match (frame, flag.variants().get(index)) {
                    (Some(frame), _) => {
                        entry.counters.answered(Answers::place(flag, index, reason));
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
            Outcome::CodeDefault if version == Version::V1 => {
                entry.counters.left_to_caller();
                Err(errors::no_default(flag))
            }
            Outcome::CodeDefault | Outcome::Disabled => {
                entry.counters.left_to_caller();
                Ok(entry.answers.nothing())
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
    fn failed(&self, entry: &Entry, error: FlagError, status: Status) -> Status {
        if entry.counters.failed(&self.metrics, &entry.flag, error) {
            let (flag, error) = (entry.flag.key(), error.as_str());
            warn!(flag, error, why = status.message(), "evaluation failed");
        }
        status
    }

    fn unknown_flag(&self, key: &str) -> Status {
        self.metrics.unknown_flags.increment(1);
        let flag = errors::shortened(key);
        if self.unknown_flag_log.permits(10) {
            warn!(flag, "a flag that nobody defined was asked for");
        } else {
            debug!(flag, "a flag that nobody defined was asked for");
        }
        errors::flag_not_found(key)
    }
}
