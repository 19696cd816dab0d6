//! What a test costs: files are loaded in production too, and no test may hold that up for long.

use super::trial::Trial;
use flagstaff_core::flag::{Behaviour, rule::Rule};

/// What all tests of a file may take together, for files are loaded in production too: a million
/// evaluations of ordinary flags for ordinary users.
pub(super) const MOST_WORK: u64 = 50_000_000;

/// What an evaluation takes at least, where one part of a rule takes one.
const LEAST_WORK: u64 = 10;

/// So many bytes of a user take as long to go over as one part of a rule.
const BYTES_OF_A_PART: u64 = 32;

/// What it takes to ask a flag once.
pub(super) fn work(trial: &Trial<'_>) -> u64 {
    let parts = match &trial.flag.behaviour {
        Behaviour::Targeted(rule) => parts(rule),
        Behaviour::Disabled | Behaviour::Static | Behaviour::Broken(_) => 0,
    };
    LEAST_WORK + parts + trial.context.len() as u64 / BYTES_OF_A_PART
}

/// How many parts a rule has.
fn parts(rule: &Rule) -> u64 {
    if let Rule::Shared(shared) = rule {
        return u64::try_from(shared.size.parts).unwrap_or(u64::MAX);
    }
    let mut count = 1;
    rule.parts(&mut |part| count += parts(part));
    count
}
