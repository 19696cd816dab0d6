//! The memory that a flag file takes once it is loaded, and while it is loaded anew.
//!
//! A file takes at most 8 bytes for each of its text and 4 KiB for each flag, and a reload as much again at
//! its peak. Files are generated from a seed, each of a kind that takes much for its text.
//! FLAGSTAFF_MEMORY_FILES is the number of files (default: 40), FLAGSTAFF_MEMORY_SEED the first seed.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test ends where it fails, helpers included, and prints what it measured"
)]

mod memory {
    pub(crate) mod counting;
    pub(crate) mod generated;
}

use flagstaff::wire::Answers;
use flagstaff_core::{Compilation, Format, Generation, Layer, Standing, compile};
use memory::{
    counting::{Counting, live, peak_since_reset, reset_peak},
    generated::{Generated, Kind},
};

use std::collections::BTreeMap;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The bytes that a file may take: eight for each of its text and four KiB for each flag.
fn bound(file: &Generated) -> usize {
    8 * file.text.len() + 4096 * file.flags
}

/// The bytes that a file may take at the peak of a reload, together with those that it took before: twice
/// as many, and the buffers of the parser of YAML, which a file of any size takes.
fn most_in_a_reload(file: &Generated) -> usize {
    2 * bound(file) + BUFFERS
}

const BUFFERS: usize = 64 << 10;

/// A file as it is served.
struct Served {
    layer: Layer,
    answers: Vec<Answers>,
}

impl Served {
    fn new(file: &Generated, before: &Layer) -> Self {
        let compiled = compile(file.text.as_bytes(), file.format, Generation::V2, before).unwrap();
        let Compilation { layer, .. } = compiled;
        let answers = layer.flags().map(|flag| Answers::new(flag.flag())).collect();
        Self { layer, answers }
    }
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |number| number.parse().unwrap())
}

/// One test, because the counters are those of the process.
#[test]
fn memory_is_bounded_by_the_text_of_a_file() {
    a_file_takes_memory_in_proportion_to_its_text();
    a_flag_that_becomes_too_large_is_in_quarantine_and_the_rest_is_served();
}

/// Seeds of files that took too much once.
const FOUND: [u64; 2] = [1123, 1174];

fn a_file_takes_memory_in_proportion_to_its_text() {
    let first = number("FLAGSTAFF_MEMORY_SEED", 1);
    let mut failures = Vec::new();
    let mut worst = BTreeMap::new();
    for seed in (first..first + number("FLAGSTAFF_MEMORY_FILES", 40)).chain(FOUND) {
        let file = Generated::new(seed);
        let changed = file.changed();
        let empty = live();
        let served = Served::new(&file, &Layer::default());
        let loaded = live() - empty;
        reset_peak();
        let next = Served::new(&changed, &served.layer);
        let peak = peak_since_reset();
        let quarantined = next.layer.flags().filter(|flag| flag.standing() != Standing::Good);
        let quarantined = quarantined.count();
        println!(
            "{seed}: {:?}: {} bytes, {} flags: {:.2} of the bound loaded, {:.2} more in a reload, \
             {quarantined} in quarantine",
            file.kind,
            file.text.len(),
            file.flags,
            loaded as f64 / bound(&file) as f64,
            peak as f64 / bound(&changed) as f64,
        );
        if loaded > bound(&file) || loaded + peak > most_in_a_reload(&changed) {
            failures.push(seed);
        }
        let worst: &mut (f64, f64) = worst.entry(file.kind).or_default();
        worst.0 = worst.0.max(loaded as f64 / bound(&file) as f64);
        worst.1 = worst.1.max((loaded + peak) as f64 / most_in_a_reload(&changed) as f64);
        if quarantined > 1 && !matches!(file.kind, Kind::Dense | Kind::Metadata) {
            failures.push(seed);
        }
        assert_eq!(next.answers.len(), changed.flags, "{seed}");
        drop((served, next));
    }
    for (kind, (loaded, peak)) in worst {
        println!(
            "{kind:?}: at most {loaded:.2} of the bound loaded, {peak:.2} of twice as much in a reload"
        );
    }
    assert_eq!(failures, [0; 0], "seeds of files that take too much");
}

/// A flag that cannot be held in proportion to its text is an error of that flag alone.
fn a_flag_that_becomes_too_large_is_in_quarantine_and_the_rest_is_served() {
    let dense = format!("{{\"and\":[{}1]}}", "1,".repeat(90_000));
    let flag = |rule: &str| {
        format!("{{\"variants\":{{\"a\":1}},\"defaultVariant\":\"a\",\"targeting\":{rule}}}")
    };
    let file = |rule: &str| {
        format!("{{\"flags\":{{\"large\":{},\"other\":{}}}}}", flag(rule), flag("\"a\""))
    };
    let load = |rule: &str, before: &Layer| {
        compile(file(rule).as_bytes(), Format::Json, Generation::V2, before).unwrap()
    };
    let good = load("\"a\"", &Layer::default()).layer;
    for (before, expected) in [(good, Standing::Quarantined), (Layer::default(), Standing::Broken)]
    {
        let Compilation { layer, diagnostics } = load(&dense, &before);
        let standings: Vec<_> = layer.flags().map(|flag| flag.standing()).collect();
        assert_eq!(standings, [expected, Standing::Good]);
        let told: Vec<_> = diagnostics.iter().map(ToString::to_string).collect();
        assert!(told.iter().any(|told| told.contains("flags.large: takes ")), "{told:?}");
    }
}
