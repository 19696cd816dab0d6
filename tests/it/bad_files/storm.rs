//! A storm of reloads under load. `STORM=10000 cargo test --release --test it storm` has the full
//! size and takes a minute; by default it is a tenth of it, in as many seconds.

use crate::{
    client::Client,
    flags::Flags,
    sidecar::{DEADLINE, Sidecar, eventually},
};
use flagstaff::pb::flagd::evaluation::v2::ResolveIntResponse;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    env,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::sleep_until};

const FLAGS: usize = 100;

/// A hundred flags that all say which swap they are of; every third is broken now and then.
fn document(number: usize) -> Value {
    let flag = |n: usize| {
        let broken = n % 3 == 1 && number % 10 == 5;
        json!({"state": "ENABLED", "variants": {"now": number},
            "defaultVariant": if broken { "nwo" } else { "now" },
            "targeting": {"if": [{"==": [{"var": "plan"}, "pro"]}, "now"]},
            "metadata": {"owner": "shop"}})
    };
    let flags: BTreeMap<_, _> = (0..FLAGS).map(|n| (format!("flag-{n}"), flag(n))).collect();
    json!({"flags": flags})
}

/// Asks until told to stop; returns how many calls were answered.
async fn ask(client: Client, stop: Arc<AtomicBool>) -> usize {
    let mut calls = 0;
    while !stop.load(Ordering::Relaxed) {
        let key = format!("flag-{}", calls % FLAGS);
        let answer = client.resolve::<ResolveIntResponse>(&key, json!({"plan": "pro"})).await;
        assert!(answer.is_ok(), "{answer:?}");
        calls += 1;
    }
    calls
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_reloads_fails_no_call_and_keeps_no_memory() {
    let swaps: usize = env::var("STORM").map_or(1_000, |swaps| swaps.parse().unwrap());
    let pause = Duration::from_millis(6);
    let flags = Flags::new(&document(0));
    let sidecar = Sidecar::start(&flags).await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut clients = JoinSet::new();
    for _ in 0..2 {
        clients.spawn(ask(Client::connect(&sidecar).await, Arc::clone(&stop)));
    }
    let mut events = Client::connect(&sidecar).await.events().await;
    events.begin().await;
    let start = Instant::now();
    let mut resident = Vec::new();
    for number in 1..=swaps {
        // One in ten is no file at all.
        match number % 10 {
            3 if number < swaps => flags.replace("{\"flags\": {"),
            _ => flags.rename_over(&document(number)),
        }
        if number % (swaps / 10) == 0 {
            resident.push(sidecar.resident());
        }
        let due = start + pause * u32::try_from(number).unwrap();
        sleep_until(due.into()).await;
    }
    let took = start.elapsed();
    stop.store(true, Ordering::Relaxed);
    let calls: usize = clients.join_all().await.into_iter().sum();
    let client = Client::connect(&sidecar).await;
    eventually(DEADLINE, "the last content", async || {
        let answer: ResolveIntResponse = client.resolve("flag-0", json!({})).await.unwrap();
        answer.value == Some(i64::try_from(swaps).unwrap())
    })
    .await;
    let reloads = sidecar.reloads().await;
    println!(
        "{swaps} swaps in {took:.1?}, {calls} calls, reloads {reloads:?}, RSS {resident:?} KiB"
    );
    // Scans rest as long as they take, and this is a debug build beside other tests.
    assert!(reloads["applied"] > 30.0, "{reloads:?}");
    assert!(calls > 1_000, "too few calls to mean anything: {calls}");
    let metrics = sidecar.metrics().await;
    let failed = |series: &&String| {
        series.starts_with("flagstaff_rpc_duration_seconds_count") && !series.contains("\"OK\"")
    };
    assert_eq!(metrics.keys().filter(failed).collect::<Vec<_>>(), Vec::<&String>::new());
    let (half, end) = (resident[4], *resident.iter().skip(5).max().unwrap());
    assert!(end <= half + 1024, "memory grew from {half} to {end} KiB: {resident:?}");
}
