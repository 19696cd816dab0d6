//! All flags at one moment, each with its answers ready: immutable once published.
//!
//! A snapshot knows when each flag last changed, so that a client that missed some snapshots is
//! told exactly what it missed without anybody keeping the old ones.

use crate::{
    clock::{TimeSpan, seconds},
    metrics::{Metrics, flag_metrics::FlagCounters},
    wire::{Answers, Change, changed},
};
use bytes::Bytes;
use flagstaff_core::{
    Digest, Flag, LayerFlag, Split,
    flag::change::{FlagAt, FlagChange, NextChange, describe, means_the_same},
};
use foldhash::fast::RandomState;
use sha2::{Digest as _, Sha256};
use std::{
    collections::{HashMap, VecDeque},
    ops::Range,
    sync::{Arc, OnceLock},
    time::SystemTime,
};

/// Removed keys remembered for clients that lag; one that lags further is told of every key.
const MAX_TOMBSTONES: usize = 1024;

/// A flag in force, with everything a request needs of it.
#[derive(Debug)]
pub(crate) struct SnapshotEntry {
    pub(crate) flag: Arc<Flag>,
    pub(crate) answers: Answers,
    pub(crate) counters: FlagCounters,
    /// Clients are to cache no answer of it, so that every exposure is seen.
    pub(crate) is_exact: bool,
    /// The split that decides, as long as this holds.
    pub(crate) split: Option<Split>,
    /// The seconds between which time alone changes nothing about it.
    holds: Range<i64>,
    /// The generation that brought the key.
    created: u64,
    /// The generation that last changed what it answers.
    changed: u64,
    /// When that was; unknown of what was there from the start.
    pub(crate) changed_at: Option<SystemTime>,
}

/// All flags at one moment.
#[derive(Debug)]
pub(crate) struct Snapshot {
    generation: u64,
    digest: Digest,
    /// In the order of their keys.
    entries: Vec<Arc<SnapshotEntry>>,
    places: HashMap<Box<str>, usize, RandomState>,
    /// The seconds between which time alone changes no flag.
    holds: Range<i64>,
    /// Removed keys and the generation that removed them, oldest first.
    tombstones: VecDeque<(Box<str>, u64)>,
    /// The generation before the oldest tombstone that had to be dropped.
    remembers_since: u64,
    /// What changed from the generation before.
    changes: Changes,
    every_key: OnceLock<Bytes>,
}

/// The difference between a snapshot and the one before.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) added: Vec<Box<str>>,
    pub(crate) updated: Vec<(Box<str>, FlagChange)>,
    pub(crate) removed: Vec<Box<str>>,
    /// Those of the removed flags that were killed, in the order of their keys.
    pub(crate) removed_killed: Vec<Box<str>>,
    /// How many of those updated nobody changed: a moment has come that their rules depend on.
    pub(crate) by_clock: usize,
    frame: Bytes,
}

impl Changes {
    pub(crate) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.updated.is_empty() && self.removed.is_empty()
    }
}

impl Snapshot {
    /// The snapshot after `previous`. Flags that mean what they meant keep their entry, until a
    /// moment passes that their rules depend on.
    pub(crate) fn next(
        previous: Option<&Self>,
        flags: &[&LayerFlag],
        metrics: &Metrics,
        now: SystemTime,
    ) -> Self {
        let generation = previous.map_or(0, |previous| previous.generation) + 1;
        let mut changes = Changes::default();
        let mut entries = Vec::with_capacity(flags.len());
        let second = seconds(now);
        let mut holds = i64::MIN..i64::MAX;
        for layer_flag in flags {
            let flag = layer_flag.flag();
            let before = previous.and_then(|previous| previous.entry(flag.key()));
            let entry = match before {
                Some(entry)
                    if means_the_same(&entry.flag, flag) && entry.holds.contains(&second) =>
                {
                    Arc::clone(entry)
                }
                Some(entry) => {
                    let before = FlagAt { flag: &entry.flag, at: entry.holds.start };
                    let change = describe(before, FlagAt { flag, at: second });
                    changes.updated.push((flag.key().into(), change));
                    changes.by_clock += usize::from(means_the_same(&entry.flag, flag));
                    let counters = FlagCounters::of(flag, Some(&entry.counters), metrics);
                    let since = (second, Some(now));
                    SnapshotEntry::new(flag, (entry.created, generation), since, counters, metrics)
                }
                None => {
                    changes.added.push(flag.key().into());
                    let counters = FlagCounters::of(flag, None, metrics);
                    let since = (second, previous.map(|_| now));
                    SnapshotEntry::new(flag, (generation, generation), since, counters, metrics)
                }
            };
            holds = holds.start.max(entry.holds.start)..holds.end.min(entry.holds.end);
            entries.push(entry);
        }
        let places: HashMap<Box<str>, usize, RandomState> =
            entries.iter().enumerate().map(|(place, e)| (e.flag.key().into(), place)).collect();
        let (mut tombstones, mut remembers_since) = match previous {
            Some(previous) => {
                let is_gone = |entry: &&Arc<SnapshotEntry>| !places.contains_key(entry.flag.key());
                for SnapshotEntry { flag, .. } in
                    previous.entries.iter().filter(is_gone).map(|e| &**e)
                {
                    changes.removed.push(flag.key().into());
                    if flag.is_killed() {
                        changes.removed_killed.push(flag.key().into());
                    }
                }
                (previous.tombstones.clone(), previous.remembers_since)
            }
            None => (VecDeque::new(), 0),
        };
        tombstones.retain(|(key, _)| !places.contains_key(key));
        tombstones.extend(changes.removed.iter().map(|key| (key.clone(), generation)));
        while tombstones.len() > MAX_TOMBSTONES {
            if let Some((_, removed)) = tombstones.pop_front() {
                remembers_since = removed;
            }
        }
        changes.frame = changed(
            (changes.added.iter().map(|key| (&**key, Change::Write)))
                .chain(changes.updated.iter().map(|(key, _)| (&**key, Change::Update)))
                .chain(changes.removed.iter().map(|key| (&**key, Change::Delete))),
        );
        let mut digest = Sha256::new();
        for entry in &entries {
            digest.update((entry.flag.key().len() as u64).to_le_bytes());
            digest.update(entry.flag.key());
            // Without overrides, so that pods are compared by what their files say.
            digest.update(entry.flag.definition_digest());
        }
        let digest = digest.finalize().into();
        let every_key = OnceLock::new();
        Self {
            generation,
            digest,
            entries,
            places,
            holds,
            tombstones,
            remembers_since,
            changes,
            every_key,
        }
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// The time in which these are the flags in force, if nobody changes them.
    pub(crate) fn holds(&self) -> TimeSpan {
        TimeSpan::between(self.holds.clone())
    }

    /// The SHA-256 of what all definitions mean, overrides aside.
    pub(crate) fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The first 48 bits of it, which a gauge can hold exactly: by it pods are compared.
    pub(crate) fn hash48(&self) -> u64 {
        self.digest.iter().take(6).fold(0, |hash, &byte| hash << 8 | u64::from(byte))
    }

    pub(crate) fn entry(&self, key: &str) -> Option<&Arc<SnapshotEntry>> {
        self.entries.get(*self.places.get(key)?)
    }

    pub(crate) fn entries(&self) -> &[Arc<SnapshotEntry>] {
        &self.entries
    }

    /// How many series of flags there is no room for.
    pub(crate) fn series_over_limit(&self) -> usize {
        self.entries.iter().map(|entry| entry.counters.left_out()).sum()
    }

    fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.flag.key())
    }

    pub(crate) fn changes(&self) -> &Changes {
        &self.changes
    }

    /// The change event that lists every key, for a client that just arrived; encoded once.
    /// `None` if there are no flags.
    pub(crate) fn every_key(&self) -> Option<Bytes> {
        let all = || changed(self.keys().map(|key| (key, Change::Update)));
        (!self.entries.is_empty()).then(|| self.every_key.get_or_init(all).clone())
    }

    /// The change event for a client that last heard of generation `seen`; `None` if it missed
    /// nothing. Clients that keep up share one encoding.
    pub(crate) fn changes_since(&self, seen: u64) -> Option<Bytes> {
        if seen + 1 == self.generation {
            return (!self.changes.is_empty()).then(|| self.changes.frame.clone());
        }
        if seen < self.remembers_since {
            return self.every_key();
        }
        let mut missed = self.entries.iter().filter(|entry| entry.changed > seen).peekable();
        let gone: Vec<_> = self.tombstones.iter().filter(|(_, removed)| *removed > seen).collect();
        if missed.peek().is_none() && gone.is_empty() {
            return None;
        }
        let kind = |entry: &SnapshotEntry| {
            if entry.created > seen { Change::Write } else { Change::Update }
        };
        let missed = missed.map(|entry| (entry.flag.key(), kind(entry)));
        Some(changed(missed.chain(gone.iter().map(|(key, _)| (&**key, Change::Delete)))))
    }
}

impl SnapshotEntry {
    /// The next change of the flag by the clock, if its file stays as it is.
    pub(crate) fn next_change(&self) -> Option<NextChange> {
        self.flag.next_change(self.holds.start)
    }

    fn new(
        flag: &Arc<Flag>,
        (created, changed): (u64, u64),
        (second, changed_at): (i64, Option<SystemTime>),
        counters: FlagCounters,
        metrics: &Metrics,
    ) -> Arc<Self> {
        let answers = Answers::new(flag);
        let is_exact = metrics.ledger.is_exact(flag);
        Arc::new(Self {
            flag: Arc::clone(flag),
            answers,
            counters,
            is_exact,
            split: flag.split_at(second),
            holds: flag.holds(second),
            created,
            changed,
            changed_at,
        })
    }
}

#[cfg(test)]
mod tests;
