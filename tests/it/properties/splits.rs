//! Who falls into which share of a split.

use super::made_up::{GENERATIONS, bucketed, only_flag, unit, variant};
use flagstaff_core::{Flag, Generation, Scratch, encode_object};
use proptest::{collection::vec, prelude::*};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, sync::Arc};

proptest! {
    #[test]
    fn raising_the_first_share_moves_nobody_out_of_it(
        weights in vec(0u32..1000, 2..6),
        raise in vec(0u32..1000, 6),
        units in vec("[a-z0-9-]{1,12}", 16),
    ) {
        // What the first share gains the others lose, so the total stays.
        let mut raised = weights.clone();
        for (place, gain) in raise.iter().enumerate().take(raised.len()).skip(1) {
            let gain = *gain.min(&raised[place]);
            raised[place] -= gain;
            raised[0] += gain;
        }
        for generation in GENERATIONS {
            let (before, after) = (split(&weights, generation), split(&raised, generation));
            let mut scratch = Scratch::default();
            for key in &units {
                let unit = unit(key);
                if variant(&before, &unit, &mut scratch) == "v0" {
                    prop_assert_eq!(variant(&after, &unit, &mut scratch), "v0", "{}", key);
                }
            }
        }
    }

    #[test]
    fn equal_numbers_fall_into_one_bucket_however_written(number in any::<i32>()) {
        let shares: Vec<_> = (0..25).map(|share| json!([format!("v{share}"), 1])).collect();
        let flag = |by: Value| {
            let variants: Map<_, _> =
                (0..25).map(|share| (format!("v{share}"), json!(share))).collect();
            let targeting = bucketed(by, &shares);
            let flag = json!({"state": "ENABLED", "variants": variants, "targeting": targeting});
            only_flag(&json!({"flags": {"f": flag}}).to_string(), Generation::V3)
        };
        let context = encode_object(json!({"n": number}).as_object().unwrap());
        let mut scratch = Scratch::default();
        let expected = flag(json!(number));
        let expected = variant(&expected, &context, &mut scratch);
        for by in [
            json!(f64::from(number)),
            json!({"var": "n"}),
            json!({"+": [number.to_string()]}),
            json!({"/": [f64::from(number) * 2.0, 2]}),
        ] {
            let flag = flag(by.clone());
            prop_assert_eq!(variant(&flag, &context, &mut scratch), expected, "{}", by);
        }
    }
}

/// A split over `v0`, `v1`, … with these weights; who is in no share gets `none`.
fn split(weights: &[u32], generation: Generation) -> Arc<Flag> {
    let name = |place: usize| format!("v{place}");
    let mut variants: Map<_, _> =
        (0..weights.len()).map(|place| (name(place), json!(place))).collect();
    variants.insert("none".to_owned(), json!(-1));
    let shares: Vec<_> =
        weights.iter().enumerate().map(|(place, weight)| json!([name(place), weight])).collect();
    let flag = json!({
        "state": "ENABLED", "variants": variants, "defaultVariant": "none",
        "targeting": {"fractional": shares},
    });
    only_flag(&json!({"flags": {"split": flag}}).to_string(), generation)
}

#[test]
fn every_unit_falls_into_one_share_and_shares_are_as_large_as_their_weights() {
    const UNITS: u32 = 20_000;
    let units: Vec<_> = (0..UNITS).map(|unit_| unit(&format!("user-{unit_}"))).collect();
    let mut scratch = Scratch::default();
    for generation in GENERATIONS {
        for weights in [&[1, 99][..], &[25, 75], &[50, 0, 25, 25], &[1, 1, 1], &[2_147_483_646, 1]]
        {
            let flag = split(weights, generation);
            let mut counts = BTreeMap::new();
            for unit in &units {
                *counts.entry(variant(&flag, unit, &mut scratch)).or_insert(0) += 1;
            }
            let total: f64 = weights.iter().copied().map(f64::from).sum();
            for (place, weight) in weights.iter().enumerate() {
                let count = counts.remove(&*format!("v{place}")).unwrap_or(0);
                let share = f64::from(*weight) / total;
                let expected = f64::from(UNITS) * share;
                // Five standard deviations: the keys are fixed, so this holds today and always.
                let bound = 5.0 * (expected * (1.0 - share)).sqrt();
                let off = (f64::from(count) - expected).abs();
                assert!(off <= bound + 1.0, "{generation:?} {weights:?}: {count} in share {place}");
                assert!(*weight > 0 || count == 0, "{weights:?}: {count} in an empty share");
            }
            assert!(counts.is_empty(), "{weights:?}: units in no share: {counts:?}");
        }
    }
}
