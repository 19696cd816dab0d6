//! Bad input never hurts: the last good flags are served, and metrics say that something is wrong.

use crate::{
    client::Client,
    flags::Flags,
    sidecar::{DEADLINE, Sidecar, eventually},
};
use flagstaff::pb::flagd::evaluation::v2::ResolveStringResponse;
use serde_json::{Value, json};
use tonic::{Code, Status};

fn flag(name: &str) -> Value {
    json!({"state": "ENABLED", "variants": {"old": "old", "new": "new"}, "defaultVariant": name})
}

/// Names a variant that it does not have.
fn broken() -> Value {
    flag("newer")
}

async fn ask(client: &Client, key: &str) -> Result<String, Status> {
    let answer: ResolveStringResponse = client.resolve(key, json!({})).await?;
    Ok(answer.value.unwrap_or(answer.reason))
}

async fn successful(sidecar: &Sidecar) -> bool {
    sidecar.metric("flagstaff_config_last_reload_successful").await == 1.0
}

#[tokio::test]
async fn a_bad_file_changes_nothing_but_metrics() {
    let flags = Flags::new(&json!({"flags": {"a": flag("old")}}));
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    let good = json!({"flags": {"a": flag("new")}}).to_string();
    for (number, bad) in
        ["", "{", "[]", "null", "{}", r#"{"flags": 1}"#, good.trim_end_matches("}}"), "\u{feff}{"]
            .into_iter()
            .enumerate()
    {
        // Beside the file and then over it, so that each is seen whole and once.
        let next = flags.dir().join("next");
        std::fs::write(&next, bad).unwrap();
        std::fs::rename(next, flags.path()).unwrap();
        eventually(DEADLINE, "the bad file is seen", async || {
            sidecar.reloads().await.get("parse_error") == Some(&(number as f64 + 1.0))
        })
        .await;
        assert_eq!(ask(&client, "a").await.unwrap(), "old", "{bad:?}");
        assert_eq!(sidecar.readyz().await.0, 200, "{bad:?}");
        assert!(!successful(&sidecar).await, "{bad:?}");
    }
    assert_eq!(sidecar.metric("flagstaff_config_generation").await, 1.0);
    sidecar.wait_for_log(&["WARN", "the flag file has problems", "flags.json"]).await;
    flags.write_text(&good);
    eventually(DEADLINE, "healed", async || ask(&client, "a").await.unwrap() == "new").await;
    eventually(DEADLINE, "told so", async || successful(&sidecar).await).await;
}

#[tokio::test]
async fn one_broken_flag_keeps_its_last_good_answer_while_others_change() {
    let flags =
        Flags::new(&json!({"flags": {"a": flag("old"), "b": flag("old"), "c": flag("old")}}));
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    flags.rename_over(&json!({"flags": {"a": flag("new"), "b": broken(), "c": flag("new")}}));
    eventually(DEADLINE, "the good ones", async || ask(&client, "a").await.unwrap() == "new").await;
    assert_eq!(ask(&client, "b").await.unwrap(), "old");
    assert_eq!(ask(&client, "c").await.unwrap(), "new");
    eventually(DEADLINE, "told so", async || !successful(&sidecar).await).await;
    assert_eq!(sidecar.reloads().await["partial"], 1.0);
    assert_eq!(sidecar.metric("flagstaff_config_quarantined_flags").await, 1.0);
    sidecar.wait_for_log(&["WARN", "flags.b", "newer"]).await;
    // Its last good definition is remembered for longer than one reload.
    flags.rename_over(&json!({"flags": {"a": flag("old"), "b": 1, "c": flag("new")}}));
    eventually(DEADLINE, "again", async || ask(&client, "a").await.unwrap() == "old").await;
    assert_eq!(ask(&client, "b").await.unwrap(), "old");
    flags.rename_over(&json!({"flags": {"a": flag("old"), "b": flag("new"), "c": flag("new")}}));
    eventually(DEADLINE, "healed", async || ask(&client, "b").await.unwrap() == "new").await;
    eventually(DEADLINE, "told so", async || successful(&sidecar).await).await;
    assert_eq!(sidecar.metric("flagstaff_config_quarantined_flags").await, 0.0);
}

#[tokio::test]
async fn a_flag_that_never_was_good_is_a_parse_error_and_others_are_served() {
    let flags = Flags::new(&json!({"flags": {"a": flag("old"), "b": broken()}}));
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    assert_eq!(ask(&client, "a").await.unwrap(), "old");
    let status = ask(&client, "b").await.unwrap_err();
    assert_eq!(status.code(), Code::DataLoss, "{}", status.message());
    assert!(status.message().contains("\"b\""), "{}", status.message());
    assert!(!successful(&sidecar).await);
}

#[tokio::test]
async fn disabled_wins_over_whatever_else_is_broken() {
    let flags = Flags::new(&json!({"flags": {"a": flag("old")}}));
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    let killed = |mut flag: Value| {
        flag["state"] = "DISABLED".into();
        flag
    };
    flags.rename_over(&json!({"flags": {"a": killed(broken()), "b": killed(broken())}}));
    let what = "a typo does not undo a kill";
    eventually(DEADLINE, what, async || ask(&client, "a").await.unwrap() == "DISABLED").await;
    assert_eq!(ask(&client, "b").await.unwrap(), "DISABLED");
}

#[tokio::test]
async fn a_later_file_wins_and_a_flag_comes_back_when_it_is_dropped_there() {
    let flags = Flags::new(&json!({"flags": {"a": flag("old"), "b": flag("old")}}));
    let upper = flags.dir().join("upper.json");
    let write = |content: Value| {
        let next = flags.dir().join("next");
        std::fs::write(&next, content.to_string()).unwrap();
        std::fs::rename(next, &upper).unwrap();
    };
    write(json!({"flags": {"a": flag("new"), "c": flag("new")}}));
    let sidecar = Sidecar::start_with(&flags, &[upper.to_str().unwrap()]).await;
    let client = Client::connect(&sidecar).await;
    for (key, value) in [("a", "new"), ("b", "old"), ("c", "new")] {
        assert_eq!(ask(&client, key).await.unwrap(), value, "{key}");
    }
    write(json!({"flags": {"c": flag("new")}}));
    eventually(DEADLINE, "back", async || ask(&client, "a").await.unwrap() == "old").await;
    // One that never was good above does not hide the one below.
    write(json!({"flags": {"b": broken(), "d": flag("new")}}));
    eventually(DEADLINE, "seen", async || ask(&client, "d").await.is_ok()).await;
    assert_eq!(ask(&client, "b").await.unwrap(), "old");
    assert_eq!(ask(&client, "c").await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_file_that_is_absent_at_the_start_is_waited_for() {
    let flags = Flags::absent();
    let sidecar = Sidecar::spawn(&flags, &[]).await;
    let named = "the reason names the file";
    eventually(DEADLINE, named, async || {
        let (status, why) = sidecar.readyz().await;
        assert_eq!(status, 503, "{why}");
        why.contains("flags.json") && why.contains("not found")
    })
    .await;
    flags.write_in_place(&json!({"flags": {"a": flag("old")}}));
    eventually(DEADLINE, "ready", async || sidecar.readyz().await.0 == 200).await;
    let client = Client::connect(&sidecar).await;
    assert_eq!(ask(&client, "a").await.unwrap(), "old");
}

#[tokio::test]
async fn a_strict_sidecar_takes_no_file_with_an_error() {
    let flags = Flags::new(&json!({"flags": {"a": flag("old"), "b": broken()}}));
    let sidecar = Sidecar::spawn(&flags, &["--strict"]).await;
    let refused = "the reason names the file and the option";
    eventually(DEADLINE, refused, async || {
        let (status, why) = sidecar.readyz().await;
        assert_eq!(status, 503, "{why}");
        why.contains("flags.json") && why.contains("--strict")
    })
    .await;
    sidecar.wait_for_log(&["WARN", "flags.b", "--strict rejects the whole file"]).await;
    flags.rename_over(&json!({"flags": {"a": flag("old"), "b": flag("old")}}));
    eventually(DEADLINE, "ready", async || sidecar.readyz().await.0 == 200).await;
    let client = Client::connect(&sidecar).await;
    flags.rename_over(&json!({"flags": {"a": flag("new"), "b": broken()}}));
    let rejected = "it is rejected once more";
    eventually(DEADLINE, rejected, async || sidecar.reloads().await.get("rejected") == Some(&2.0))
        .await;
    assert_eq!(ask(&client, "a").await.unwrap(), "old");
    assert!(!successful(&sidecar).await);
    assert_eq!(sidecar.metric("flagstaff_config_quarantined_flags").await, 0.0);
    assert_eq!(sidecar.metric("flagstaff_config_generation").await, 1.0);
    assert_eq!(sidecar.readyz().await.0, 200);
    // A warning is no error.
    let mut odd = flag("new");
    odd["targeting"] = json!({"no such operator": []});
    flags.rename_over(&json!({"flags": {"a": flag("new"), "b": odd}}));
    eventually(DEADLINE, "healed", async || ask(&client, "a").await.unwrap() == "new").await;
    eventually(DEADLINE, "told so", async || successful(&sidecar).await).await;
}

#[tokio::test]
async fn who_starts_without_flags_is_ready_at_once_and_serves_what_comes() {
    let flags = Flags::absent();
    let lower = flags.dir().join("lower.json");
    let options = ["--start-without-flags", lower.to_str().unwrap()];
    let sidecar = Sidecar::start_with(&flags, &options).await;
    let client = Client::connect(&sidecar).await;
    let mut events = client.events().await;
    assert_eq!(events.next().await.unwrap().0, "provider_ready");
    assert_eq!(ask(&client, "a").await.unwrap_err().code(), Code::NotFound);
    sidecar.wait_for_log(&["WARN", "serving without all flags", "flags.json"]).await;
    assert!(!successful(&sidecar).await);
    std::fs::write(&lower, json!({"flags": {"a": flag("old")}}).to_string()).unwrap();
    let one = "one of two files is served";
    eventually(DEADLINE, one, async || ask(&client, "a").await.is_ok()).await;
    assert!(!successful(&sidecar).await, "the other is still missing");
    flags.rename_over(&json!({"flags": {"b": flag("new")}}));
    eventually(DEADLINE, "all is there", async || successful(&sidecar).await).await;
    assert_eq!(ask(&client, "b").await.unwrap(), "new");
    let warned = |line: &&String| line.contains("serving without all flags");
    assert_eq!(sidecar.log().iter().filter(warned).count(), 1);
}

#[tokio::test]
async fn a_bad_file_at_the_start_is_no_obstacle_to_who_starts_without_flags() {
    let flags = Flags::absent();
    flags.write_text("no JSON");
    let sidecar = Sidecar::start_with(&flags, &["--start-without-flags"]).await;
    let client = Client::connect(&sidecar).await;
    assert_eq!(ask(&client, "a").await.unwrap_err().code(), Code::NotFound);
    assert!(!successful(&sidecar).await);
    flags.rename_over(&json!({"flags": {"a": flag("old")}}));
    eventually(DEADLINE, "served", async || ask(&client, "a").await.is_ok()).await;
}
