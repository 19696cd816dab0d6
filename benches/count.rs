//! What counting adds to an answer: the counters, and whether a unit met the variant before.
//!
//! `cargo bench --bench count` prints the least time of many rounds with one thread, with two on
//! different flags and with two on the same, beside two threads that increment one plain counter;
//! then how many units of a window are counted twice for want of room.
#![expect(clippy::print_stdout, reason = "a bench prints")]

use flagstaff::metrics::{FlagCounters, Metrics, MetricsOptions};
use flagstaff_core::{By, Flag, Format, Generation, Layer, Reason, Unit, compile};
use std::{
    error::Error,
    sync::{
        Arc, Barrier,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Instant,
};

const FLAGS: &str = r#"{"flags": {
  "a": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
        "targeting": {"fractional": [["on", 50], ["off", 50]]}},
  "b": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
        "targeting": {"fractional": [["on", 50], ["off", 50]]}}
}}"#;

const ROUNDS: usize = 30;
const USERS: usize = 10_000;

fn main() -> Result<(), Box<dyn Error>> {
    let layer = compile(FLAGS.as_bytes(), Format::Json, Generation::V2, &Layer::default())
        .map_err(|problems| format!("{problems:?}"))?
        .layer;
    let flags: Vec<&Flag> = layer.flags().map(|flag| &**flag.flag()).collect();
    let [a, b] = flags.as_slice() else { return Err("two flags".into()) };
    let metrics = Metrics::register(&MetricsOptions::default(), None)?;
    let users: Vec<String> = (0..USERS).map(|user| format!("user-{user:010}")).collect();
    let (a, b) = (FlagCounters::of(a, None, &metrics), FlagCounters::of(b, None, &metrics));
    let count = |counters: &FlagCounters| {
        let at = Instant::now();
        for user in &users {
            counters.answered(0, Reason::TargetingMatch);
            counters.exposed((0, By::Split), Unit::Text(user), at, &metrics);
        }
    };
    let plain = AtomicU64::new(0);
    let increment = || (0..USERS).for_each(|_| _ = plain.fetch_add(1, Ordering::Relaxed));
    println!("one thread:                      {:>4.0} ns", least(&[&|| count(&a)]));
    println!("two threads on different flags:  {:>4.0} ns", least(&[&|| count(&a), &|| count(&b)]));
    println!("two threads on the same flag:    {:>4.0} ns", least(&[&|| count(&a), &|| count(&a)]));
    println!("two threads on a plain counter:  {:>4.0} ns", least(&[&increment, &increment]));
    for active in [10_000, 100_000, 1_000_000_u64] {
        again(active)?;
    }
    Ok(())
}

/// The least time for one count, all threads running at once.
fn least(threads: &[&(dyn Fn() + Sync)]) -> f64 {
    let barrier = Arc::new(Barrier::new(threads.len()));
    let time = |run: &(dyn Fn() + Sync)| {
        let round = |()| {
            barrier.wait();
            let start = Instant::now();
            run();
            start.elapsed().as_nanos() as f64 / USERS as f64
        };
        [(); ROUNDS].into_iter().map(round).fold(f64::INFINITY, f64::min)
    };
    thread::scope(|scope| {
        let running: Vec<_> = threads.iter().map(|run| scope.spawn(|| time(*run))).collect();
        running.into_iter().filter_map(|thread| thread.join().ok()).fold(0.0, f64::max)
    })
}

/// Lets each of so many units be seen ten times in turn, the worst order for a bounded memory.
fn again(active: u64) -> Result<(), Box<dyn Error>> {
    const SIGHTS: u64 = 10;
    let metrics = Metrics::register(&MetricsOptions::default(), None)?;
    let layer = compile(FLAGS.as_bytes(), Format::Json, Generation::V2, &Layer::default())
        .map_err(|problems| format!("{problems:?}"))?
        .layer;
    let flag = layer.flags().next().ok_or("a flag")?;
    let counters = FlagCounters::of(flag.flag(), None, &metrics);
    for _ in 0..SIGHTS {
        for unit in 0..active {
            counters.exposed((0, By::Split), Unit::Number(unit), Instant::now(), &metrics);
        }
    }
    let counted = counters.exposures();
    let excess = (counted as f64 / active as f64 - 1.0) * 100.0;
    println!("{active:>8} units seen {SIGHTS} times: {counted} exposures ({excess:+.3} %)");
    Ok(())
}
