//! What changed between two definitions of a flag, in words for a person.

use super::{Behaviour, Flag, Split};

/// Describes the change; a change that no word fits is a change of metadata.
pub(crate) fn describe(before: &Flag, after: &Flag) -> String {
    let mut changes = Vec::new();
    match (before.is_disabled(), after.is_disabled()) {
        (false, true) => changes.push("switched off".to_owned()),
        (true, false) => changes.push("switched on".to_owned()),
        _ => {}
    }
    if before.default_name() != after.default_name() {
        let name = |flag: &Flag| flag.default_name().unwrap_or("the caller's").to_owned();
        changes.push(format!("default {} → {}", name(before), name(after)));
    }
    if before.digests.targeting != after.digests.targeting {
        let moved = match (&before.split, &after.split) {
            (Some(before), Some(after)) => describe_split(before, after),
            _ => None,
        };
        changes.push(moved.unwrap_or_else(|| match &after.behaviour {
            Behaviour::Static => "rules removed".to_owned(),
            _ => "rules changed".to_owned(),
        }));
    }
    if before.variants != after.variants {
        changes.push("variants changed".to_owned());
    }
    if changes.is_empty() {
        changes.push("metadata changed".to_owned());
    }
    changes.join(", ")
}

/// The first share that grew or, if none did, shrank; `None` if all shares are what they were.
fn describe_split(before: &Split, after: &Split) -> Option<String> {
    let moves: Vec<_> = after
        .shares
        .iter()
        .map(|(name, _)| (name, before.percent(name), after.percent(name)))
        .collect();
    let grew = moves.iter().find(|(_, before, after)| after > before);
    let (name, before, after) = grew.or_else(|| moves.iter().find(|(_, b, a)| a < b))?;
    Some(format!("{name} {} → {}", percent(*before), percent(*after)))
}

/// At most three decimals, and none that say nothing.
fn percent(share: f64) -> String {
    let text = format!("{share:.3}");
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

impl Split {
    fn percent(&self, variant: &str) -> f64 {
        let total: u64 = self.shares.iter().map(|(_, weight)| u64::from(*weight)).sum();
        let weight: u64 = self
            .shares
            .iter()
            .filter(|(name, _)| &**name == variant)
            .map(|(_, weight)| u64::from(*weight))
            .sum();
        if total == 0 { 0.0 } else { weight as f64 * 100.0 / total as f64 }
    }
}

impl Flag {
    fn default_name(&self) -> Option<&str> {
        self.variants.get(self.default?).map(|variant| &*variant.name)
    }
}
