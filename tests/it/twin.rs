//! A readable file and its plain twin give everybody the same, at any time.
//!
//! `UNITS=100000 cargo test --test it twin` asks for more users than the 10 000 of every day.

use flagstaff_check::export;
use flagstaff_core::{
    Evaluator, Flag, Format, Generation, Layer, Lists, Outcome, Scratch, VariantValue,
    compile_with, encode_object,
};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, env, fs, path::Path, sync::Arc};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The first of December 2026 at midnight UTC.
const DECEMBER: i64 = 1_796_083_200;
const DAY: i64 = 86_400;

/// The flags of a file by key; nothing may be wrong with it.
pub(crate) fn flags(text: &str, format: Format) -> BTreeMap<String, Arc<Flag>> {
    let none = Layer::default();
    let compiled =
        compile_with(&Lists::new(), text.as_bytes(), format, Generation::V2, &none).unwrap();
    assert!(compiled.diagnostics.is_empty(), "{:?}", compiled.diagnostics);
    let flags = compiled.layer.flags().map(|flag| Arc::clone(flag.flag()));
    flags.map(|flag| (flag.key().to_owned(), flag)).collect()
}

fn read(path: &str) -> (String, BTreeMap<String, Arc<Flag>>) {
    let path = Path::new(ROOT).join(path);
    let text = fs::read_to_string(&path).unwrap();
    let flags = flags(&text, Format::of(&path));
    (text, flags)
}

/// How many users: as many as the environment asks for.
pub(crate) fn units(otherwise: u64) -> u64 {
    env::var("UNITS").map_or(otherwise, |units| units.parse().unwrap())
}

/// Numbers without a pattern, and the same in every run.
struct Dice(u64);

impl Dice {
    /// <https://prng.di.unimi.it/splitmix64.c>
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn of(&mut self, sides: usize) -> usize {
        usize::try_from(self.roll() % u64::try_from(sides).unwrap()).unwrap()
    }
}

/// What a user's attributes may be: most often what rules look for, and now and then anything.
const TEXTS: [(&str, &[&str]); 5] = [
    ("plan", &["enterprise", "free", "Enterprise", ""]),
    ("country", &["DE", "AT", "FR", "NO", "de", ""]),
    (
        "email",
        &[
            "ana@example.com",
            "bo@example.com",
            "x@beta.example.com",
            "@beta.example.com",
            "x@example.com",
        ],
    ),
    (
        "app_version",
        &["4.2.0", "4.1.9", "v10.0.0", "2.4.0", "2.3.9", "4.2.0-rc.1", "4.2", "nightly", ""],
    ),
    ("locale", &["de", "de-AT", "en-GB", "DE", "d"]),
];

fn user(dice: &mut Dice, number: u64) -> Map<String, Value> {
    let odd = |dice: &mut Dice| {
        let values = [
            Value::Null,
            json!(true),
            json!(false),
            json!(0),
            json!(4.2),
            json!(-1e21),
            json!([]),
            json!(["enterprise"]),
            json!({"plan": "enterprise"}),
            json!("é\u{0}😀"),
        ];
        values[dice.of(values.len())].clone()
    };
    let mut user = Map::new();
    for (name, texts) in TEXTS {
        match dice.of(8) {
            0 => {}
            1 => drop(user.insert(name.to_owned(), odd(dice))),
            _ => drop(user.insert(name.to_owned(), texts[dice.of(texts.len())].into())),
        }
    }
    let key = match dice.of(16) {
        0 => return user,
        1 => odd(dice),
        2 => "".into(),
        3 => "user-1002".into(),
        4 => number.into(),
        _ => format!("user-{number}").into(),
    };
    user.insert("targetingKey".to_owned(), key);
    user
}

/// A variant with its value, which is what a client can tell apart.
fn answer<'f>(flag: &'f Flag, outcome: Outcome<'_>) -> Option<(&'f str, &'f VariantValue)> {
    match outcome {
        Outcome::Variant { index, .. } => {
            let variant = &flag.variants()[index];
            Some((variant.name(), variant.value()))
        }
        Outcome::Disabled => None,
        Outcome::CodeDefault | Outcome::Failed(_) => panic!("{}: {outcome:?}", flag.key()),
    }
}

#[track_caller]
fn same_for_everybody(readable: &str, plain: &str, instants: [i64; 20]) {
    let (readable, plain) = (read(readable).1, read(plain).1);
    assert_eq!(readable.keys().collect::<Vec<_>>(), plain.keys().collect::<Vec<_>>());
    let mut seen: BTreeMap<&str, BTreeMap<Option<&str>, u32>> = BTreeMap::new();
    let (mut dice, mut scratch) = (Dice(7), Scratch::default());
    let mut twin_scratch = Scratch::default();
    for number in 0..units(10_000) {
        let user = user(&mut dice, number);
        let context = encode_object(&user);
        for at in instants {
            let mut evaluator = Evaluator::new(&mut scratch, &context, at).unwrap();
            let mut twin = Evaluator::new(&mut twin_scratch, &context, at).unwrap();
            for (key, flag) in &readable {
                let told = answer(flag, evaluator.evaluate(flag));
                let expected = answer(&plain[key], twin.evaluate(&plain[key]));
                assert_eq!(told, expected, "{key} for {} at {at}", Value::from(user));
                let variant = told.map(|(name, _)| name);
                *seen.entry(key).or_default().entry(variant).or_default() += 1;
            }
        }
    }
    println!("{seen:?}");
    // Whoever has rules was not asked in vain: somebody got something else.
    for (key, flag) in readable.iter().filter(|(_, flag)| flag.is_targeted()) {
        let got = seen[key.as_str()].len();
        assert_eq!(got, flag.variants().len(), "{key}: {:?}", seen[key.as_str()]);
    }
}

#[test]
fn the_example_and_its_plain_twin_are_the_same() {
    // Twenty moments around the launch of the invoice archive.
    const LAUNCH: i64 = 1_801_440_000;
    let mut instants = [0; 20];
    for (place, at) in (-10..10).zip(&mut instants) {
        *at = LAUNCH + place * place * place * DAY / 4;
    }
    instants[9] = LAUNCH - 1;
    same_for_everybody("config/flags.yaml", "config/flags.json", instants);
}

#[test]
fn a_plan_of_steps_and_what_it_exports_to_are_the_same() {
    // Nine in the morning in Berlin, in winter.
    const NINE: i64 = DECEMBER + 8 * 3600;
    let mut instants: Vec<i64> = [0, 2, 7, 14]
        .into_iter()
        .flat_map(|day| {
            let step = NINE + day * DAY;
            [step - 1, step, step + 1, step + 3600]
        })
        .collect();
    instants.extend([0, DECEMBER, DECEMBER + 30 * DAY, DECEMBER + 3650 * DAY]);
    let instants: [i64; 20] = instants.try_into().unwrap();
    same_for_everybody("tests/authoring/flags.yaml", "tests/authoring/flags.json", instants);
}

#[test]
fn what_is_exported_is_stable_and_nothing_is_wrong_with_it() {
    let exported = |text: &str, format| {
        let (json, problems) =
            export(&Lists::new(), text.as_bytes(), format, Generation::V2).unwrap();
        assert!(problems.is_empty(), "{problems:?}");
        json
    };
    for path in ["tests/authoring/flags.yaml", "config/flags.yaml"] {
        let (text, _) = read(path);
        let json = exported(&text, Format::Yaml);
        assert_eq!(exported(&json, Format::Json), json, "{path}");
        flags(&json, Format::Json);
    }
    let (text, _) = read("tests/authoring/flags.yaml");
    let (twin, _) = read("tests/authoring/flags.json");
    let exported = exported(&text, Format::Yaml);
    assert_eq!(exported.trim_end(), twin.trim_end(), "flagstaff export tests/authoring/flags.yaml");
}
