//! A thousand reloads under load: no call fails, and no answer mixes two generations.

use crate::{
    client::Client,
    flags::Flags,
    sidecar::{DEADLINE, Sidecar, eventually},
};
use flagstaff::pb::flagd::evaluation::{v1::any_flag::Value::DoubleValue, v2::ResolveIntResponse};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::task::JoinSet;

const RELOADS: i32 = 1000;
const FLAGS: usize = 20;

/// Twenty flags that all say which generation they are of.
fn generation(number: i32) -> Value {
    let flag = json!({"state": "ENABLED", "variants": {"now": number}, "defaultVariant": "now"});
    let flags: BTreeMap<_, _> = (0..FLAGS).map(|n| (format!("flag-{n}"), flag.clone())).collect();
    json!({"flags": flags})
}

/// Asks until told to stop; returns how many calls were answered.
async fn ask(client: Client, stop: Arc<AtomicBool>) -> usize {
    let (mut calls, mut newest) = (0, 0.0);
    while !stop.load(Ordering::Relaxed) {
        let key = format!("flag-{}", calls % FLAGS);
        let answer: ResolveIntResponse = client.resolve(&key, json!({})).await.unwrap();
        let one = answer.value.unwrap() as f64;
        assert!(one >= newest, "{one} after {newest}");
        let all = client.resolve_all(json!({"targetingKey": "u"})).await.unwrap();
        assert_eq!(all.flags.len(), FLAGS);
        let generations = all.flags.values().map(|flag| match flag.value {
            Some(DoubleValue(number)) => number,
            ref other => panic!("{other:?}"),
        });
        let generations: Vec<_> = generations.collect();
        assert!(generations.iter().all(|g| *g == generations[0]), "mixed: {generations:?}");
        assert!(generations[0] >= one, "{} after {one}", generations[0]);
        newest = generations[0];
        calls += 2;
    }
    calls
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_reloads_under_load_fail_no_call_and_mix_no_generations() {
    let flags = Flags::new(&generation(0));
    let sidecar = Sidecar::start(&flags).await;
    let mut events = Client::connect(&sidecar).await.events().await;
    events.begin().await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut clients = JoinSet::new();
    for n in 0..4 {
        let client = match n {
            0 => Client::connect_unix(&sidecar, 65_535).await,
            _ => Client::connect(&sidecar).await,
        };
        clients.spawn(ask(client, Arc::clone(&stop)));
    }
    for number in 1..=RELOADS {
        flags.rename_over(&generation(number));
        assert_eq!(events.changes().await.len(), FLAGS);
    }
    stop.store(true, Ordering::Relaxed);
    let calls: usize = clients.join_all().await.into_iter().sum();
    println!("{RELOADS} reloads while 4 clients made {calls} calls");
    assert!(calls > 1000, "too few calls to mean anything: {calls}");
    let client = Client::connect(&sidecar).await;
    let answer: ResolveIntResponse = client.resolve("flag-0", json!({})).await.unwrap();
    assert_eq!(answer.value, Some(RELOADS.into()));
    let expected = [("applied".to_owned(), f64::from(RELOADS) + 1.0)].into();
    eventually(DEADLINE, "counted", async || sidecar.reloads().await == expected).await;
    let metrics = sidecar.metrics().await;
    let failed = |series: &&String| {
        series.starts_with("flagstaff_rpc_duration_seconds_count") && !series.contains("\"OK\"")
    };
    assert_eq!(metrics.keys().filter(failed).collect::<Vec<_>>(), Vec::<&String>::new());
}
