//! What an update stream brings, and that one who does not read hurts nobody.

use crate::{
    client::Client,
    flags::Flags,
    raw::Raw,
    sidecar::{DEADLINE, Sidecar, eventually},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use tonic::Code;

const ACTIVE: &str = "flagstaff_streams_active{kind=\"event_stream\"}";

fn flag(value: i64) -> Value {
    json!({"state": "ENABLED", "variants": {"now": value}, "defaultVariant": "now"})
}

fn file<const N: usize>(flags: [(&str, i64); N]) -> Value {
    let flags: BTreeMap<_, _> = flags.into_iter().map(|(key, value)| (key, flag(value))).collect();
    json!({"flags": flags})
}

fn kinds<const N: usize>(of: [(&str, &str); N]) -> BTreeMap<String, String> {
    of.map(|(key, kind)| (key.to_owned(), kind.to_owned())).into()
}

/// Forty flags with long keys: a few of their events are more than a client lets be sent unread.
fn many(value: i64) -> Value {
    let key = |n: usize| format!("{n:03}-{}", "k".repeat(200));
    let flags: BTreeMap<_, _> = (0..40).map(|n| (key(n), flag(value))).collect();
    json!({"flags": flags})
}

#[tokio::test]
async fn a_stream_begins_with_ready_and_all_keys_and_goes_on_with_what_changed() {
    let flags = Flags::new(&file([("a", 1), ("b", 1), ("c", 1)]));
    let sidecar = Sidecar::start(&flags).await;
    let mut events = Client::connect(&sidecar).await.events().await;
    let start = Instant::now();
    assert_eq!(events.next().await.unwrap(), ("provider_ready".to_owned(), BTreeMap::new()));
    // Python waits 500 ms for it and then gives up.
    assert!(start.elapsed() < Duration::from_millis(250), "{:?}", start.elapsed());
    let mut everything = events.changes().await;
    assert_eq!(everything.keys().collect::<Vec<_>>(), ["a", "b", "c"]);
    flags.rename_over(&file([("a", 1), ("b", 2), ("d", 1)]));
    let expected = kinds([("b", "update"), ("c", "delete"), ("d", "write")]);
    assert_eq!(events.changes().await, expected);
    flags.rename_over(&file([("a", 1), ("b", 2), ("c", 1), ("d", 1)]));
    assert_eq!(events.changes().await, kinds([("c", "write")]));
    // Who comes later begins with all keys as well.
    let mut events = Client::connect_unix(&sidecar, 65_535).await.events().await;
    everything = events.begin().await;
    assert_eq!(everything.keys().collect::<Vec<_>>(), ["a", "b", "c", "d"]);
}

#[tokio::test]
async fn without_flags_a_stream_is_held_open_silently_until_there_are() {
    let flags = Flags::absent();
    let sidecar = Sidecar::spawn(&flags, &[]).await;
    let client = Client::connect(&sidecar).await;
    let mut events = client.events().await;
    eventually(DEADLINE, "open", async || sidecar.metric(ACTIVE).await == 1.0).await;
    for (series, sent) in sidecar.metrics().await {
        assert!(!series.starts_with("flagstaff_stream_events_total") || sent == 0.0, "{series}");
    }
    flags.write_in_place(&file([("a", 1)]));
    let everything = events.begin().await;
    assert_eq!(everything.keys().collect::<Vec<_>>(), ["a"]);
    drop((events, client));
    eventually(DEADLINE, "closed", async || sidecar.metric(ACTIVE).await == 0.0).await;
}

#[tokio::test]
async fn a_stream_of_no_flags_is_ready_and_hears_of_the_first() {
    let flags = Flags::new(&json!({"flags": {}}));
    let sidecar = Sidecar::start(&flags).await;
    let mut events = Client::connect(&sidecar).await.events().await;
    assert_eq!(events.next().await.unwrap().0, "provider_ready");
    flags.rename_over(&file([("a", 1)]));
    assert_eq!(events.changes().await, kinds([("a", "write")]));
}

#[tokio::test]
async fn on_sigterm_a_stream_is_told_and_ends_unavailable() {
    let sidecar = Sidecar::start(&Flags::new(&file([("a", 1)]))).await;
    let mut events = Client::connect(&sidecar).await.events().await;
    events.begin().await;
    sidecar.sigterm();
    assert_eq!(events.next().await.unwrap(), ("provider_shutdown".to_owned(), BTreeMap::new()));
    let status = events.next().await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{}", status.message());
}

#[tokio::test]
async fn fifty_who_never_read_neither_delay_the_next_one_nor_cost_memory() {
    let flags = Flags::new(&many(0));
    let sidecar = Sidecar::start(&flags).await;
    let mut events = Client::connect(&sidecar).await.events().await;
    events.begin().await;
    let mut value = 0;
    let mut update = async || {
        value += 1;
        let content = many(value);
        let start = Instant::now();
        flags.rename_over(&content);
        assert_eq!(events.changes().await.len(), 40);
        start.elapsed()
    };
    let mut alone = Vec::new();
    for _ in 0..50 {
        alone.push(update().await);
    }
    let mut stalled = Vec::new();
    for _ in 0..50 {
        stalled.push(Raw::subscribe(sidecar.evaluation()).await);
    }
    eventually(DEADLINE, "51 streams", async || sidecar.metric(ACTIVE).await == 51.0).await;
    let (mut crowded, mut resident) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        for _ in 0..500 {
            crowded.push(update().await);
        }
        resident.push(sidecar.resident());
    }
    alone.sort();
    crowded.sort();
    let (alone, crowded, worst) = (alone[25], crowded[500], crowded[999]);
    println!(
        "alone: median {alone:.1?}; beside 50 who never read: {crowded:.1?}, worst {worst:.1?}"
    );
    println!("resident after 500 and 1 000 updates: {resident:?} KiB");
    assert!(crowded <= alone * 5 + Duration::from_millis(5), "median {crowded:?}, alone {alone:?}");
    assert!(worst <= Duration::from_secs(2), "worst {worst:?}");
    assert!(resident[1] <= resident[0] + 1024, "{resident:?} KiB");
    assert_eq!(sidecar.metric(ACTIVE).await, 51.0, "they were there all the time");
    // They were not sent everything: 64 KiB is all that a client takes unread.
    let sent =
        "flagstaff_stream_events_total{kind=\"event_stream\",event=\"configuration_change\"}";
    assert!(sidecar.metric(sent).await < 1051.0 + 50.0 * 20.0);
}

#[tokio::test]
async fn who_reads_late_gets_the_union_of_what_was_missed() {
    let flags = Flags::new(&many(0));
    let sidecar = Sidecar::start(&flags).await;
    let mut prompt = Client::connect(&sidecar).await.events().await;
    prompt.begin().await;
    let client = Client::connect_unix(&sidecar, 1024).await;
    let mut late = client.events().await;
    late.begin().await;
    // More than may be sent unread, then changes of other keys, one at a time.
    let mut content = many(0);
    let mut change = async |content: &Value| {
        flags.rename_over(content);
        prompt.changes().await;
    };
    for value in 1..=20 {
        content = many(value);
        change(&content).await;
    }
    let kept = content["flags"].as_object().unwrap().keys().next().unwrap().clone();
    let removed = content["flags"].as_object().unwrap().keys().nth(1).unwrap().clone();
    content["flags"]["brought"] = flag(1);
    change(&content).await;
    content["flags"].as_object_mut().unwrap().remove(&removed);
    change(&content).await;
    content["flags"]["brief"] = flag(1);
    change(&content).await;
    content["flags"].as_object_mut().unwrap().remove("brief");
    change(&content).await;
    let mut read = 0;
    let last = loop {
        read += 1;
        let keys = late.changes().await;
        if keys.contains_key("brought") {
            break keys;
        }
    };
    assert_eq!(last["brought"], "write");
    assert_eq!(last[&kept], "update");
    assert_eq!(last[&removed], "delete");
    assert_eq!(last.get("brief").map(String::as_str).unwrap_or("delete"), "delete");
    assert!(read <= 5, "{read} events for 24 changes: they were queued");
    let coalesced = "flagstaff_stream_coalesced_total{kind=\"event_stream\"}";
    assert!(sidecar.metric(coalesced).await >= 1.0);
    // And then it is where everybody is.
    content["flags"]["next"] = flag(1);
    change(&content).await;
    assert_eq!(late.changes().await, kinds([("next", "write")]));
}
