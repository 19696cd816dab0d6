//! What holds for every definition and every context, tried on thousands of made-up ones.

mod bounds;
mod exported;
mod made_up;
mod mutations;
mod splits;

use flagstaff_core::{
    Evaluator, Format, Generation, Layer, Scratch, Standing, compile, encode_object, merge,
};
use made_up::{
    GENERATIONS, NOW, compiled, context, data, definition, layer, outcome, rule, targeted,
};
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Map, json};
use std::{collections::BTreeMap, sync::Arc};

proptest! {
    #[test]
    fn any_rule_answers_in_any_context(rule in rule(), contexts in vec(context(), 1..4)) {
        for generation in GENERATIONS {
            let flag = targeted(&rule, generation);
            let mut used = Scratch::default();
            for context in &contexts {
                let context = encode_object(context);
                let first = outcome(&flag, &context, &mut used).expect("JSON is a good context");
                // What an evaluation leaves behind changes no later one.
                for scratch in [&mut used, &mut Scratch::default()] {
                    prop_assert_eq!(&first, &outcome(&flag, &context, scratch).unwrap());
                }
            }
        }
    }

    #[test]
    fn what_is_told_of_any_answer_comes_to_that_answer(rule in rule(), context in context()) {
        for generation in GENERATIONS {
            let flag = targeted(&rule, generation);
            let context = encode_object(&context);
            let mut scratch = Scratch::default();
            let mut evaluator = Evaluator::new(&mut scratch, &context, NOW).expect("a context");
            let (steps, told) = evaluator.explain(&flag);
            prop_assert_eq!(told, evaluator.evaluate(&flag), "{:?}", steps);
            prop_assert!(steps.iter().all(|step| !step.text.is_empty()), "{:?}", steps);
        }
    }

    #[test]
    fn any_bytes_are_a_context_or_a_bad_one(
        rule in rule(),
        noise in vec(any::<u8>(), 0..64),
        context in context(),
        cut in any::<prop::sample::Index>(),
        flip in any::<(prop::sample::Index, u8)>(),
    ) {
        let encoded = encode_object(&context).into_vec();
        let cut = encoded[..cut.index(encoded.len() + 1)].to_vec();
        let mut flipped = encoded.clone();
        if !flipped.is_empty() {
            let place = flip.0.index(flipped.len());
            flipped[place] ^= flip.1;
        }
        for generation in GENERATIONS {
            let flag = targeted(&rule, generation);
            let mut scratch = Scratch::default();
            for bytes in [&noise, &cut, &flipped] {
                // Refused or answered, and a refused one leaves nothing behind.
                drop(outcome(&flag, bytes, &mut scratch));
            }
            let fresh = outcome(&flag, &encoded, &mut Scratch::default());
            prop_assert_eq!(outcome(&flag, &encoded, &mut scratch), fresh);
        }
    }

    #[test]
    fn any_text_compiles_or_says_why(text in any::<String>(), noise in vec(any::<u8>(), 0..128)) {
        for text in [text.as_str(), &String::from_utf8_lossy(&noise)] {
            if let Err(problems) = compile(text.as_bytes(), Format::Json, Generation::V2, &Layer::default()) {
                prop_assert!(!problems.is_empty());
            }
        }
    }

    #[test]
    fn any_document_compiles_to_the_same_twice(
        flags in vec((select(vec!["f", "g", "h"]), definition()), 0..4),
        evaluators in prop_oneof![data(), rule().prop_map(|rule| json!({"a": rule}))],
        metadata in data(),
        context in context(),
    ) {
        let flags: Map<_, _> =
            flags.into_iter().map(|(key, flag)| (key.to_owned(), flag)).collect();
        let document =
            json!({"flags": flags, "$evaluators": evaluators, "metadata": metadata}).to_string();
        let (once, twice) =
            (compiled(&document, Generation::V3), compiled(&document, Generation::V3));
        prop_assert_eq!(&once.diagnostics, &twice.diagnostics);
        let again = compile(document.as_bytes(), Format::Json, Generation::V3, &once.layer).expect("a document");
        let context = encode_object(&context);
        for (key, layer) in [("twice", &twice.layer), ("over itself", &again.layer)] {
            prop_assert_eq!(once.layer.flags().count(), layer.flags().count());
            for (one, other) in once.layer.flags().zip(layer.flags()) {
                prop_assert_eq!(one.flag().key(), other.flag().key(), "{}", key);
                prop_assert_eq!(one.flag().digest(), other.flag().digest());
                prop_assert_eq!(one.standing(), other.standing());
                let mut scratch = Scratch::default();
                let outcomes =
                    [one, other].map(|flag| outcome(flag.flag(), &context, &mut scratch));
                prop_assert_eq!(&outcomes[0], &outcomes[1]);
            }
        }
    }

    #[test]
    fn the_order_of_attributes_does_not_matter(
        rule in rule(),
        context in context(),
        seed in any::<prop::sample::Index>(),
    ) {
        let mut shuffled: Vec<_> = context.iter().rev().collect();
        let turn = seed.index(shuffled.len() + 1);
        shuffled.rotate_left(turn);
        let (sorted, shuffled) = (encode_object(&context), encode_object(shuffled));
        // The whole context, hashed: nothing could depend on the order more.
        let whole = json!({"fractional": [{"var": ""}, ["on", 1], ["off", 1], ["true", 1]]});
        for rule in [rule, whole] {
            // A rule that hands on an object may hand on its order, but no answer shows it.
            let flag = targeted(&rule, Generation::V3);
            let mut scratch = Scratch::default();
            let outcomes = [sorted.as_ref(), shuffled.as_ref()]
                .map(|context| outcome(&flag, context, &mut scratch));
            prop_assert_eq!(&outcomes[0], &outcomes[1]);
        }
    }

    #[test]
    fn the_later_layer_wins_unless_its_flag_never_was_good(
        lower in layer("lower"),
        upper in layer("upper"),
    ) {
        let mut expected = BTreeMap::new();
        for flag in lower.flags().chain(upper.flags()) {
            let key = flag.flag().key();
            if flag.standing() == Standing::Good || !expected.contains_key(key) {
                expected.insert(key, Arc::as_ptr(flag.flag()));
            }
        }
        let merged: Vec<_> = merge([&lower, &upper])
            .iter()
            .map(|flag| (flag.flag().key(), Arc::as_ptr(flag.flag())))
            .collect();
        prop_assert_eq!(merged, expected.into_iter().collect::<Vec<_>>());
    }
}
