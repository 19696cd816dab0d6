//! What is counted for a flag in force, and how often its troubles are told.

use super::{
    flag_series::{FlagError, FlagSeries},
    rate_limit::RateLimit,
};
use crate::metrics::{Metrics, flag_counter_registry::CounterSet};
use flagstaff_core::{By, Flag, Reason, Unit, VariantIndex};
use std::{sync::Arc, time::Instant};

/// The counters of a flag in force.
#[derive(Debug)]
pub struct FlagCounters {
    series: Arc<FlagSeries>,
    /// The series are those of all flags for which there was no room.
    is_shared: bool,
    /// Series for which there was no room.
    left_out: usize,
    /// What each variant is told from others by, when units meet it.
    variants: Box<[u64]>,
    told: Arc<LoggedFlag>,
}

/// When troubles of a flag were told last; a flag that changes has the same.
#[derive(Debug, Default)]
struct LoggedFlag {
    errors: [RateLimit; FlagError::ALL.len()],
    missing_key: RateLimit,
}

/// Seconds between two log lines about the same trouble.
const PAUSE: u64 = 60;

impl FlagCounters {
    /// The counters of a flag; those it had before go on counting, and what was told of it is not
    /// told again so soon. `previous` are those of the flag as it was until now.
    pub fn of(flag: &Flag, previous: Option<&Self>, metrics: &Metrics) -> Self {
        let left_out = previous.map_or(0, |previous| previous.left_out);
        let CounterSet { series, is_shared, left_out } = metrics.ledger.series_of(flag, left_out);
        let seed = |name: &str| metrics.exposures.variant(flag.key(), name);
        Self {
            series,
            is_shared,
            left_out,
            variants: flag.variants().iter().map(|variant| seed(variant.name())).collect(),
            told: previous.map(|previous| Arc::clone(&previous.told)).unwrap_or_default(),
        }
    }

    /// A variant was answered.
    pub fn answered(&self, variant: VariantIndex, reason: Reason) {
        match reason {
            Reason::Default => self.series.defaulted(),
            Reason::Static | Reason::TargetingMatch => self.series.named(self.place(variant)),
        }
    }

    /// A unit met a variant; it counts if that is new.
    pub fn exposed(
        &self,
        (variant, by): (VariantIndex, By),
        unit: Unit<'_>,
        at: Instant,
        metrics: &Metrics,
    ) {
        let Some(seed) = self.variants.get(variant) else { return };
        if metrics.exposures.see(*seed, unit, at) {
            self.series.exposed(self.place(variant), by);
        }
    }

    pub(crate) fn left_to_caller(&self) {
        self.series.left_to_caller();
    }

    pub(crate) fn answered_in_bulk(&self) {
        self.series.answered_in_bulk();
    }

    /// Counts a split that had nobody to bucket, and says whether it is to be logged.
    pub(crate) fn lacked_targeting_key(&self) -> bool {
        self.series.lacked_targeting_key();
        self.told.missing_key.permits(PAUSE)
    }

    /// Counts a failure and says whether it is to be logged.
    pub(crate) fn failed(&self, error: FlagError) -> bool {
        self.series.failed(error);
        self.told.errors.get(error as usize).is_some_and(|told| told.permits(PAUSE))
    }

    /// How many exposures were counted.
    pub fn exposures(&self) -> u64 {
        self.series.exposures()
    }

    /// Whether there is no room for series of its own.
    pub(crate) fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// How many series it lacks.
    pub(crate) fn left_out(&self) -> usize {
        self.left_out
    }

    fn place(&self, variant: VariantIndex) -> VariantIndex {
        if self.is_shared { 0 } else { variant }
    }
}
