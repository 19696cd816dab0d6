//! What is counted for each flag.
//!
//! Series that can happen exist at zero from load, because a counter that first appears at 100
//! shows no increase. Error series appear with the first error.

use super::{
    metrics::{Labels, Metrics},
    rate_limit::RateLimit,
};
use crate::flag::Flag;
use metrics::Counter;
use std::{fmt, sync::OnceLock};

/// Why a request for a flag failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FlagError {
    TypeMismatch,
    Parse,
    General,
}

impl FlagError {
    const COUNT: usize = 3;

    /// The error's name in OpenFeature, lower case as in OpenTelemetry's conventions.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::TypeMismatch => "type_mismatch",
            Self::Parse => "parse_error",
            Self::General => "general",
        }
    }
}

/// The counters of one flag.
pub(crate) struct FlagCounters {
    /// By the place of the answer (see `Answers::place`).
    answers: Box<[Counter]>,
    nothing: Counter,
    bulk: Counter,
    errors: [OnceLock<Counter>; FlagError::COUNT],
    logged: [RateLimit; FlagError::COUNT],
}

impl FlagCounters {
    /// Registers the series of a flag; those it had before go on counting.
    pub(crate) fn register(metrics: &Metrics, flag: &Flag) -> Self {
        let evaluations = |variant: &str, reason: &str| {
            let series = Labels::new("flagstaff_flag_evaluations_total").with("flag", flag.key());
            metrics.counter(series.with("variant", variant).with("reason", reason))
        };
        let default = flag.default_variant();
        let by_variant = flag.variants().iter().enumerate().map(|(place, variant)| {
            if flag.is_targeted() {
                evaluations(variant.name(), "targeting_match")
            } else if flag.is_static() && default == Some(place) {
                evaluations(variant.name(), "static")
            } else {
                Counter::noop()
            }
        });
        let default = flag.default();
        let by_default = match default {
            Some(variant) if flag.is_targeted() => evaluations(variant.name(), "default"),
            _ => Counter::noop(),
        };
        let nothing = if flag.is_disabled() {
            evaluations("", "disabled")
        } else if default.is_none() && (flag.is_targeted() || flag.is_static()) {
            evaluations("", "default")
        } else {
            Counter::noop()
        };
        let bulk = Labels::new("flagstaff_flag_bulk_evaluations_total").with("flag", flag.key());
        Self {
            answers: by_variant.chain([by_default]).collect(),
            nothing,
            bulk: metrics.counter(bulk),
            errors: Default::default(),
            logged: Default::default(),
        }
    }

    pub(crate) fn answered(&self, place: usize) {
        if let Some(counter) = self.answers.get(place) {
            counter.increment(1);
        }
    }

    pub(crate) fn left_to_caller(&self) {
        self.nothing.increment(1);
    }

    pub(crate) fn answered_in_bulk(&self) {
        self.bulk.increment(1);
    }

    /// Counts a failure and says whether it is to be logged.
    pub(crate) fn failed(&self, metrics: &Metrics, flag: &Flag, error: FlagError) -> bool {
        let register = || {
            let series = Labels::new("flagstaff_flag_errors_total").with("flag", flag.key());
            metrics.counter(series.with("error", error.as_str()))
        };
        if let Some(counter) = self.errors.get(error as usize) {
            counter.get_or_init(register).increment(1);
        }
        self.logged.get(error as usize).is_some_and(|logged| logged.permits(60))
    }
}

impl fmt::Debug for FlagCounters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlagCounters").finish_non_exhaustive()
    }
}
