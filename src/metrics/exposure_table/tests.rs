//! What counts as a first sight.

use super::*;
use std::{collections::HashSet, thread};

const WINDOW: Duration = Duration::from_secs(3600);

fn table(bytes: usize) -> ExposureTable {
    ExposureTable::new(bytes, WINDOW)
}

#[test]
fn a_unit_counts_once_and_another_variant_or_user_is_another() {
    let table = table(2 << 20);
    let seen = [
        ("a", "on", "u1"),
        ("a", "on", "u1"),
        ("a", "off", "u1"),
        ("a", "on", "u2"),
        ("b", "on", "u1"),
    ];
    let see = |(flag, variant, unit)| {
        table.see(table.variant(flag, variant), Unit::Text(unit), Instant::now())
    };
    let sights = seen.map(see);
    assert_eq!(sights, [true, false, true, true, true]);
    assert_eq!((table.duplicates(), table.evictions()), (1, 0));
}

#[test]
fn a_unit_counts_again_a_window_after_it_was_counted_and_not_after_it_was_seen() {
    let table = table(2 << 20);
    let hash = table.hasher.hash_one("u");
    for (tick, expected) in [
        (0, Exposure::First),
        (500, Exposure::Again),
        (TICKS_PER_WINDOW - 1, Exposure::Again),
        (TICKS_PER_WINDOW, Exposure::First),
        (TICKS_PER_WINDOW + 500, Exposure::Again),
        (2 * TICKS_PER_WINDOW, Exposure::First),
    ] {
        assert_eq!(table.see_at(hash, tick), expected, "{tick}");
    }
}

#[test]
fn the_clock_may_wrap() {
    let table = table(64);
    let hash = table.hasher.hash_one("u");
    let before = TIME_MASK - TICKS_PER_WINDOW - 3;
    assert_eq!(table.see_at(hash, before), Exposure::First);
    assert_eq!(table.see_at(hash, before + 10), Exposure::Again);
    assert_eq!(table.see_at(hash, before + TICKS_PER_WINDOW), Exposure::First);
    assert_eq!(table.see_at(hash, before + TICKS_PER_WINDOW + 10), Exposure::Again);
}

#[test]
fn a_request_that_arrived_earlier_and_came_later_sees_what_is_counted() {
    let table = table(64);
    let hash = |unit: u64| unit << TIME_BITS;
    assert_eq!(table.see_at(hash(1), 10), Exposure::First);
    assert_eq!(table.see_at(hash(1), 9), Exposure::Again);
    for unit in 2..=8 {
        assert_eq!(table.see_at(hash(unit), 10), Exposure::First);
    }
    // Nobody makes place unseen.
    assert_eq!(table.see_at(hash(9), 9), Exposure::FirstInPlaceOfAnother);
}

#[test]
fn a_unit_of_long_ago_is_forgotten_before_the_clock_makes_it_look_new() {
    let table = table(1 << 20);
    let (units, wrap) = (1..=1000_u64, 1 << TIME_BITS);
    // Spread over all parts.
    let hash = |unit: u64| unit << TIME_BITS | unit << (TIME_BITS - 10);
    let count = |tick| {
        let first = |unit: &u64| table.see_at(hash(*unit), tick) == Exposure::First;
        units.clone().filter(first).count()
    };
    assert_eq!(count(0), 1000);
    assert_eq!(count(wrap + 1), 0, "without a sweep they look new");
    assert!((0..TICKS_PER_WINDOW).all(|tick| {
        table.sweep_at(wrap + tick);
        true
    }));
    assert_eq!(count(wrap + TICKS_PER_WINDOW - 1), 0, "what may not count again stays");
    for tick in 1..=2 * TICKS_OF_A_ROUND / 10_000 {
        table.sweep_at(wrap + tick * 10_000);
    }
    assert_eq!(count(2 * wrap), 1000);
}

#[test]
fn a_sweep_does_a_bounded_part_of_the_work() {
    let table = table(8 << 20);
    assert_eq!(table.parts.len(), 128);
    table.sweep_at(TICKS_OF_A_ROUND / 128 - 1);
    assert_eq!(table.swept.load(Relaxed), 0);
    table.sweep_at(100 * TICKS_OF_A_ROUND);
    assert_eq!(table.swept.load(Relaxed), MOST_PARTS);
}

#[test]
fn only_the_parts_that_units_fall_into_take_memory() {
    let table = table(1 << 30);
    assert_eq!(table.see_at(1 << TIME_BITS, 0), Exposure::First);
    assert_eq!(table.see_at(1 << TIME_BITS, 0), Exposure::Again);
    assert_eq!(table.parts.iter().filter(|part| part.get().is_some()).count(), 1);
}

#[test]
fn a_full_set_forgets_the_oldest_and_says_so() {
    let table = table(64);
    assert_eq!(table.sets, 1);
    let hash = |unit: u64| unit << TIME_BITS;
    for unit in 1..=8 {
        assert_eq!(table.see_at(hash(unit), unit), Exposure::First);
    }
    assert_eq!(table.see_at(hash(9), 9), Exposure::FirstInPlaceOfAnother);
    assert_eq!(table.see_at(hash(2), 10), Exposure::Again);
    assert_eq!(table.see_at(hash(1), 11), Exposure::FirstInPlaceOfAnother);
    // Those whose window is over make place without a loss.
    assert_eq!(table.see_at(hash(10), 2 * TICKS_PER_WINDOW), Exposure::First);
}

#[test]
fn threads_that_see_the_same_units_count_each_once() {
    let table = table(2 << 20);
    let firsts: usize = thread::scope(|scope| {
        let count =
            || (0..10_000).filter(|unit| table.see(1, Unit::Number(*unit), Instant::now())).count();
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(count)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
    });
    assert_eq!(firsts, 10_000);
}

#[test]
fn a_hundred_thousand_active_units_fit_into_the_default_table() {
    let table = table(2 << 20);
    let mut counted = HashSet::new();
    let mut twice = 0;
    for round in 0..3 {
        for unit in 0..100_000_u64 {
            if table.see(1, Unit::Number(unit), Instant::now()) && !counted.insert(unit) {
                twice += 1;
            }
        }
        assert_eq!(counted.len(), 100_000, "none is lost, in round {round}");
    }
    println!("{twice} of 200000 sights counted again");
    assert!(twice < 2_000, "{twice}");
}
