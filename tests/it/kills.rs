//! A kill is seen wherever an operator looks: in the log, in `/status` and in `/metrics`.

mod astray;
mod near;

use crate::{
    flags::Flags,
    sidecar::{DEADLINE, Sidecar, eventually, flagstaff, http_get, run},
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

/// A kill that is not written as `killed: true` is an error of its flag, and holds.
#[tokio::test]
async fn a_kill_in_any_reading_holds_and_is_an_error() {
    let flags = readable(&[("page", "serve: on"), ("seen", "serve: off")]);
    let sidecar = Sidecar::start(&flags).await;
    for page in [
        "killed: 1, serve: on",
        "killed: \"1\", serve: on",
        "killed: y, serve: on",
        "killed: \"true \", serve: on",
        "killed: ture, serve: on",
        "killed: [true], serve: on",
        "killed: \"true,\", serve: on",
        "killed: true., serve: on",
        "killed: \"true;\", serve: on",
        "killed: yes!, serve: on",
        "metadata: { killed: true }, serve: on",
        "metadata: { Killed: yes, note: x }, serve: on",
        "metadata: { killed: 1 }, killed: false, serve: on",
        "killed: enabled, serve: on",
        "killed: 1, variants: 5",
        "killed: 1, killed: false, serve: on",
        // The kill that was last read for sure stays.
        "killed: maybe, serve: on",
        "killed: , serve: on",
        "killed: 0, serve: on",
        "kill: true, serve: on",
        "kiled: true, serve: on",
    ] {
        flags.replace(file(&[("page", page), ("seen", "serve: on")]));
        expect(&sidecar, "seen", "serves", json!("on")).await;
        let found = status(&sidecar).await;
        assert_eq!(found["flags"]["page"]["killed"], true, "{page}");
        assert_eq!(found["flags"]["page"]["serves"], "off", "{page}");
        assert_eq!(found["quarantined"][0]["flag"], "page", "{page}: {found:#}");
        let (code, told, _) = run(flagstaff().args(["check", "--no-lints"]).arg(flags.path()));
        assert_eq!(code, Some(1), "{page}: {told}");
        let (code, ..) = run(flagstaff().arg("export").arg(flags.path()));
        assert_eq!(code, Some(1), "{page}");
        flags.replace(file(&[("page", "killed: true, serve: on"), ("seen", "serve: off")]));
        expect(&sidecar, "seen", "serves", json!("off")).await;
    }
    // Words for a truth are read in both versions of YAML.
    for killed in ["true", "yes", "on", "\"true\"", "\"YES\""] {
        flags.replace(file(&[("page", &format!("killed: {killed}, serve: on"))]));
        expect(&sidecar, "seen", "serves", Value::Null).await;
        let found = status(&sidecar).await;
        assert_eq!(found["flags"]["page"]["serves"], "off", "{killed}");
        assert_eq!(found["quarantined"], json!([]), "{killed}");
        flags.replace(file(&[("page", "serve: on"), ("seen", "serve: off")]));
        expect(&sidecar, "seen", "serves", json!("off")).await;
    }
    // What does not say that the flag is killed does not kill it.
    for page in ["killed: maybe", "killed: 0", "killed: ", "kill: true", "killed: [false]"] {
        flags.replace(file(&[("page", page), ("seen", "serve: on")]));
        expect(&sidecar, "seen", "serves", json!("on")).await;
        let found = status(&sidecar).await;
        assert_eq!(found["flags"]["page"]["serves"], "on", "{page}");
        assert_eq!(found["quarantined"][0]["flag"], "page", "{page}: {found:#}");
        flags.replace(file(&[("page", "serve: on"), ("seen", "serve: off")]));
        expect(&sidecar, "seen", "serves", json!("off")).await;
    }
}

/// flagd's format has no `killed`: a flag that has it was meant to be off, or its file has lost the
/// line `flagstaff: 1`. Other unknown members are warnings.
#[tokio::test]
async fn a_kill_holds_without_the_header_too() {
    let head = "{\"metadata\": {\"fractional\": \"v2\"}, \"flags\": {";
    let good = "\"state\": \"ENABLED\", \"variants\": {\"on\": true, \"off\": false}, \
        \"defaultVariant\": \"on\"";
    let file = |page: &str, seen: &str| {
        let default = format!("\"defaultVariant\": \"{seen}\"");
        let seen = good.replace("\"defaultVariant\": \"on\"", &default);
        format!("{head}\"page\": {{{page}}}, \"seen\": {{{seen}}}}}}}")
    };
    let flags = Flags::absent_at("flags.json");
    flags.write_text(&file(good, "off"));
    let sidecar = Sidecar::start(&flags).await;
    let targeting = "\"targeting\": {\"if\": [true, \"on\", \"off\"]}";
    let three = "\"variants\": {\"a\": 1, \"b\": 2}, \"defaultVariant\": \"a\"";
    for (page, serves, is_error) in [
        (format!("{good}, \"killed\": true"), "off", true),
        (format!("{good}, {targeting}, \"killed\": true"), "off", true),
        (format!("{good}, {targeting}, \"Killed\": 1"), "off", true),
        (format!("{good}, \"killed\": false, \"killed\": true"), "off", true),
        (format!("{good}, \"rollout\": \"5%\", \"killed\": \"yes\""), "off", true),
        (
            "\"state\": \"ENABLED\", \"defaultVariant\": \"on\", \"variants\": 5, \"killed\": true"
                .to_owned(),
            "off",
            true,
        ),
        (
            format!("\"targeting\": {{\"if\": [true, \"b\", \"a\"]}}, {three}, \"killed\": true"),
            "a",
            true,
        ),
        (
            format!(
                "{good}, {targeting}}}, \"page\": {{{good}, \"killed\": true}}, \"page\": {{{good}"
            ),
            "off",
            true,
        ),
        (format!("{good}, {targeting}, \"metadata\": {{\"killed\": true}}"), "off", true),
        (format!("{good}, \"killed\": \"true;\""), "off", true),
        (format!("{good}, \"killed\": false"), "on", false),
        (format!("{good}, \"metadata\": {{\"killed\": \"2026-12-01\"}}"), "on", false),
    ] {
        flags.replace(file(&page, "on"));
        expect(&sidecar, "seen", "serves", json!("on")).await;
        let found = status(&sidecar).await;
        assert_eq!(found["flags"]["page"]["serves"], serves, "{page}");
        assert_eq!(found["flags"]["page"]["killed"], is_error, "{page}");
        let (code, told, _) = run(flagstaff().args(["check", "--no-lints"]).arg(flags.path()));
        assert_eq!(code, Some(i32::from(is_error)), "{page}: {told}");
        flags.replace(file(good, "off"));
        expect(&sidecar, "seen", "serves", json!("off")).await;
    }
}
