//! A reload is of what changed and of nothing else.

use crate::{
    client::Client,
    flags::Flags,
    sidecar::{DEADLINE, Sidecar, eventually},
};
use flagstaff::pb::flagd::evaluation::v2::ResolveIntResponse;
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, process::Command};

/// A file with one flag that has this value.
fn generation(number: i64) -> Value {
    json!({"flags": {"generation":
        {"state": "ENABLED", "variants": {"now": number}, "defaultVariant": "now"}}})
}

async fn value(client: &Client) -> Option<i64> {
    let answer: ResolveIntResponse = client.resolve("generation", json!({})).await.unwrap();
    answer.value
}

/// Reloads by their result.
fn counts<const N: usize>(of: [(&str, f64); N]) -> BTreeMap<String, f64> {
    of.map(|(result, count)| (result.to_owned(), count)).into()
}

#[tokio::test]
async fn a_file_deleted_and_written_again_is_served() {
    let flags = Flags::new(&generation(0));
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    fs::remove_file(flags.path()).unwrap();
    let gone = "the loss is noticed";
    eventually(DEADLINE, gone, async || sidecar.reloads().await.contains_key("read_error")).await;
    assert_eq!(value(&client).await, Some(0), "what was there is still served");
    assert_eq!(sidecar.readyz().await.0, 200);
    flags.write_in_place(&generation(1));
    eventually(DEADLINE, "the new file", async || value(&client).await == Some(1)).await;
    let told = "told so";
    eventually(DEADLINE, told, async || {
        sidecar.metric("flagstaff_config_last_reload_successful").await == 1.0
    })
    .await;
}

#[tokio::test]
async fn reading_the_file_is_no_reason_to_read_it_again() {
    const SIZE: usize = 1 << 20;
    let padded = |number| {
        let mut file = generation(number);
        file["padding"] = "x".repeat(SIZE).into();
        file
    };
    let flags = Flags::new(&padded(0));
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    let mut events = client.events().await;
    events.begin().await;
    let before = sidecar.bytes_read();
    const UPDATES: i64 = 5;
    for number in 1..=UPDATES {
        // Somebody else reads it as well, again and again.
        let reads = format!("for i in 1 2 3 4 5 6 7 8; do cat '{}'; done", flags.path().display());
        assert!(Command::new("sh").args(["-c", &reads]).output().unwrap().status.success());
        flags.rename_over(&padded(number));
        events.changes().await;
    }
    let looks = (sidecar.bytes_read() - before) as f64 / SIZE as f64;
    println!("{UPDATES} updates, {looks:.1} reads of the file");
    // A rename is two events, the second of which may start one more look.
    assert!(looks < 2.0 * UPDATES as f64 + 1.0, "{looks} reads for {UPDATES} updates");
    let expected = counts([("applied", 1.0 + UPDATES as f64)]);
    eventually(DEADLINE, "counted", async || sidecar.reloads().await == expected).await;
}

#[tokio::test]
async fn other_bytes_with_the_same_meaning_change_nothing() {
    let flags = Flags::new(&generation(7));
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    let mut events = client.events().await;
    events.begin().await;
    let hash = sidecar.metric("flagstaff_config_hash").await;
    let same = serde_json::to_string_pretty(&generation(7)).unwrap();
    fs::write(flags.dir().join("pretty"), format!("\n\n{same}\n")).unwrap();
    fs::rename(flags.dir().join("pretty"), flags.path()).unwrap();
    let expected = counts([("applied", 1.0), ("unchanged", 1.0)]);
    eventually(DEADLINE, "seen", async || sidecar.reloads().await == expected).await;
    assert_eq!(sidecar.metric("flagstaff_config_generation").await, 1.0);
    assert_eq!(sidecar.metric("flagstaff_config_hash").await, hash);
    // Nobody is told: the next event is of the next change.
    flags.rename_over(&json!({"flags": {}}));
    let gone = [("generation".to_owned(), "delete".to_owned())].into();
    assert_eq!(events.changes().await, gone);
    assert_ne!(sidecar.metric("flagstaff_config_hash").await, hash);
}

#[tokio::test]
async fn a_sidecar_told_to_poll_does() {
    let flags = Flags::new(&generation(0));
    let options = ["--watch", "poll", "--poll-interval", "20ms"];
    let sidecar = Sidecar::start_with(&flags, &options).await;
    let client = Client::connect(&sidecar).await;
    assert_eq!(sidecar.metric("flagstaff_config_watch_mode{mode=\"poll\"}").await, 1.0);
    for number in 1..=3 {
        flags.write_in_place(&generation(number));
        eventually(DEADLINE, "the poll", async || value(&client).await == Some(number)).await;
    }
}
