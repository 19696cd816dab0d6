//! Rollouts and experiments: exact shares, and nobody moves who need not.

use crate::twin::flags;
use flagstaff_core::{Evaluator, Flag, Format, Outcome, Scratch, encode_object};
use serde_json::json;
use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

const UNITS: usize = 100_000;

/// Of a share, over all units: 0.3 % of them.
const TOLERANCE: f64 = 0.003;

/// The contexts of all units.
static CONTEXTS: LazyLock<Vec<Box<[u8]>>> = LazyLock::new(|| {
    let unit = |number| json!({"targetingKey": format!("user-{number}")});
    (0..UNITS).map(|number| encode_object(unit(number).as_object().unwrap())).collect()
});

fn file(generation: &str, flags: &str) -> String {
    format!("flagstaff: 1\nbucketing: {generation}\ntime_zone: UTC\nflags:\n{flags}\n")
}

/// The only flag of a file.
fn flag(generation: &str, flag: &str) -> Arc<Flag> {
    let mut flags = flags(&file(generation, &format!("  {flag}")), Format::Yaml);
    assert_eq!(flags.len(), 1);
    flags.pop_first().unwrap().1
}

fn variant<'f>(flag: &'f Flag, context: &[u8], at: i64, scratch: &mut Scratch) -> &'f str {
    match Evaluator::new(scratch, context, at).unwrap().evaluate(flag) {
        Outcome::Variant { index, .. } => flag.variants()[index].name(),
        other => panic!("{other:?}"),
    }
}

/// The variant of each unit.
fn variants(flag: &Flag, at: i64) -> Vec<&str> {
    let mut scratch = Scratch::default();
    CONTEXTS.iter().map(|unit| variant(flag, unit, at, &mut scratch)).collect()
}

fn share(variants: &[&str], of: &str) -> f64 {
    variants.iter().filter(|variant| **variant == of).count() as f64 / variants.len() as f64
}

/// The first of December 2026, and seconds of a day.
const DECEMBER: i64 = 1_796_083_200;
const DAY: i64 = 86_400;

#[test]
fn a_plan_has_its_share_at_each_step_and_only_adds() {
    const STEPS: [(&str, f64); 4] = [("1%", 0.01), ("5%", 0.05), ("25%", 0.25), ("100%", 1.0)];
    let plan: Vec<_> = STEPS
        .iter()
        .enumerate()
        .map(|(day, (share, _))| format!("{share} from 2026-12-0{}", day + 1))
        .collect();
    for generation in ["v2", "v3"] {
        let flag = flag(generation, &format!("f: {{ rollout: [{}] }}", plan.join(", ")));
        let mut before = variants(&flag, DECEMBER - 1);
        assert!(before.iter().all(|variant| *variant == "off"), "nobody has it before");
        for (day, (_, expected)) in (0..).zip(STEPS) {
            let now = variants(&flag, DECEMBER + day * DAY);
            let measured = share(&now, "on");
            println!("{generation}: {expected} is {measured}");
            assert!((measured - expected).abs() <= TOLERANCE, "{measured} of {expected}");
            let lost = before.iter().zip(&now).filter(|(was, is)| **was == "on" && **is == "off");
            assert_eq!(lost.count(), 0, "{generation}: lost it on day {day}");
            assert_eq!(variants(&flag, DECEMBER + (day + 1) * DAY - 1), now, "a step holds");
            before = now;
        }
    }
}

#[test]
fn going_back_takes_out_exactly_the_last_who_came_in() {
    for generation in ["v2", "v3"] {
        let plan = "1% from 2026-12-01, 5% from 2026-12-02, 25% from 2026-12-03";
        let plan = |hold| flag(generation, &format!("f: {{ rollout: [{plan}]{hold} }}"));
        let (whole, held) = (plan(""), plan(", hold_at: 5%"));
        let now = DECEMBER + 10 * DAY;
        let at_five = variants(&whole, DECEMBER + DAY);
        assert_eq!(variants(&held, now), at_five, "{generation}: those of the step before");
        assert_eq!(variants(&held, DECEMBER), variants(&whole, DECEMBER), "earlier steps stay");
        // Between two steps too: who is in at 3 % are the first of those at 5 %.
        let at = |share| variants_at(generation, share);
        let shares: Vec<_> = ["0.5%", "1%", "3%", "5%", "60%", "99.999%"].map(at).into();
        for (less, more) in shares.iter().zip(shares.iter().skip(1)) {
            assert!(less.iter().zip(more).all(|(less, more)| !less || *more), "{generation}");
        }
    }
}

fn variants_at(generation: &str, share: &str) -> Vec<bool> {
    let flag = flag(generation, &format!("f: {{ rollout: {share} }}"));
    variants(&flag, 0).iter().map(|variant| *variant == "on").collect()
}

#[test]
fn more_traffic_moves_nobody_between_variants() {
    for generation in ["v2", "v3"] {
        let at = |traffic| {
            let split = "split: { classic: 1, short: 1, single: 1 }, outside: classic";
            let values = "variants: { classic: classic, short: two-step, single: one-page }";
            let flag = format!("f: {{ {values}, experiment: {{ traffic: {traffic}, {split} }} }}");
            self::flag(generation, &flag)
        };
        let (thirty, sixty) = (at("30%"), at("60%"));
        let (before, after) = (variants(&thirty, 0), variants(&sixty, 0));
        let moved = before.iter().zip(&after).filter(|(was, is)| **was != "outside" && was != is);
        assert_eq!(moved.count(), 0, "{generation}");
        for (variants, traffic) in [(&before, 0.3), (&after, 0.6)] {
            assert!((share(variants, "outside") - (1.0 - traffic)).abs() <= TOLERANCE);
            for arm in ["classic", "short", "single"] {
                let measured = share(variants, arm);
                println!("{generation}: {arm} at {traffic} is {measured}");
                // Four standard deviations of so many units.
                let expected: f64 = traffic / 3.0;
                let bound = 4.0 * (expected * (1.0 - expected) / UNITS as f64).sqrt();
                assert!((measured - expected).abs() <= bound, "{arm}: {measured}");
            }
        }
    }
}

#[test]
fn flags_are_independent_of_each_other() {
    const FLAGS: usize = 50;
    const IDS: usize = 20_000;
    for generation in ["v2", "v3"] {
        let text: String =
            (0..FLAGS).map(|n| format!("  flag_{n}: {{ rollout: 50% }}\n")).collect();
        let flags = flags(&file(generation, &text), Format::Yaml);
        let mut scratch = Scratch::default();
        // One bit a unit, so that pairs are compared 64 units at a time.
        let mut bits = vec![vec![0_u64; IDS.div_ceil(64)]; FLAGS];
        for number in 0..IDS {
            let id = json!({"targetingKey": number.to_string()});
            let context = encode_object(id.as_object().unwrap());
            for (place, flag) in flags.values().enumerate() {
                let is_on = variant(flag, &context, 0, &mut scratch) == "on";
                bits[place][number / 64] |= u64::from(is_on) << (number % 64);
            }
        }
        let mut worst = 0.0_f64;
        for (place, one) in bits.iter().enumerate() {
            for other in &bits[place + 1..] {
                let differ: u32 = one.iter().zip(other).map(|(a, b)| (a ^ b).count_ones()).sum();
                // Of a fair coin, thrown once for each unit.
                let units = IDS as f64;
                let z = (f64::from(differ) - units / 2.0) / (units / 4.0).sqrt();
                worst = worst.max(z.abs());
            }
        }
        println!(
            "{generation}: the worst of {} pairs has |z| = {worst:.2}",
            FLAGS * (FLAGS - 1) / 2
        );
        assert!(worst < 5.0, "{generation}: {worst}");
    }
}

#[test]
fn a_new_name_with_the_old_salt_moves_nobody() {
    for generation in ["v2", "v3"] {
        for behaviour in [
            "rollout: 20%",
            "experiment: { traffic: 50%, split: { on: 1, off: 1 }, outside: off }",
            "rules: [{ if: { not: { a: x } }, rollout: 20% }]",
        ] {
            let before = flag(generation, &format!("old: {{ {behaviour} }}"));
            let after = flag(generation, &format!("new: {{ salt: old, {behaviour} }}"));
            let unsalted = flag(generation, &format!("new: {{ {behaviour} }}"));
            let was = variants(&before, 0);
            assert_eq!(was, variants(&after, 0), "{generation}: {behaviour}");
            assert_ne!(was, variants(&unsalted, 0), "{generation}: the name is hashed without");
        }
    }
}

#[test]
fn only_everybody_includes_those_without_a_key() {
    let mut scratch = Scratch::default();
    let keyless = [json!({}), json!({"targetingKey": ""}), json!({"targetingKey": null})];
    let keyless = keyless.map(|context| encode_object(context.as_object().unwrap()));
    for generation in ["v2", "v3"] {
        for (behaviour, expected) in [
            ("rollout: 100%", "on"),
            ("rollout: 99.999%", "off"),
            ("rollout: 0%", "off"),
            ("rollout: 99.999%, by: company", "off"),
            ("rollout: 100%, by: company", "on"),
            ("rollout: { serve: off, to: 99.999% }, otherwise: on", "on"),
            ("experiment: { traffic: 99.999%, split: { on: 1 }, outside: off }", "outside"),
            ("experiment: { split: { on: 1 }, outside: off }", "outside"),
        ] {
            let flag = flag(generation, &format!("f: {{ {behaviour} }}"));
            for context in &keyless {
                let told = variant(&flag, context, 0, &mut scratch);
                assert_eq!(told, expected, "{generation}: {behaviour}");
            }
        }
    }
    // By another attribute, those count who have it, whether or not they have a key.
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    let flag = flag("v2", "f: { rollout: 50%, by: company }");
    for company in 0..1000 {
        let with = |key: serde_json::Value| {
            let context = json!({"company": format!("c{company}"), "targetingKey": key});
            encode_object(context.as_object().unwrap())
        };
        let told = variant(&flag, &with(json!(null)), 0, &mut scratch).to_owned();
        assert_eq!(told, variant(&flag, &with(json!("anybody")), 0, &mut scratch));
        *seen.entry(if told == "on" { "on" } else { "off" }).or_default() += 1;
    }
    assert!(seen.values().all(|count| (400..600).contains(count)), "{seen:?}");
}
