//! Which flags are asked for that nobody defined: the most asked, in bounded memory.
//!
//! Metwally's Space-Saving algorithm ("Efficient computation of frequent and top-k elements in data
//! streams", 2005): a newcomer takes the place and the count of the least asked, so nobody who is
//! asked for often can be missed, whatever else is asked.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// So many keys are remembered.
const KEPT: usize = 64;

/// Keys of requests are remembered up to this length.
const LONGEST: usize = 100;

/// The keys that were asked for in vain.
#[derive(Debug, Default)]
pub(crate) struct UnknownFlagTracker {
    /// A std mutex: held for a look-up, on requests that fail anyway.
    state: Mutex<TrackerState>,
}

#[derive(Debug, Default)]
struct TrackerState {
    requests: u64,
    keys: HashMap<Box<str>, u64>,
    told: u64,
}

impl UnknownFlagTracker {
    fn lock(&self) -> MutexGuard<'_, TrackerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A flag was asked for that nobody defined.
    pub(crate) fn note(&self, key: &str) {
        let key = key.get(..key.floor_char_boundary(LONGEST)).unwrap_or_default();
        let mut state = self.lock();
        state.requests += 1;
        if let Some(count) = state.keys.get_mut(key) {
            *count += 1;
            return;
        }
        let mut count = 0;
        if state.keys.len() >= KEPT {
            let least = state.keys.iter().min_by_key(|(_, count)| **count);
            if let Some((least, least_count)) = least.map(|(key, count)| (key.clone(), *count)) {
                count = least_count;
                state.keys.remove(&least);
            }
        }
        state.keys.insert(key.into(), count + 1);
    }

    /// How many requests there were.
    pub(crate) fn requests(&self) -> u64 {
        self.lock().requests
    }

    /// The most asked keys, with how often at most.
    pub(crate) fn top(&self, most: usize) -> Vec<(Box<str>, u64)> {
        let keys = self.lock().keys.clone();
        let mut keys: Vec<_> = keys.into_iter().collect();
        keys.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        keys.truncate(most);
        keys
    }

    /// Whether there were requests that nobody was told of.
    pub(crate) fn has_news(&self) -> bool {
        let state = self.lock();
        state.told != state.requests
    }

    /// Somebody is told now; returns how many requests there were.
    pub(crate) fn tell(&self) -> u64 {
        let mut state = self.lock();
        state.told = state.requests;
        state.told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_asked_stay_whatever_else_is_asked() {
        let radar = UnknownFlagTracker::default();
        for number in 0..100_000 {
            radar.note(&format!("noise-{number}"));
            if number % 10 == 0 {
                radar.note("often");
            }
        }
        assert_eq!(radar.requests(), 110_000);
        let top = radar.top(10);
        assert_eq!((&*top[0].0, top.len()), ("often", 10));
        assert!(top[0].1 >= 10_000, "{top:?}");
        assert_eq!(radar.lock().keys.len(), KEPT);
    }

    #[test]
    fn long_keys_are_shortened_and_news_are_news_until_they_are_told() {
        let radar = UnknownFlagTracker::default();
        assert!(!radar.has_news());
        radar.note(&"ä".repeat(1000));
        assert_eq!(radar.top(1)[0].0.len(), LONGEST);
        // Asking is not telling: it may be too soon for another line.
        assert!(radar.has_news());
        assert!(radar.has_news());
        assert_eq!(radar.tell(), 1);
        assert!(!radar.has_news());
    }
}
