//! The memory of a sidecar with a thousand flags, while they change.

use crate::{
    client::{Client, Events},
    flags::Flags,
    image::static_binary,
    sidecar::Sidecar,
};
use flagstaff::pb::flagd::evaluation::v2::ResolveBooleanResponse;
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, process::Command};

const FLAGS: usize = 1000;
const STREAMS: usize = 200;
const RELOADS: usize = 300;
/// Reloads between two looks at the memory.
const WINDOW: usize = 20;
/// Flags that change at a reload.
const CHANGED: usize = 20;

/// What has to be enough: half of the Component's limit.
const LIMIT_KIB: u64 = 32 << 10;

/// A thousand flags with rules, of which some are new in every round.
fn many(round: usize) -> Value {
    let flags = (0..FLAGS).map(|n| {
        let share = if n / CHANGED == round % (FLAGS / CHANGED) { round % 100 } else { 50 };
        let flag = json!({
            "state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
            "metadata": {"owner": "team-checkout", "kind": "release", "expires": "2027-06-30"},
            "targeting": {"if": [
                {"in": [{"var": "plan"}, ["enterprise", "business"]]}, "on",
                {"ends_with": [{"var": "email"}, "@example.com"]}, "on",
                {"fractional": [["on", share], ["off", 100 - share]]},
            ]},
        });
        (format!("flag-{n:04}"), flag)
    });
    json!({"metadata": {"fractional": "v2"}, "flags": flags.collect::<BTreeMap<_, _>>()})
}

/// The program as it is in the image.
fn released(command: &mut Command) -> &mut Command {
    let mut released = Command::new(static_binary());
    released.env_clear().args(command.get_args());
    *command = released;
    command
}

/// The most memory it had resident since this was asked before, in KiB.
fn peak(sidecar: &Sidecar) -> u64 {
    let process = format!("/proc/{}", sidecar.pid());
    let status = fs::read_to_string(format!("{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    // The kernel's word for: start over with the peak.
    fs::write(format!("{process}/clear_refs"), "5").unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// All that clients do between two reloads, and once in a while a scrape and everybody's flags.
async fn use_it(sidecar: &Sidecar, streams: &mut [(Client, Events)], round: usize) {
    for (_, events) in &mut *streams {
        assert!(events.changes().await.len() >= CHANGED);
    }
    for (n, (client, _)) in streams.iter().enumerate().step_by(10) {
        let context = json!({"targetingKey": format!("user-{round}-{n}"), "email": "a@b.c"});
        let key = format!("flag-{:04}", (round * STREAMS + n) % FLAGS);
        let answer: ResolveBooleanResponse = client.resolve(&key, context).await.unwrap();
        assert!(answer.value.is_some());
    }
    if round.is_multiple_of(WINDOW) {
        sidecar.metrics().await;
        let all = streams[0].0.resolve_all(json!({"targetingKey": "user"})).await.unwrap();
        assert_eq!(all.flags.len(), FLAGS);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_stays_flat_within_32_mib() {
    let flags = Flags::new(&many(0));
    let sidecar = Sidecar::start_in(&flags, &[], released).await;
    let loaded = sidecar.resident();
    let mut streams: Vec<(Client, Events)> = Vec::new();
    for _ in 0..STREAMS {
        // A connection for each, as processes of an application have.
        let client = Client::connect(&sidecar).await;
        let mut events = client.events().await;
        assert_eq!(events.begin().await.len(), FLAGS);
        streams.push((client, events));
    }
    let mut peaks = vec![peak(&sidecar)];
    for round in 1..=RELOADS {
        flags.rename_over(&many(round));
        use_it(&sidecar, &mut streams, round).await;
        if round.is_multiple_of(WINDOW) {
            peaks.push(peak(&sidecar));
        }
    }
    println!("KiB: {loaded} with {FLAGS} flags; at most, with {STREAMS} streams and after each");
    println!("{WINDOW} reloads: {peaks:?}");
    let most = *peaks.iter().max().unwrap();
    assert!(most < LIMIT_KIB, "{most} KiB");
    // A single peak is chance; what leaks lifts all of them. The allocator takes its share at first.
    let third = RELOADS / WINDOW / 3;
    let median = |peaks: &mut [u64]| *peaks.select_nth_unstable(third / 2).1;
    let (before, last) = (1 + third, 1 + 2 * third);
    let (before, last) = (median(&mut peaks[before..last]), median(&mut peaks[last..]));
    assert!(last <= before + (1 << 10), "it grows, from {before} KiB to {last}");
}
