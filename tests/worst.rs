//! The longest that one request can keep a worker: a search for the worst pair of rule and context.
//!
//! Hill climbing from a seed over rules of all operators, contexts as large as a request may be, and
//! encodings that no client library writes. Every pair is held to the bytes of an evaluation and to
//! the charged cost; in a release build also to the time of a loop that takes about 10 ms.
//! `FLAGSTAFF_WORST_PAIRS` sets how many pairs are tried (100), `FLAGSTAFF_WORST_SEED` the seed (1).
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test ends where it fails, and prints what it measured"
)]

#[path = "worst/contexts.rs"]
mod contexts;
#[path = "worst/operators.rs"]
mod operators;
#[path = "worst/rules.rs"]
mod rules;

use contexts::Context;
use fastrand::Rng;
use flagstaff_core::{
    Evaluator, Failure, Flag, Format, Generation, Layer, Outcome, Scratch, Usage, compile,
};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use std::{env, hint::black_box, sync::Arc, time::Duration};

/// What one evaluation may hold, in bytes.
const MOST_BYTES: usize = 4 << 20;

/// What one evaluation may cost, in units.
const MOST_COST: usize = 5_000_000;

/// A pair may take so many times as long as the loop, in a release build.
const MOST_LOOPS: f64 = 2.0;

/// Climbs end after so many steps that found nothing worse.
const PATIENCE: usize = 40;

#[derive(Debug, Clone)]
struct Pair {
    rule: Value,
    context: Context,
    generation: Generation,
}

/// What came of one pair.
#[derive(Debug, Clone, Copy)]
struct Measured {
    /// From the bytes of the context to the outcome.
    took: Duration,
    usage: Usage,
    is_exhausted: bool,
}

fn compiled(rule: &Value, generation: Generation) -> Option<Arc<Flag>> {
    let document = json!({"flags": {"flag": {"state": "ENABLED", "targeting": rule,
        "variants": {"on": true, "off": false}, "defaultVariant": "off"}}});
    let text = document.to_string();
    let compiled = compile(text.as_bytes(), Format::Json, generation, &Layer::default()).unwrap();
    let flag = compiled.layer.flags().next().map(|flag| Arc::clone(flag.flag()));
    flag.filter(|flag| flag.is_targeted())
}

fn measure(flag: &Flag, context: &[u8], scratch: &mut Scratch) -> Measured {
    let start = cpu_time();
    let mut evaluator = Evaluator::new(scratch, context, 1_800_000_000).unwrap();
    let outcome = evaluator.evaluate(flag);
    let took = cpu_time().saturating_sub(start);
    let exhausted = |why: &str| why.contains("too many steps") || why.contains("too much");
    let is_exhausted = matches!(outcome, Outcome::Failed(Failure::Parse(why)) if exhausted(why));
    Measured { took, usage: evaluator.usage(), is_exhausted }
}

impl Pair {
    fn new(rng: &mut Rng) -> Self {
        let generation = if rng.bool() { Generation::V2 } else { Generation::V3 };
        Self { rule: rules::rule(rng), context: Context::new(rng), generation }
    }

    fn changed(&self, rng: &mut Rng) -> Self {
        let mut other = self.clone();
        if rng.u8(..4) == 0 {
            other.context.change(rng);
        } else {
            rules::change(&mut other.rule, rng);
        }
        other
    }

    /// The least of a few times, with buffers that were never used; `None` if the rule is too large.
    fn measure(&self, times: usize) -> Option<Measured> {
        let flag = compiled(&self.rule, self.generation)?;
        let context = self.context.encode();
        let tries = (0..times).map(|_| measure(&flag, &context, &mut Scratch::default()));
        tries.min_by_key(|measured| measured.took)
    }

    /// The pair, cut short.
    fn shown(&self) -> String {
        let rule: String = self.rule.to_string().chars().take(2000).collect();
        format!("{rule} for {:?}", self.context)
    }
}

/// The time this thread had on a core: other processes do not count.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let (seconds, rest) = (u64::try_from(time.tv_sec), u64::try_from(time.tv_nsec));
    Duration::from_secs(seconds.unwrap()) + Duration::from_nanos(rest.unwrap())
}

/// A loop whose iterations wait for each other: about 10 ms.
fn reference() -> Duration {
    let once = || {
        let start = cpu_time();
        let mut state = 1u64;
        for _ in 0..6_500_000 {
            state = black_box(state).wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        }
        cpu_time().saturating_sub(start)
    };
    (0..5).map(|_| once()).min().unwrap()
}

fn number(variable: &str, otherwise: u64) -> u64 {
    env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

#[test]
fn no_pair_of_rule_and_context_holds_a_worker() {
    let pairs = number("FLAGSTAFF_WORST_PAIRS", 100);
    let mut rng = Rng::with_seed(number("FLAGSTAFF_WORST_SEED", 1));
    let reference = reference();
    let mut worst: Option<(Pair, Measured)> = None;
    let (mut most_bytes, mut exhausted, mut tried) = (0, 0, 0);
    while tried < pairs {
        let mut best = Pair::new(&mut rng);
        let mut most = Duration::ZERO;
        let mut idle = 0;
        while idle < PATIENCE && tried < pairs {
            tried += 1;
            idle += 1;
            let pair = if most.is_zero() { Pair::new(&mut rng) } else { best.changed(&mut rng) };
            let Some(mut measured) = pair.measure(1) else { continue };
            if measured.took <= most {
                continue;
            }
            // Slow for once may be somebody else's doing.
            measured = pair.measure(3).unwrap_or(measured);
            let Measured { took, usage, is_exhausted } = measured;
            assert!(usage.bytes <= MOST_BYTES, "{usage:?} of {}", pair.shown());
            assert!(usage.cost <= MOST_COST, "{usage:?} of {}", pair.shown());
            most_bytes = most_bytes.max(usage.bytes);
            exhausted += u64::from(is_exhausted);
            if took <= most {
                continue;
            }
            (best, most, idle) = (pair.clone(), took, 0);
            if worst.as_ref().is_none_or(|(_, worst)| took > worst.took) {
                worst = Some((pair, measured));
            }
        }
    }
    let (pair, measured) = worst.unwrap();
    // Once more, on a machine that is perhaps quieter.
    let again = pair.measure(9).unwrap();
    let loops = again.took.as_secs_f64() / reference.as_secs_f64();
    println!(
        "{pairs} pairs, {exhausted} of the slow ones exhausted; most bytes {most_bytes}; worst \
         {:?} ({:?}), {loops:.2} times the loop of {reference:?}: {}",
        again.took,
        measured.usage,
        pair.shown()
    );
    assert!(exhausted > 0, "the search found no rule that costs what it may");
    if !cfg!(debug_assertions) {
        assert!(loops < MOST_LOOPS, "{loops:.2} times {reference:?}: {}", pair.shown());
    }
}

#[test]
fn reading_the_largest_context_takes_little_of_that() {
    let flag = compiled(&json!({"if": [{"==": [{"var": "x"}, 1]}, "on"]}), Generation::V2).unwrap();
    let reference = reference();
    for context in contexts::largest() {
        let bytes = context.encode();
        let times = (0..5).map(|_| measure(&flag, &bytes, &mut Scratch::default()));
        let Measured { took, usage, is_exhausted } = times.min_by_key(|one| one.took).unwrap();
        println!("{} bytes read in {took:?}, {usage:?}: {context:?}", bytes.len());
        assert!(usage.bytes <= MOST_BYTES && !is_exhausted, "{usage:?} of {context:?}");
        let loops = took.as_secs_f64() / reference.as_secs_f64();
        assert!(cfg!(debug_assertions) || loops < MOST_LOOPS / 2.0, "{loops:.2}: {context:?}");
    }
}
