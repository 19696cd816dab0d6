//! The readable format from outside: served, watched with its lists, tested on load, exported.

use crate::{
    client::Client,
    flags::Flags,
    sidecar::{DEADLINE, Sidecar, eventually, flagstaff, run},
};
use flagstaff::pb::flagd::evaluation::v2::ResolveBooleanResponse;
use serde_json::{Value, json};
use std::fs;
use tempfile::TempDir;

/// Writes a readable file with one flag, `f`, and what else stands in it.
fn write(flags: &Flags, flag: &str, rest: &str) {
    let text = format!("flagstaff: 1\nbucketing: v2\nflags:\n  f: {flag}\n{rest}");
    flags.replace(text);
}

fn readable(flag: &str) -> Flags {
    let flags = Flags::absent_at("flags.yaml");
    write(&flags, flag, "");
    flags
}

async fn is_on(client: &Client, user: &str) -> bool {
    let answer: ResolveBooleanResponse =
        client.resolve("f", json!({"targetingKey": user})).await.unwrap();
    answer.value.unwrap()
}

async fn expect(client: &Client, user: &str, on: bool) {
    eventually(DEADLINE, &format!("{user}: {on}"), async || is_on(client, user).await == on).await;
}

#[tokio::test]
async fn a_list_beside_the_file_is_part_of_it() {
    let flags = readable("{ rules: [{ if: { targetingKey: { in_list: ids.txt } }, serve: on }] }");
    let list = flags.path().with_file_name("ids.txt");
    fs::write(&list, "ana\n").unwrap();
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    assert!(is_on(&client, "ana").await);
    assert!(!is_on(&client, "bo").await);

    fs::write(&list, "ana\nbo\n").unwrap();
    expect(&client, "bo", true).await;
    let other = list.with_extension("new");
    fs::write(&other, "# nobody but bo\nbo\n").unwrap();
    fs::rename(&other, &list).unwrap();
    expect(&client, "ana", false).await;

    // A list that went leaves the flag as it was.
    fs::remove_file(&list).unwrap();
    sidecar.wait_for_log(&["WARN", "flags.f", "ids.txt", "file not found"]).await;
    assert!(is_on(&client, "bo").await);
    assert_eq!(sidecar.metric("flagstaff_config_last_reload_successful").await, 0.0);
    fs::write(&list, "cy\n").unwrap();
    expect(&client, "cy", true).await;
    assert!(!is_on(&client, "bo").await);
}

#[tokio::test]
async fn a_misspelt_kill_keeps_the_last_good_flag() {
    let flags = readable("{ serve: on }");
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    write(&flags, "{ serve: off, kiled: true }", "");
    sidecar.wait_for_log(&["WARN", "flags.f.kiled", "did you mean", "killed"]).await;
    assert!(is_on(&client, "ana").await);
    write(&flags, "{ serve: on, killed: true }", "");
    expect(&client, "ana", false).await;
}

#[tokio::test]
async fn with_tests_on_load_a_file_that_fails_its_own_tests_is_not_taken() {
    let flags = readable("{ serve: off }");
    let sidecar = Sidecar::start_with(&flags, &["--tests-on-load"]).await;
    let client = Client::connect(&sidecar).await;
    let tests = "tests: [{ user: { plan: free }, expect: { f: off } }]\n";
    write(&flags, "{ serve: on }", tests);
    sidecar.wait_for_log(&["WARN", "tests[0].expect.f", "--tests-on-load rejects"]).await;
    assert!(!is_on(&client, "ana").await);
    let rejected = "flagstaff_config_reloads_total{result=\"rejected\"}";
    assert_eq!(sidecar.metric(rejected).await, 1.0);
    write(&flags, "{ rules: [{ if: { plan: { not: free } }, serve: on }] }", tests);
    expect(&client, "ana", true).await;
}

#[tokio::test]
async fn with_tests_on_load_a_warning_rejects_nothing() {
    let flags = readable("{ serve: off }");
    let sidecar = Sidecar::start_with(&flags, &["--tests-on-load"]).await;
    let client = Client::connect(&sidecar).await;
    write(&flags, "{ serve: on }", "tests: [{ at: 2027-01-01 10:00, expect: { f: on } }]\n");
    expect(&client, "ana", true).await;
    sidecar.wait_for_log(&["WARN", "has no time zone", "every flag is served"]).await;
    let rejected = "flagstaff_config_reloads_total{result=\"rejected\"}";
    assert_eq!(sidecar.metric(rejected).await, 0.0);
}

#[tokio::test]
async fn with_tests_on_load_a_file_is_not_rejected_for_growing_old() {
    let flags = Flags::absent_at("flags.yaml");
    let flag = "{ rollout: [0%, 100% from 2020-12-01T09:00:00Z] }";
    // Once this was true.
    write(&flags, flag, "tests: [{ expect: { f: off } }]\n");
    let sidecar = Sidecar::start_with(&flags, &["--tests-on-load"]).await;
    let client = Client::connect(&sidecar).await;
    assert!(is_on(&client, "ana").await);
    // With a moment it is tried.
    write(&flags, flag, "tests: [{ at: 2021-01-01T00:00:00Z, expect: { f: off } }]\n");
    sidecar.wait_for_log(&["WARN", "tests[0].expect.f", "--tests-on-load rejects"]).await;

    let (code, told, _) =
        run(flagstaff().args(["check", "--today", "2020-11-30"]).arg(flags.path()));
    assert!(code == Some(1), "{told}");
    write(&flags, flag, "tests: [{ expect: { f: off } }]\n");
    let (code, told, _) =
        run(flagstaff().args(["check", "--today", "2020-11-30"]).arg(flags.path()));
    assert!(
        code == Some(0) && told.contains("note: tests[0].expect.f: depends on the day"),
        "{told}"
    );
}

fn file(text: &str) -> (TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("flags.yaml");
    fs::write(&path, text).unwrap();
    (dir, path)
}

#[test]
fn what_is_exported_is_what_is_served_and_stays_as_it_is() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/config/flags.yaml");
    let (code, exported, told) = run(flagstaff().args(["export", example]));
    assert_eq!((code, told.as_str()), (Some(0), ""));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("flags.json");
    fs::write(&path, &exported).unwrap();
    let (code, told, _) =
        run(flagstaff().args(["check", "--strict", "--today", "2026-12-01"]).arg(&path));
    assert_eq!((code, told.as_str()), (Some(0), "1 file, 12 flags: no problems\n"));
    let (_, again, _) = run(flagstaff().arg("export").arg(&path));
    assert_eq!(again, exported);
}

#[test]
fn what_cannot_be_exported_is_told() {
    let (_dir, path) = file("flagstaff: 1\nflags: { good: { serve: on }, bad: { serve: onn } }\n");
    let (code, exported, told) = run(flagstaff().arg("export").arg(&path));
    assert_eq!(code, Some(1));
    assert!(told.contains("flags.bad.serve: \"onn\" is no variant"), "{told}");
    let exported: Value = serde_json::from_str(&exported).unwrap();
    assert_eq!(exported["metadata"], json!({"fractional": "v2"}), "it is pinned");
    assert_eq!(exported["flags"].as_object().unwrap().len(), 1);
}

#[test]
fn an_answer_can_be_asked_for_as_at_a_moment() {
    let (_dir, path) = file(
        "flagstaff: 1\nbucketing: v2\ntime_zone: Europe/Berlin\n\
         flags: { f: { start: 2027-02-01 09:00, serve: on } }\n",
    );
    for (at, variant) in [("2027-02-01T07:59:59Z", "off"), ("2027-02-01T08:00:00Z", "on")] {
        let (code, answer, _) =
            run(flagstaff().args(["eval", "--flag", "f", "--at", at]).arg(&path));
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!((code, &answer["variant"]), (Some(0), &json!(variant)), "{at}");
    }
    let (code, _, told) =
        run(flagstaff().args(["eval", "--flag", "f", "--at", "tomorrow"]).arg(&path));
    assert!(code == Some(2) && told.contains("2026-12-01 09:00"), "{told}");
}

#[test]
fn check_runs_the_tests_of_a_file() {
    let flags = "flagstaff: 1\nbucketing: v2\nflags: { f: { rollout: 25% } }\n";
    let (_dir, path) =
        file(&format!("{flags}tests: [{{ expect_share: {{ f: {{ on: 25% ± 1% }} }} }}]\n"));
    let (code, told, _) = run(flagstaff().arg("check").arg(&path));
    assert_eq!(code, Some(0), "{told}");
    fs::write(&path, format!("{flags}tests: [{{ expect_share: {{ f: {{ on: 50% }} }} }}]\n"))
        .unwrap();
    let (code, told, _) = run(flagstaff().arg("check").arg(&path));
    assert!(code == Some(1) && told.contains("not 50% ± 1%"), "{told}");
}
