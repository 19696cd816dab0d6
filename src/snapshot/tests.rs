//! What a client that missed snapshots is told.

use super::*;
use crate::{metrics::MetricsOptions, pb::flagd::evaluation::v2::EventStreamResponse};
use flagstaff_core::{Format, Generation, Layer, compile, merge};
use prost::Message;
use prost_types::value::Kind;
use std::{
    collections::BTreeMap,
    time::{Duration, UNIX_EPOCH},
};

/// A history of snapshots, each made from flags named with their default variant.
struct History {
    metrics: Metrics,
    layer: Layer,
    current: Option<Snapshot>,
}

impl History {
    fn new() -> Self {
        Self {
            metrics: Metrics::register(&MetricsOptions::default(), None).unwrap(),
            layer: Layer::default(),
            current: None,
        }
    }

    fn publish(&mut self, flags: &[(&str, &str)]) -> &Snapshot {
        let flags: Vec<_> = flags
            .iter()
            .map(|(key, default)| {
                format!(r#""{key}":{{"state":"ENABLED","variants":{{"a":1,"b":2}},"defaultVariant":"{default}"}}"#)
            })
            .collect();
        let text = format!(r#"{{"flags":{{{}}}}}"#, flags.join(","));
        self.layer =
            compile(text.as_bytes(), Format::Json, Generation::V2, &self.layer).unwrap().layer;
        let next = Snapshot::next(
            self.current.as_ref(),
            &merge([&self.layer]),
            &self.metrics,
            SystemTime::now(),
        );
        self.current.insert(next)
    }
}

/// The keys of a change event, each with what happened to it.
fn told(frame: Option<Bytes>) -> BTreeMap<String, String> {
    let Some(frame) = frame else { return BTreeMap::new() };
    let event = EventStreamResponse::decode(&frame[5..]).unwrap();
    let mut data = event.data.unwrap().fields;
    let Some(Kind::StructValue(flags)) = data.remove("flags").unwrap().kind else {
        panic!("flags")
    };
    let kind = |value: prost_types::Value| match value.kind {
        Some(Kind::StructValue(mut change)) => match change.fields.remove("type").unwrap().kind {
            Some(Kind::StringValue(kind)) => kind,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    flags.fields.into_iter().map(|(key, change)| (key, kind(change))).collect()
}

fn expect(changes: &[(&str, &str)]) -> BTreeMap<String, String> {
    changes.iter().map(|(key, kind)| ((*key).to_owned(), (*kind).to_owned())).collect()
}

#[test]
fn a_client_that_keeps_up_hears_what_changed() {
    let mut history = History::new();
    history.publish(&[("kept", "a"), ("changed", "a"), ("removed", "a")]);
    let next = history.publish(&[("kept", "a"), ("changed", "b"), ("added", "a")]);
    let changes = expect(&[("changed", "update"), ("added", "write"), ("removed", "delete")]);
    assert_eq!(told(next.changes_since(1)), changes);
}

#[test]
fn a_client_that_lags_hears_the_union_of_what_it_missed() {
    let mut history = History::new();
    history.publish(&[("kept", "a"), ("changed", "a"), ("removed", "a")]);
    history.publish(&[("kept", "a"), ("changed", "b"), ("removed", "a"), ("added", "a")]);
    history.publish(&[("kept", "a"), ("changed", "b"), ("added", "b")]);
    let last = history.publish(&[("kept", "a"), ("changed", "b"), ("added", "b"), ("late", "a")]);
    let missed =
        [("changed", "update"), ("added", "write"), ("late", "write"), ("removed", "delete")];
    assert_eq!(told(last.changes_since(1)), expect(&missed));
    let missed = [("added", "update"), ("late", "write"), ("removed", "delete")];
    assert_eq!(told(last.changes_since(2)), expect(&missed));
    assert_eq!(told(last.changes_since(4)), expect(&[]));
}

#[test]
fn a_flag_that_came_back_is_not_gone() {
    let mut history = History::new();
    history.publish(&[("flag", "a")]);
    history.publish(&[]);
    let back = history.publish(&[("flag", "a")]);
    assert_eq!(told(back.changes_since(1)), expect(&[("flag", "write")]));
}

#[test]
fn a_client_that_lags_beyond_what_is_remembered_hears_every_key() {
    let mut history = History::new();
    let many: Vec<_> = (0..=MAX_TOMBSTONES).map(|flag| format!("flag-{flag}")).collect();
    let mut flags: Vec<_> = many.iter().map(|key| (key.as_str(), "a")).collect();
    flags.push(("kept", "a"));
    history.publish(&flags);
    history.publish(&[("kept", "a")]);
    let last = history.publish(&[("kept", "a"), ("added", "a")]);
    assert_eq!(told(last.changes_since(1)), expect(&[("added", "update"), ("kept", "update")]));
    assert_eq!(told(last.changes_since(2)), expect(&[("added", "write")]));
}

#[test]
fn flags_that_mean_what_they_meant_keep_their_entry_and_the_digest() {
    let mut history = History::new();
    let first = history.publish(&[("flag", "a")]);
    let (entry, hash) = (Arc::clone(first.entry("flag").unwrap()), first.hash48());
    let other = history.publish(&[("flag", "a"), ("more", "a")]);
    assert!(Arc::ptr_eq(&entry, other.entry("flag").unwrap()));
    assert_ne!(other.hash48(), hash);
    assert_eq!(history.publish(&[("flag", "a")]).hash48(), hash);
}

/// A snapshot of `f`, which is rolled out in steps at 100 and 200, and `g`, which is not.
fn stepped(previous: Option<&Snapshot>, second: u64) -> Snapshot {
    let flags = r#"{"flags": {
        "f": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
            "targeting": {"if": [
                {">=": [{"var": "$flagd.timestamp"}, 200]}, "on",
                {">=": [{"var": "$flagd.timestamp"}, 100]}, {"fractional": [["on", 5], ["off", 95]]}]}},
        "g": {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on"}}}"#;
    let layer =
        compile(flags.as_bytes(), Format::Json, Generation::V2, &Layer::default()).unwrap().layer;
    let now = UNIX_EPOCH + Duration::from_secs(second);
    Snapshot::next(previous, &merge([&layer]), &History::new().metrics, now)
}

#[test]
fn a_moment_that_a_rule_depends_on_is_a_change_of_its_flag_alone() {
    let first = stepped(None, 50);
    let moment = |second| UNIX_EPOCH + Duration::from_secs(second);
    assert!(first.holds().contains(moment(99)) && !first.holds().contains(moment(100)));
    assert!(stepped(Some(&first), 99).changes().is_empty());
    let second = stepped(Some(&first), 100);
    assert_eq!(told(second.changes_since(1)), expect(&[("f", "update")]));
    let changes = second.changes();
    assert_eq!(&*changes.updated[0].0, "f");
    assert_eq!(changes.updated[0].1.words, "step of 1 Jan, on 0 % → 5 %");
    assert_eq!((changes.by_clock, second.generation()), (1, 2));
    // Pods are compared by what their files say, whenever they look.
    assert_eq!(second.digest(), first.digest());
    assert_eq!(second.entry("f").unwrap().changed_at, Some(moment(100)));
    assert_eq!(second.entry("f").unwrap().split.as_ref().unwrap().ratio("on"), 0.05);
    assert!(Arc::ptr_eq(first.entry("g").unwrap(), second.entry("g").unwrap()));
}

#[test]
fn a_clock_that_jumps_is_followed_where_an_answer_may_differ() {
    let first = stepped(None, 50);
    // A machine that was suspended over both steps.
    let late = stepped(Some(&first), 5000);
    assert_eq!(late.changes().updated[0].1.words, "step of 1 Jan, on 0 % → 100 %");
    assert!(stepped(Some(&late), 201).changes().is_empty());
    let back = stepped(Some(&late), 150);
    assert_eq!(back.changes().updated[0].1.words, "clock set back, on 100 % → 5 %");
    assert!(stepped(Some(&back), 120).changes().is_empty());
}
