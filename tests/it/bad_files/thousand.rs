//! One broken flag among a thousand: the others are served as they are now.

use crate::{
    client::Client,
    flags::Flags,
    sidecar::{DEADLINE, Sidecar, eventually},
};
use flagstaff::pb::flagd::evaluation::v2::ResolveStringResponse;
use serde_json::{Value, json};
use tonic::{Code, Status};

const FLAGS: usize = 1_000;

fn key(number: usize) -> String {
    format!("flag-{number:04}")
}

const BROKEN: usize = 500;

fn flag(default: &str) -> Value {
    json!({"state": "ENABLED", "variants": {"old": "old", "new": "new"}, "defaultVariant": default})
}

/// A thousand flags of one default, but for one.
fn document(default: &str, other: Value) -> Value {
    let mut flags: serde_json::Map<_, _> =
        (0..FLAGS).map(|number| (key(number), flag(default))).collect();
    flags[&key(BROKEN)] = other;
    json!({"flags": flags})
}

async fn ask(client: &Client, number: usize) -> Result<String, Status> {
    let answer: ResolveStringResponse = client.resolve(&key(number), json!({})).await?;
    Ok(answer.value.unwrap_or(answer.reason))
}

/// How many of the flags answer this.
async fn count(client: &Client, value: &str) -> usize {
    let mut count = 0;
    for number in 0..FLAGS {
        count += usize::from(ask(client, number).await.is_ok_and(|answer| answer == value));
    }
    count
}

/// Metrics are written right after the flags are served.
async fn becomes(sidecar: &Sidecar, series: &str, value: f64) {
    let what = format!("{series} is {value}");
    eventually(DEADLINE, &what, async || sidecar.metric(series).await == value).await;
}

#[tokio::test]
async fn one_broken_flag_among_a_thousand_keeps_its_last_good_answer() {
    let flags = Flags::new(&document("old", flag("old")));
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    assert_eq!(count(&client, "old").await, FLAGS);

    flags.rename_over(&document("new", flag("neww")));
    eventually(DEADLINE, "others", async || ask(&client, 0).await.unwrap() == "new").await;
    assert_eq!(count(&client, "new").await, FLAGS - 1);
    assert_eq!(ask(&client, BROKEN).await.unwrap(), "old");
    let broken = async |sidecar: &Sidecar| {
        becomes(sidecar, "flagstaff_config_quarantined_flags", 1.0).await;
        becomes(sidecar, "flagstaff_config_last_reload_successful", 0.0).await;
        assert_eq!(sidecar.metric("flagstaff_config_flags{state=\"enabled\"}").await, FLAGS as f64);
        assert_eq!(sidecar.readyz().await.0, 200);
        let place = format!("error: flags.{}.defaultVariant", key(BROKEN));
        sidecar.wait_for_log(&["WARN", &place, "did you mean"]).await;
    };
    broken(&sidecar).await;
    assert_eq!(sidecar.reloads().await["partial"], 1.0);

    // Who switches it off means it, broken as it is.
    let mut killed = flag("neww");
    killed["state"] = "DISABLED".into();
    flags.rename_over(&document("new", killed.clone()));
    eventually(DEADLINE, "killed", async || ask(&client, BROKEN).await.unwrap() == "DISABLED")
        .await;
    becomes(&sidecar, "flagstaff_config_quarantined_flags", 0.0).await;
    becomes(&sidecar, "flagstaff_config_last_reload_successful", 1.0).await;

    // Nothing is remembered over a restart; what is broken then says so.
    flags.rename_over(&document("new", flag("neww")));
    drop(sidecar);
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    let refused = ask(&client, BROKEN).await.unwrap_err();
    assert_eq!(refused.code(), Code::DataLoss, "{}", refused.message());
    assert!(refused.message().contains(&key(BROKEN)), "{}", refused.message());
    assert_eq!(count(&client, "new").await, FLAGS - 1);
    broken(&sidecar).await;
    flags.rename_over(&document("new", killed));
    eventually(DEADLINE, "killed", async || {
        ask(&client, BROKEN).await.is_ok_and(|answer| answer == "DISABLED")
    })
    .await;
    flags.rename_over(&document("new", flag("new")));
    eventually(DEADLINE, "mended", async || {
        ask(&client, BROKEN).await.is_ok_and(|answer| answer == "new")
    })
    .await;
    becomes(&sidecar, "flagstaff_config_last_reload_successful", 1.0).await;
}
