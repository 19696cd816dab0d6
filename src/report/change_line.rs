//! The changes of one publish, as text for a log line: kills first, and up to 50 of them in full.

use crate::snapshot::Snapshot;
use flagstaff_core::flag::change::Weight;
use std::{fmt::Write as _, time::Duration};

/// A line for a person shows at most this many changes that are neither a kill nor a new state.
const MOST_SHOWN: usize = 3;

/// A line shows at most this many kills and new states.
const MOST_URGENT: usize = 50;

/// The applications that are connected when a snapshot is published.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clients {
    pub(crate) connections: usize,
    /// Open update streams.
    pub(crate) streams: usize,
}

/// The changes of a snapshot, most urgent first, each as `KEY: CHANGE`. At most 50 kills and new
/// states, then others until `most` are listed. The last element counts the rest.
pub(crate) fn changes_of(snapshot: &Snapshot, most: usize) -> Vec<String> {
    let changes = snapshot.changes();
    let is_killed = |key: &str| snapshot.entry(key).is_some_and(|entry| entry.flag.is_killed());
    let updated = changes.updated.iter().map(|(key, of)| (of.weight, key, of.words.as_str()));
    let added = changes.added.iter().map(|key| match is_killed(key) {
        true => (Weight::Kill, key, "added, killed"),
        false => (Weight::Other, key, "added"),
    });
    let removed =
        changes.removed.iter().map(|key| match changes.removed_killed.binary_search(key).is_ok() {
            true => (Weight::Kill, key, "removed, was killed"),
            false => (Weight::Other, key, "removed"),
        });
    let mut all: Vec<_> = updated.chain(added).chain(removed).collect();
    if snapshot.generation() == 1 {
        // At the start every flag is new, and only kills are worth a line.
        all.retain(|(weight, ..)| *weight == Weight::Kill);
    }
    all.sort_by_key(|(weight, ..)| *weight);
    let urgent = all.iter().take_while(|(weight, ..)| *weight != Weight::Other).count();
    let shown = most.max(urgent.min(MOST_URGENT)).min(all.len());
    let mut told: Vec<_> =
        all.iter().take(shown).map(|(_, key, words)| format!("{key}: {words}")).collect();
    match (all.len() - shown, urgent.saturating_sub(shown)) {
        (0, _) => {}
        (more, 0) => told.push(format!("and {more} more")),
        (more, urgent) => told.push(format!("and {more} more, {urgent} of them kills or states")),
    }
    told
}

/// `generation 7 · enable_new_pricing_page: on 5 % → 25 % · 9 ms · 3 streams told`
pub(crate) fn line(snapshot: &Snapshot, took: Duration, clients: Clients) -> String {
    let mut line = format!("generation {}", snapshot.generation());
    // Writing to a string cannot fail.
    let mut add = |part: &str| write!(line, " · {part}").unwrap_or_default();
    for change in changes_of(snapshot, MOST_SHOWN) {
        add(&change);
    }
    match took.as_millis() {
        0 => add("<1 ms"),
        millis => add(&format!("{millis} ms")),
    }
    add(&match clients {
        Clients { streams: 0, connections: 0 } => "no application connected".to_owned(),
        Clients { streams: 0, .. } => "no update stream open".to_owned(),
        Clients { streams: 1, .. } => "1 stream told".to_owned(),
        Clients { streams, .. } => format!("{streams} streams told"),
    });
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Metrics, MetricsOptions};
    use flagstaff_core::{Format, Generation, Layer, compile, merge};
    use std::time::SystemTime;

    /// The snapshot of readable flags, each of a key and a body, after another snapshot.
    fn next(previous: Option<&Snapshot>, flags: &[(&str, &str)]) -> Snapshot {
        let flags: Vec<_> =
            flags.iter().map(|(key, body)| format!("  {key}: {{ {body} }}\n")).collect();
        let text = format!("flagstaff: 1\nbucketing: v2\nflags:\n{}", flags.concat());
        let compiled =
            compile(text.as_bytes(), Format::Yaml, Generation::V2, &Layer::default()).unwrap();
        let metrics = Metrics::register(&MetricsOptions::default(), None).unwrap();
        Snapshot::next(previous, &merge([&compiled.layer]), &metrics, SystemTime::now())
    }

    #[test]
    fn kills_come_first_and_are_all_listed() {
        let body = |change| [("a", change), ("b", change), ("c", change), ("d", change)];
        let before =
            [&body("serve: off")[..], &[("y", "serve: on"), ("z", "rollout: 5%")]].concat();
        let after = [
            &body("serve: on")[..],
            &[("y", "serve: on, state: DISABLED"), ("z", "rollout: 5%, killed: true")],
        ];
        let first = next(None, &before);
        let second = next(Some(&first), &after.concat());
        let told = changes_of(&second, MOST_SHOWN);
        let expected = [
            "z: killed: everyone gets off",
            "y: DISABLED: clients use the default in their code",
            "a: default off → on",
            "and 3 more",
        ];
        assert_eq!(told, expected);
        // Many kills are more than the three changes of another kind.
        let keys: Vec<_> = (10..70).map(|place| format!("flag_{place}")).collect();
        let flags = |body| keys.iter().map(|key| (key.as_str(), body)).collect::<Vec<_>>();
        let before = next(None, &[&flags("serve: on")[..], &[("other", "serve: off")]].concat());
        let some = [&flags("serve: on, killed: true")[..9], &flags("serve: on")[9..]].concat();
        let killed = next(Some(&before), &[&some[..], &[("other", "serve: on")]].concat());
        let told = changes_of(&killed, MOST_SHOWN);
        assert!(told[..9].iter().all(|line| line.ends_with(": killed: everyone gets off")));
        assert_eq!(told[9], "and 1 more");
        let all = next(Some(&before), &flags("serve: on, killed: true"));
        let told = changes_of(&all, MOST_SHOWN);
        assert_eq!((told.len(), &*told[50]), (51, "and 11 more, 10 of them kills or states"));
    }

    #[test]
    fn a_killed_flag_is_listed_when_it_comes_and_goes() {
        let first = next(None, &[("a", "serve: on"), ("k", "serve: on, killed: true")]);
        assert_eq!(changes_of(&first, MOST_SHOWN), ["k: added, killed"]);
        let without = next(Some(&first), &[("b", "serve: on")]);
        let expected = ["k: removed, was killed", "b: added", "a: removed"];
        assert_eq!(changes_of(&without, MOST_SHOWN), expected);
    }

    #[test]
    fn a_line_names_the_clients_that_were_notified() {
        let first = next(None, &[("a", "rollout: 5%")]);
        let second = next(Some(&first), &[("a", "rollout: 25%")]);
        let line =
            |connections, streams| line(&second, Duration::ZERO, Clients { connections, streams });
        let start = "generation 2 · a: on 5 % → 25 % · <1 ms · ";
        assert_eq!(line(0, 0), format!("{start}no application connected"));
        assert_eq!(line(1, 0), format!("{start}no update stream open"));
        assert_eq!(line(1, 1), format!("{start}1 stream told"));
        assert_eq!(line(2, 3), format!("{start}3 streams told"));
    }
}
