//! The counters of all flags there ever were, within a bound.
//!
//! They are ours and not the exporter's: eight bytes a count instead of some hundred, nothing to
//! register, and values that `/status` and the last log line can read. A flag that is gone keeps
//! its counts, because it may come back and a counter must not go down.

use super::flag_series::{CounterLayout, Family, FlagSeries, SeriesSample};
use flagstaff_core::Flag;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The flag of those that have no series of their own. One that is really called so is among them.
const OTHER: &str = "(other)";

/// Which exposures are counted, and from when they are shown (`--metrics-exposures`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShowExposures {
    /// From the start, at zero.
    All,
    /// From the first one on.
    Evaluated,
    /// Not at all.
    Off,
}

/// What is known of series.
#[derive(Debug)]
pub(crate) struct FlagCounterRegistry {
    /// Series that flags may have before others have to share. What appears with its first event
    /// is among them from the start, or they would grow over the limit.
    limit: usize,
    /// Every flag gives answers that clients do not cache.
    exact: bool,
    exposures: ShowExposures,
    /// A std mutex: held at publish and scrape, never on a request.
    state: Mutex<RegistryState>,
}

#[derive(Debug, Default)]
struct RegistryState {
    flags: BTreeMap<Box<str>, RetiredCounts>,
    /// Of those that have no series of their own.
    others: RetiredCounts,
    in_use: usize,
    dropped: u64,
}

/// What one flag counted.
#[derive(Debug, Default)]
struct RetiredCounts {
    /// By shape; a flag has more than one while answers of an old snapshot are under way.
    series: Vec<Arc<FlagSeries>>,
    /// What was counted in shapes that are gone.
    settled: BTreeMap<SeriesSample<'static>, u64>,
}

/// The counters of a flag.
#[derive(Debug)]
pub(super) struct CounterSet {
    pub(super) series: Arc<FlagSeries>,
    /// They are those of all flags for which there is no room.
    pub(super) is_shared: bool,
    /// Series that the flag would have if there were room.
    pub(super) left_out: usize,
}

/// How many series there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SeriesInUse {
    pub(crate) in_use: usize,
    pub(crate) limit: usize,
    pub(crate) dropped: u64,
}

/// What a flag counted, by variant.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct FlagTotals {
    pub(crate) evaluations: BTreeMap<Box<str>, u64>,
    /// By what decided.
    pub(crate) exposures: BTreeMap<Box<str>, BTreeMap<&'static str, u64>>,
}

impl FlagCounterRegistry {
    pub(crate) fn new(limit: usize, exact: bool, exposures: ShowExposures) -> Self {
        Self { limit, exact, exposures, state: Mutex::default() }
    }

    /// Whether clients are to cache no answer of a flag.
    pub(crate) fn is_exact(&self, flag: &Flag) -> bool {
        self.exact || flag.has_exact_exposures()
    }

    pub(crate) fn counts_exposures(&self) -> bool {
        self.exposures != ShowExposures::Off
    }

    fn lock(&self) -> MutexGuard<'_, RegistryState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The counters of a flag, those it had before if it has the same shape; or else, where there is
    /// no room, those that it shares. `left_out` is how many series it lacked before.
    pub(super) fn series_of(&self, flag: &Flag, left_out: usize) -> CounterSet {
        let shape = CounterLayout::of(flag, self.is_exact(flag), self.counts_exposures());
        let mut state = self.lock();
        let RegistryState { flags, others, in_use, dropped } = &mut *state;
        let mut share = |left_out| {
            let series = others.of_shape_or_new(shape.shared());
            CounterSet { series, is_shared: true, left_out }
        };
        if flag.key() == OTHER {
            return share(0);
        }
        let own = |series| CounterSet { series, is_shared: false, left_out: 0 };
        let mut held = flags.get_mut(flag.key());
        if let Some(held) = &mut held {
            held.settle();
            if let Some(same) = held.of_shape(&shape) {
                return own(same);
            }
        }
        let known = held.as_deref().map(RetiredCounts::known).unwrap_or_default();
        let new = shape.possible().filter(|series| !known.contains(series)).count();
        // A flag has its whole set or none: half of its variants would look like all of them.
        if *in_use + new > self.limit {
            *dropped += new.saturating_sub(left_out) as u64;
            return share(new);
        }
        *in_use += new;
        own(flags.entry(flag.key().into()).or_default().add(shape))
    }

    pub(crate) fn in_use(&self) -> SeriesInUse {
        let state = self.lock();
        SeriesInUse { in_use: state.in_use, limit: self.limit, dropped: state.dropped }
    }

    /// Whether series that can happen are shown at zero: a counter that first appears at 100 shows
    /// no increase. Most errors never happen.
    fn shows_zeros(&self, family: Family) -> bool {
        match family {
            Family::Evaluations | Family::Bulk | Family::MissingTargetingKey => true,
            Family::Exposures => self.exposures == ShowExposures::All,
            Family::Errors => false,
        }
    }

    /// Calls with every series of one metric: flag, series and count.
    pub(crate) fn each(&self, family: Family, mut tell: impl FnMut(&str, &SeriesSample<'_>, u64)) {
        let shows_zeros = self.shows_zeros(family);
        let is_shown = |series: &SeriesSample<'_>, count| {
            series.family == family && (shows_zeros || count > 0)
        };
        let RegistryState { flags, others, .. } = &*self.lock();
        let own = flags.iter().map(|(key, held)| (&**key, held));
        for (flag, held) in [(OTHER, others)].into_iter().chain(own) {
            let is_as_told = held.settled.is_empty() && flag != OTHER;
            if let ([only], true) = (held.series.as_slice(), is_as_told) {
                let shown = only.counted().filter(|(series, count)| is_shown(series, *count));
                shown.for_each(|(series, count)| tell(flag, &series, count));
                continue;
            }
            // Of those that share, several places mean the same.
            let shown =
                held.totals().into_iter().filter(|(series, count)| is_shown(series, *count));
            shown.for_each(|(series, count)| tell(flag, &series, count));
        }
    }

    /// What every flag counted that counted anything.
    pub(crate) fn totals(&self) -> BTreeMap<Box<str>, FlagTotals> {
        let mut totals: BTreeMap<Box<str>, FlagTotals> = BTreeMap::new();
        self.each(Family::Evaluations, |flag, series, count| {
            if count > 0 {
                let of_flag = totals.entry(flag.into()).or_default();
                *of_flag.evaluations.entry((*series.variant).into()).or_default() += count;
            }
        });
        self.each(Family::Exposures, |flag, series, count| {
            if count > 0 {
                let of_flag = totals.entry(flag.into()).or_default();
                let of_variant = of_flag.exposures.entry((*series.variant).into()).or_default();
                *of_variant.entry(series.label).or_default() += count;
            }
        });
        totals
    }
}

impl RetiredCounts {
    fn of_shape(&self, shape: &CounterLayout) -> Option<Arc<FlagSeries>> {
        self.series.iter().find(|series| series.shape() == shape).cloned()
    }

    fn of_shape_or_new(&mut self, shape: CounterLayout) -> Arc<FlagSeries> {
        self.of_shape(&shape).unwrap_or_else(|| self.add(shape))
    }

    fn add(&mut self, shape: CounterLayout) -> Arc<FlagSeries> {
        let series = Arc::new(FlagSeries::new(shape));
        self.series.push(Arc::clone(&series));
        series
    }

    /// The series that it is charged for.
    fn known(&self) -> BTreeSet<SeriesSample<'_>> {
        let current = self.series.iter().flat_map(|series| series.shape().possible());
        current.chain(self.settled.keys().cloned()).collect()
    }

    /// Keeps only the counts of shapes that nobody counts in any more.
    fn settle(&mut self) {
        for series in std::mem::take(&mut self.series) {
            // Whoever counted is gone, and what they counted is seen: it is final.
            match Arc::try_unwrap(series) {
                Ok(gone) => {
                    for (series, count) in gone.counted() {
                        *self.settled.entry(series.kept()).or_default() += count;
                    }
                }
                Err(current) => self.series.push(current),
            }
        }
    }

    fn totals(&self) -> BTreeMap<SeriesSample<'_>, u64> {
        let mut totals: BTreeMap<SeriesSample<'_>, u64> = self.settled.clone();
        for (series, count) in self.series.iter().flat_map(|series| series.counted()) {
            *totals.entry(series).or_default() += count;
        }
        totals
    }
}

#[cfg(test)]
mod tests;
