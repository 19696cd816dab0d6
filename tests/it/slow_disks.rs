//! Files that do not open and file systems that do not answer: the other files, lists and
//! overrides are served meanwhile, and the process is alive.

mod commands;
mod exhausted;
mod generated;
mod held;
mod linked;

use crate::{
    client::Client,
    flags::Flags,
    sidecar::{DEADLINE, Sidecar, eventually, flagstaff, http_get},
};
use flagstaff::pb::flagd::evaluation::v2::{ResolveBooleanResponse, ResolveStringResponse};
use held::{HANG, Held, LEASE};
use serde_json::{Value, json};
use std::{
    fs,
    time::{Duration, Instant},
};

/// Ample for a change that waits for nothing, on a machine that is busy.
const SOON: Duration = Duration::from_millis(700);

fn file(key: &str, variant: &str) -> Value {
    json!({"flags": {key: {"state": "ENABLED", "variants": {"a": "a", "b": "b"},
        "defaultVariant": variant}}})
}

async fn expect(client: &Client, key: &str, variant: &str) -> Duration {
    let start = Instant::now();
    let what = format!("{key} is {variant}");
    eventually(DEADLINE, &what, async || {
        let answer = client.resolve::<ResolveStringResponse>(key, json!({})).await;
        answer.is_ok_and(|answer| answer.variant.as_deref() == Some(variant))
    })
    .await;
    start.elapsed()
}

/// Serves a variant to everyone, as an operator does.
fn set(sidecar: &Sidecar, key: &str, variant: &str) {
    let address = sidecar.management().to_string();
    let arguments = ["override", "set", key, variant, "--for", "1h", "--why", "a test"];
    let output = flagstaff().args(arguments).args(["--address", &address]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// Flags, the options of a sidecar, and the directory of overrides.
fn directory() -> (Flags, Vec<String>) {
    let flags = Flags::directory(&[("one.json", &file("f", "a")), ("two.json", &file("g", "a"))]);
    let overrides = flags.dir().join("overrides").display().to_string();
    (flags, vec!["--overrides".to_owned(), overrides])
}

fn texts(options: &[String]) -> Vec<&str> {
    options.iter().map(String::as_str).collect()
}

#[tokio::test]
async fn a_lease_on_one_file_delays_neither_another_nor_an_override() {
    let (flags, options) = directory();
    let sidecar = Sidecar::start_with(&flags, &texts(&options)).await;
    let client = Client::connect(&sidecar).await;
    let two = flags.path().join("two.json");
    fs::write(&two, file("g", "b").to_string()).unwrap();
    expect(&client, "g", "b").await;
    let lease = Held::by(LEASE, &two).unwrap();
    flags.put("one.json", &file("f", "b"));
    let other = expect(&client, "f", "b").await;
    let start = Instant::now();
    set(&sidecar, "g", "a");
    expect(&client, "g", "a").await;
    println!("under a lease: another file {other:.1?}, an override {:.1?}", start.elapsed());
    assert!(other < Duration::from_secs(2), "{other:?}");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(http_get(sidecar.management(), "/livez").await.0, 200);
    // Reported when it lasts, and read as soon as it ends.
    sidecar.wait_for_log(&["WARN", "two.json", "lease"]).await;
    drop(lease);
    eventually(DEADLINE, "all is good again", async || {
        sidecar.metric("flagstaff_config_last_reload_successful").await == 1.0
    })
    .await;
}

/// As a program does that writes a file of its own.
fn override_text(key: &str, variant: &str) -> String {
    json!({"flag": key, "variant": variant, "until": "2099-01-01T00:00:00Z", "why": "a test"})
        .to_string()
}

#[tokio::test]
async fn an_override_that_does_not_answer_delays_no_other_and_is_reported() {
    let (flags, options) = directory();
    let overrides = flags.dir().join("overrides");
    fs::create_dir(&overrides).unwrap();
    fs::write(overrides.join("a.json"), override_text("f", "b")).unwrap();
    let sidecar = Sidecar::start_with(&flags, &texts(&options)).await;
    let client = Client::connect(&sidecar).await;
    expect(&client, "f", "b").await;
    let Some(hung) = Held::by(HANG, &overrides.join("a.json")) else { return };
    for variant in ["b", "a", "b"] {
        let next = flags.dir().join("next");
        fs::write(&next, override_text("g", variant)).unwrap();
        fs::rename(next, overrides.join("b.json")).unwrap();
        let took = expect(&client, "g", variant).await;
        println!("beside a hung override: another {took:.1?}");
        assert!(took < SOON, "{took:?}");
    }
    flags.put("one.json", &file("h", "a"));
    assert!(expect(&client, "h", "a").await < SOON);
    sidecar.wait_for_log(&["WARN", "a.json", "does not answer"]).await;
    set(&sidecar, "g", "a");
    drop(hung);
    fs::write(overrides.join("a.json"), override_text("h", "b")).unwrap();
    expect(&client, "h", "b").await;
}

#[tokio::test]
async fn a_flag_file_renamed_while_its_list_is_leased_keeps_its_flags() {
    let flags = Flags::directory(&[]);
    let rules = "flagstaff: 1\nbucketing: v2\nflags:\n  listed:\n    rules:\n      - { if: { \
                 targetingKey: { in_list: ids.txt } }, serve: on }\n    serve: off\n";
    fs::write(flags.path().join("ids.txt"), "ana\n").unwrap();
    fs::write(flags.path().join("a.yaml"), rules).unwrap();
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    let is_on = async || {
        let context = json!({"targetingKey": "ana"});
        let answer: Result<ResolveBooleanResponse, _> = client.resolve("listed", context).await;
        answer.is_ok_and(|answer| answer.value == Some(true))
    };
    assert!(is_on().await);
    let lease = Held::by(LEASE, &flags.path().join("ids.txt")).unwrap();
    fs::rename(flags.path().join("a.yaml"), flags.path().join("b.yaml")).unwrap();
    sidecar.wait_for_log(&["a flag file was renamed", "b.yaml"]).await;
    // Longer than a file must be gone to take its flags along.
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(3) {
        assert!(is_on().await, "after {:?}", start.elapsed());
    }
    // A lease that lasts is reported.
    sidecar.wait_for_log(&["WARN", "b.yaml", "lease"]).await;
    drop(lease);
    eventually(DEADLINE, "all is good again", async || {
        sidecar.metric("flagstaff_config_last_reload_successful").await == 1.0
    })
    .await;
    assert!(is_on().await);
}

#[tokio::test]
async fn a_lease_on_a_list_keeps_only_the_flag_that_asks_it() {
    let text = |on: &str| {
        format!(
            "flagstaff: 1\nbucketing: v2\nflags:\n  listed:\n    rules:\n      - {{ if: {{ targetingKey: {{ in_list: \
             ids.txt }} }}, serve: on }}\n    serve: off\n  other:\n    serve: {on}\n"
        )
    };
    let flags = Flags::absent_at("flags.yaml");
    flags.replace(text("off"));
    let list = flags.path().with_file_name("ids.txt");
    fs::write(&list, "ana\n").unwrap();
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    let is_on = async |flag: &str| {
        let context = json!({"targetingKey": "ana"});
        let answer: ResolveBooleanResponse = client.resolve(flag, context).await.unwrap();
        answer.value == Some(true)
    };
    assert!(is_on("listed").await && !is_on("other").await);
    let lease = Held::by(LEASE, &list).unwrap();
    flags.replace(text("on"));
    eventually(DEADLINE, "the other flag", async || is_on("other").await).await;
    assert!(is_on("listed").await, "its last good definition is served");
    drop(lease);
    eventually(DEADLINE, "all is good again", async || {
        sidecar.metric("flagstaff_config_last_reload_successful").await == 1.0
    })
    .await;
    assert!(is_on("listed").await);
}

#[tokio::test]
async fn a_file_that_does_not_answer_delays_no_other_and_is_reported() {
    let (flags, options) = directory();
    let sidecar = Sidecar::start_with(&flags, &texts(&options)).await;
    let client = Client::connect(&sidecar).await;
    let Some(hung) = Held::by(HANG, &flags.path().join("two.json")) else { return };
    let start = Instant::now();
    flags.put("one.json", &file("f", "b"));
    let other = expect(&client, "f", "b").await;
    set(&sidecar, "g", "b");
    expect(&client, "g", "b").await;
    println!("beside a hung file: another file {other:.1?}, an override {:.1?}", start.elapsed());
    assert!(other < SOON, "{other:?}");
    flags.put("one.json", &file("f", "a"));
    let next = expect(&client, "f", "a").await;
    assert!(next < SOON, "it is not waited for again: {next:?}");
    for probe in ["/livez", "/readyz"] {
        assert_eq!(http_get(sidecar.management(), probe).await.0, 200, "{probe}");
    }
    const SCAN: &str = "flagstaff_config_last_scan_timestamp_seconds";
    let scanned = sidecar.metric(SCAN).await;
    let silent = Duration::from_secs(45);
    eventually(silent, "30 s are reported", async || {
        sidecar.metric("flagstaff_config_last_reload_successful").await == 0.0
    })
    .await;
    assert!(start.elapsed() > Duration::from_secs(25), "{:?}", start.elapsed());
    sidecar.wait_for_log(&["WARN", "two.json", "does not answer"]).await;
    assert_eq!(sidecar.metric(SCAN).await, scanned, "no scan read every file");
    drop(hung);
    eventually(DEADLINE, "all is good again", async || {
        sidecar.metric("flagstaff_config_last_reload_successful").await == 1.0
    })
    .await;
    assert!(sidecar.metric(SCAN).await > scanned);
}

#[tokio::test]
async fn a_start_onto_a_mount_that_does_not_answer_is_alive_says_why_and_ends_when_told() {
    let (flags, options) = directory();
    let Some(hung) = Held::by(HANG, flags.path()) else { return };
    let mut sidecar = Sidecar::spawn(&flags, &texts(&options)).await;
    eventually(DEADLINE, "readiness says why", async || {
        let (status, why) = sidecar.readyz().await;
        status == 503 && why.contains("does not answer")
    })
    .await;
    assert_eq!(http_get(sidecar.management(), "/livez").await.0, 200);
    sidecar.sigterm();
    assert!(sidecar.wait_exit(DEADLINE).await.success());
    let sidecar = Sidecar::spawn(&flags, &texts(&options)).await;
    drop(hung);
    eventually(DEADLINE, "ready", async || sidecar.readyz().await.0 == 200).await;
    let client = Client::connect(&sidecar).await;
    expect(&client, "f", "a").await;
    // Changes are noticed by events again.
    eventually(DEADLINE, "events", async || {
        sidecar.metric("flagstaff_config_watch_mode{mode=\"inotify\"}").await == 1.0
    })
    .await;
    flags.put("one.json", &file("f", "b"));
    expect(&client, "f", "b").await;
}
