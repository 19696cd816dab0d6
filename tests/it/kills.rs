//! A kill is seen wherever an operator looks: in the log, in `/status` and in `/metrics`.

use crate::{
    flags::Flags,
    sidecar::{DEADLINE, Sidecar, eventually, http_get},
};
use serde_json::{Value, json};
use std::fs;

const GAUGE: &str = "flagstaff_flag_killed{flag=\"page\"}";

/// A readable file with these bodies of flags.
fn file(flags: &[(&str, &str)]) -> String {
    let flags: Vec<_> =
        flags.iter().map(|(key, body)| format!("  {key}: {{ {body} }}\n")).collect();
    let head = "flagstaff: 1\nbucketing: v2\ntime_zone: Europe/Berlin\nflags:\n";
    format!("{head}{}", flags.concat())
}

fn readable(flags: &[(&str, &str)]) -> Flags {
    let place = Flags::absent_at("flags.yaml");
    place.write_text(&file(flags));
    place
}

async fn status(sidecar: &Sidecar) -> Value {
    let (code, body) = http_get(sidecar.management(), "/status").await;
    assert_eq!(code, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

/// Waits until a flag has this value of a member.
async fn expect(sidecar: &Sidecar, flag: &str, member: &str, value: Value) -> Value {
    let mut found = Value::Null;
    eventually(DEADLINE, &format!("{flag}.{member} is {value}"), async || {
        found = status(sidecar).await;
        found["flags"][flag][member] == value
    })
    .await;
    found
}

#[tokio::test]
async fn a_person_reads_every_kill_in_the_change_line() {
    let flags = readable(&[
        ("a", "serve: off"),
        ("b", "serve: off"),
        ("c", "serve: off"),
        ("page", "rollout: 5%"),
        ("search", "serve: on"),
    ]);
    let sidecar = Sidecar::launch(&flags, &["--log-format", "text"]);
    sidecar.wait_for_log(&["try "]).await;
    flags.replace(file(&[
        ("a", "serve: on"),
        ("b", "serve: on"),
        ("c", "serve: on"),
        ("page", "rollout: 5%, killed: true"),
        ("search", "serve: on, killed: true"),
    ]));
    let kills =
        "generation 2 · page: killed: everyone gets off · search: killed: everyone gets off";
    sidecar.wait_for_log(&[kills, " · a: default off → on · and 2 more · "]).await;
    flags.replace(file(&[("page", "rollout: 5%")]));
    let lifted = "generation 3 · page: no longer killed: on 5 % · search: removed, was killed · ";
    sidecar.wait_for_log(&[lifted]).await;
}

#[tokio::test]
async fn json_logs_name_the_changes() {
    let flags = readable(&[("page", "rollout: 5%"), ("quiet", "serve: off")]);
    let sidecar = Sidecar::start(&flags).await;
    flags.replace(file(&[("page", "rollout: 25%"), ("quiet", "serve: off, killed: true")]));
    let changes = "quiet: killed: everyone gets off; page: on 5 % → 25 %";
    sidecar.wait_for_log(&["flags applied", changes]).await;
    // A kill in a definition that is broken otherwise is a kill.
    flags.replace(file(&[("page", "variants: 5, killed: true"), ("quiet", "serve: off")]));
    let changes = "page: killed: everyone gets off; quiet: no longer killed: everyone gets off";
    sidecar.wait_for_log(&["flags applied", changes]).await;
    assert_eq!(sidecar.metric(GAUGE).await, 1.0);
}

#[tokio::test]
async fn status_and_metrics_show_a_kill_until_it_ends() {
    let flags = readable(&[
        ("page", "serve: off"),
        ("left", "serve: on, state: DISABLED"),
        ("ramp", "rollout: [10%, 20% from 2098-12-03 09:00]"),
    ]);
    let overrides = flags.dir().join("overrides");
    fs::create_dir(&overrides).unwrap();
    let sidecar = Sidecar::start_with(&flags, &["--overrides", overrides.to_str().unwrap()]).await;
    let found = expect(&sidecar, "page", "state", json!("enabled")).await;
    let members = |flag: &str| {
        let flag = &found["flags"][flag];
        json!([flag["state"], flag["killed"], flag["serves"]])
    };
    assert_eq!(members("page"), json!(["enabled", false, "off"]));
    assert_eq!(members("left"), json!(["disabled", false, null]));
    assert_eq!(members("ramp"), json!(["enabled", false, null]));
    let next = json!({"at": "2098-12-03T08:00:00Z", "local": "2098-12-03 09:00 Europe/Berlin",
        "change": "on 10 % → 20 %"});
    assert_eq!(found["flags"]["ramp"]["next_change"], next);
    assert_eq!(found["flags"]["page"]["next_change"], Value::Null);
    assert!(!sidecar.metrics().await.contains_key(GAUGE));
    let hash = sidecar.metric("flagstaff_config_hash").await;

    // No answer changes, and the kill is news all the same.
    flags.replace(file(&[("page", "serve: off, killed: true")]));
    let found = expect(&sidecar, "page", "killed", json!(true)).await;
    assert_eq!(found["flags"]["page"]["serves"], "off");
    assert_eq!(sidecar.metric(GAUGE).await, 1.0);
    assert_ne!(sidecar.metric("flagstaff_config_hash").await, hash, "other flags are gone");

    // In quarantine the flag stays killed.
    flags.replace(file(&[("page", "variants: 5, killed: true")]));
    eventually(DEADLINE, "the flag is in quarantine", async || {
        status(&sidecar).await["quarantined"][0]["flag"] == "page"
    })
    .await;
    let found = status(&sidecar).await;
    assert_eq!(found["flags"]["page"]["killed"], true);
    assert_eq!(found["flags"]["page"]["serves"], "off");
    assert_eq!(sidecar.metric(GAUGE).await, 1.0);

    // An override serves another variant, and the file still kills the flag.
    let set = json!({"flag": "page", "variant": "on", "until": "2099-01-01T00:00:00Z", "why": "x"});
    fs::write(overrides.join("page.json"), set.to_string()).unwrap();
    let found = expect(&sidecar, "page", "serves", json!("on")).await;
    assert_eq!(found["flags"]["page"]["killed"], true);
    assert_eq!(sidecar.metric(GAUGE).await, 1.0);
    let over = "page: override starts: everyone gets on, although its file kills it";
    sidecar.wait_for_log(&[over]).await;
    fs::remove_file(overrides.join("page.json")).unwrap();
    sidecar.wait_for_log(&["page: override ends, killed: everyone gets off"]).await;

    flags.replace(file(&[("page", "serve: off")]));
    expect(&sidecar, "page", "killed", json!(false)).await;
    assert!(!sidecar.metrics().await.contains_key(GAUGE), "the sample goes with the kill");
}
