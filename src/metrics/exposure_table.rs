//! Who met which variant, remembered for a while in a table of fixed size: no user is stored, and
//! no lock taken.
//!
//! A unit (flag, variant, targeting key) is a 64-bit hash with a seed of the process. Some of its
//! bits choose a set of eight slots, forty others are kept in a slot beside the time at which the
//! unit was counted. So a unit is taken for another with a chance of 8 in 2^40 at most, and not
//! counted. Where more units are active than there is room for, the oldest of a set makes place,
//! and may be counted once more.

use flagstaff_core::Unit;
use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// Slots of a set, looked through as a whole.
const WAYS: usize = 8;

/// A set: one cache line.
#[derive(Debug, Default)]
#[repr(align(64))]
struct TableSet([AtomicU64; WAYS]);

/// Sets that are made together when a unit first falls among them, 64 KiB: an idle sidecar pays for
/// none, and no request waits for a table of any size.
const SETS_OF_A_PART: usize = 1024;

/// Bits of a slot that tell the unit; the others tell the time.
const PRINT_BITS: u32 = 40;
const TIME_BITS: u32 = 64 - PRINT_BITS;
const TIME_MASK: u64 = (1 << TIME_BITS) - 1;

/// Ticks of a window. A finer clock would wrap earlier, a coarser one blur the window.
const TICKS_PER_WINDOW: u64 = 1024;

/// Greater ages are of entries that a request with a later clock made meanwhile.
const OLDEST: u64 = TIME_MASK / 2;

/// In this time every slot is looked at once and emptied if its unit may count again. An entry that
/// were left for half of the time in which the clock wraps, 8 192 windows, would look new.
const TICKS_OF_A_ROUND: u64 = 4096 * TICKS_PER_WINDOW;

/// At most so many parts of the table are looked at at once, a millisecond's work. Of the greatest
/// table with the least window, a second each, four are due every second.
const MOST_PARTS: u64 = 8;

/// What became of a unit that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exposure {
    /// Not counted within the window, or not any more known to be.
    First,
    /// As [`Self::First`], and another unit that was counted within the window was forgotten.
    FirstInPlaceOfAnother,
    /// Counted within the window.
    Again,
}

/// The units counted within the window.
#[derive(Debug)]
pub(crate) struct ExposureTable {
    hasher: RandomState,
    start: Instant,
    /// Nanoseconds.
    tick: u64,
    /// There is no window: every sight counts.
    each: bool,
    sets: usize,
    parts: Box<[OnceLock<Box<[TableSet]>>]>,
    /// How many parts were looked at since the start.
    swept: AtomicU64,
    /// By some bits of what is counted, so that threads with different flags seldom meet.
    duplicates: [Apart; STRIPES],
    evictions: Apart,
}

const STRIPES: usize = 16;

/// A counter with its cache lines to itself: what is only read beside it stays in every core.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Apart(AtomicU64);

impl ExposureTable {
    /// A table of about so many bytes, in which a unit counts again after `window`.
    pub(crate) fn new(bytes: usize, window: Duration) -> Self {
        let sets = (bytes / (WAYS * size_of::<AtomicU64>())).max(1);
        Self {
            hasher: RandomState::new(),
            start: Instant::now(),
            tick: (nanos(window) / TICKS_PER_WINDOW).max(1),
            each: window.is_zero(),
            sets,
            parts: (0..sets.div_ceil(SETS_OF_A_PART)).map(|_| OnceLock::new()).collect(),
            swept: AtomicU64::new(0),
            duplicates: Default::default(),
            evictions: Apart::default(),
        }
    }

    /// What a variant of a flag is told from others by.
    pub(crate) fn variant(&self, flag: &str, variant: &str) -> u64 {
        self.hasher.hash_one((flag, variant))
    }

    /// Notes that a unit met a variant; says whether that counts.
    pub(crate) fn see(&self, variant: u64, unit: Unit<'_>, at: Instant) -> bool {
        if self.each {
            return true;
        }
        match self.see_at(self.hasher.hash_one((variant, unit)), self.ticks(at)) {
            Exposure::First => true,
            Exposure::FirstInPlaceOfAnother => {
                self.evictions.0.fetch_add(1, Relaxed);
                true
            }
            Exposure::Again => {
                let stripe = usize::try_from(variant % STRIPES as u64).unwrap_or_default();
                let stripe = self.duplicates.get(stripe);
                stripe.iter().for_each(|Apart(count)| _ = count.fetch_add(1, Relaxed));
                false
            }
        }
    }

    /// How often a unit had met the variant within the window.
    pub(crate) fn duplicates(&self) -> u64 {
        self.duplicates.iter().map(|Apart(count)| count.load(Relaxed)).sum()
    }

    /// How many units were forgotten within the window for want of room.
    pub(crate) fn evictions(&self) -> u64 {
        self.evictions.0.load(Relaxed)
    }

    /// Forgets units of long ago, a few at a time; to be called about every second.
    pub(crate) fn sweep(&self, at: Instant) {
        if !self.each {
            self.sweep_at(self.ticks(at));
        }
    }

    fn sweep_at(&self, tick: u64) {
        let (now, parts) = (time_of(tick), self.parts.len() as u64);
        let due = u128::from(tick) * u128::from(parts) / u128::from(TICKS_OF_A_ROUND);
        let swept = self.swept.load(Relaxed);
        let next = u64::try_from(due).unwrap_or(u64::MAX).min(swept + MOST_PARTS);
        for part in swept..next {
            let part = usize::try_from(part % parts).ok().and_then(|part| self.parts.get(part));
            let sets = part.and_then(OnceLock::get).into_iter().flatten();
            for slot in sets.flat_map(|TableSet(slots)| slots) {
                let found = slot.load(Relaxed);
                if found != 0 && age(now, found) >= TICKS_PER_WINDOW {
                    // Whoever took it meanwhile keeps it.
                    slot.compare_exchange(found, 0, Relaxed, Relaxed).unwrap_or_default();
                }
            }
        }
        self.swept.store(next.max(swept), Relaxed);
    }

    fn ticks(&self, at: Instant) -> u64 {
        nanos(at.saturating_duration_since(self.start)) / self.tick
    }

    fn see_at(&self, hash: u64, tick: u64) -> Exposure {
        let now = time_of(tick);
        let print = hash >> TIME_BITS << TIME_BITS;
        let entry = print | now;
        loop {
            let mut oldest = (0, None);
            for slot in self.set(hash) {
                let found = slot.load(Relaxed);
                let age = if found == 0 { u64::MAX } else { age(now, found) };
                if found != 0 && found & !TIME_MASK == print {
                    if age < TICKS_PER_WINDOW {
                        return Exposure::Again;
                    }
                    oldest = (age, Some((slot, found)));
                    break;
                }
                if age > oldest.0 || oldest.1.is_none() {
                    oldest = (age, Some((slot, found)));
                }
            }
            let (age, Some((slot, found))) = oldest else { return Exposure::First };
            // Another thread may have taken the slot meanwhile, perhaps for the same unit.
            if slot.compare_exchange(found, entry, Relaxed, Relaxed).is_ok() {
                return match age < TICKS_PER_WINDOW {
                    true => Exposure::FirstInPlaceOfAnother,
                    false => Exposure::First,
                };
            }
        }
    }

    /// The slots in which a unit can be: bits of the hash that are not kept choose them.
    fn set(&self, hash: u64) -> &[AtomicU64] {
        let chosen = (((hash & TIME_MASK) * self.sets as u64) >> TIME_BITS) as usize;
        let Some(part) = self.parts.get(chosen / SETS_OF_A_PART) else { return &[] };
        let size = SETS_OF_A_PART.min(self.sets);
        let sets =
            part.get_or_init(|| std::iter::repeat_with(TableSet::default).take(size).collect());
        sets.get(chosen % SETS_OF_A_PART).map_or(&[], |TableSet(slots)| slots)
    }
}

/// The time as a slot keeps it: 0 is an empty slot, so it begins after that.
fn time_of(tick: u64) -> u64 {
    (tick + TICKS_PER_WINDOW + 1) & TIME_MASK
}

/// How long ago a slot was taken. The clock wraps, and so does the age.
fn age(now: u64, found: u64) -> u64 {
    match now.wrapping_sub(found) & TIME_MASK {
        // A request that arrived earlier came later.
        age if age > OLDEST => 0,
        age => age,
    }
}

/// Centuries fit.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
