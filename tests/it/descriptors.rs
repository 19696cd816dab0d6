//! File descriptors: the limit is raised, respected, and where it is met all the same, it shows and
//! passes.

use crate::{
    client::Client,
    flags::Flags,
    raw::{PREFACE, Raw, wide_open},
    sidecar::{DEADLINE, Sidecar, eventually, http_get, run},
};
use bytes::Bytes;
use flagstaff::pb::flagd::evaluation::v2::ResolveStringResponse;
use http::Request;
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::{Value, json};
use std::{fs, process::Command, time::Duration};

fn document(default: &str) -> Value {
    json!({"flags": {"a":
        {"state": "ENABLED", "variants": {"old": "old", "new": "new"}, "defaultVariant": default}}})
}

async fn ask(client: &Client) -> String {
    let answer: ResolveStringResponse = client.resolve("a", json!({})).await.unwrap();
    answer.value.unwrap()
}

/// The same program under a shell's `ulimit`.
fn under(command: &mut Command, ulimit: &str) {
    let mut shell = Command::new("sh");
    shell.env_clear().args(["-c", &format!("ulimit {ulimit}; exec \"$0\" \"$@\"")]);
    shell.arg(command.get_program()).args(command.get_args());
    *command = shell;
}

async fn start(flags: &Flags, change: fn(&mut Command) -> &mut Command) -> Sidecar {
    let sidecar = Sidecar::launch_in(flags, &[], change);
    eventually(DEADLINE, "ready", async || sidecar.listens() && sidecar.readyz().await.0 == 200)
        .await;
    sidecar
}

#[tokio::test]
async fn the_limit_of_open_files_is_raised_as_far_as_it_may_be() {
    let flags = Flags::new(&document("old"));
    let sidecar = start(&flags, |command| {
        under(command, "-S -n 64");
        command
    })
    .await;
    let limits = fs::read_to_string(format!("/proc/{}/limits", sidecar.pid())).unwrap();
    let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let [soft, hard] = [3, 4].map(|n| files.split_whitespace().nth(n).unwrap());
    assert_eq!(soft, hard);
}

#[tokio::test]
async fn under_a_low_limit_fewer_connect_and_no_descriptor_is_missed() {
    let flags = Flags::new(&document("old"));
    let sidecar = start(&flags, |command| {
        under(command, "-n 64");
        command
    })
    .await;
    sidecar.wait_for_log(&["WARN", "few clients can connect", "\"limit\":64"]).await;
    let client = Client::connect(&sidecar).await;
    assert_eq!(ask(&client).await, "old");
    // Some say hello and nothing else, others subscribe; 40 are more than there is room for.
    let mut open = Vec::new();
    for _ in 0..40 {
        let mut raw = Raw::silent(sidecar.evaluation()).await;
        raw.offer(&[PREFACE, &wide_open()].concat()).await;
        open.push(raw);
    }
    // A newcomer gets the place of one that never asked.
    assert_eq!(ask(&Client::connect(&sidecar).await).await, "old");
    drop(open);
    let mut open = Vec::new();
    for _ in 0..40 {
        let mut raw = Raw::silent(sidecar.management()).await;
        raw.offer(&[PREFACE, &wide_open()].concat()).await;
        open.push(raw);
    }
    let mut subscribed = Vec::new();
    for _ in 0..40 {
        let mut raw = Raw::silent(sidecar.evaluation()).await;
        raw.offer(&[PREFACE, &wide_open(), &crate::raw::event_stream(1)].concat()).await;
        subscribed.push(raw);
    }
    assert_eq!(ask(&client).await, "old");
    flags.rename_over(&document("new"));
    eventually(DEADLINE, "reloaded", async || ask(&client).await == "new").await;
    assert!(sidecar.metric("flagstaff_connections_refused_total").await >= 20.0);
    assert_eq!(sidecar.metric("flagstaff_accept_errors_total").await, 0.0);
    assert_eq!(sidecar.reloads().await.get("read_error"), None);
}

/// Sets how many files the sidecar may have open, in its lifetime.
fn grant(sidecar: &Sidecar, current: Option<u64>) -> Rlimit {
    let pid = Pid::from_raw(i32::try_from(sidecar.pid()).unwrap());
    let before = rustix::process::getrlimit(Resource::Nofile);
    let current = current.or(before.maximum);
    prlimit(pid, Resource::Nofile, Rlimit { current, maximum: before.maximum }).unwrap()
}

fn open_files(sidecar: &Sidecar) -> u64 {
    fs::read_dir(format!("/proc/{}/fd", sidecar.pid())).unwrap().count() as u64
}

#[test]
fn a_program_that_may_open_too_few_files_says_what_to_raise() {
    let flags = Flags::new(&json!({"flags": {}}));
    for limit in [5, 9, 12, 16] {
        let ports = "--port 0 --management-port 0";
        let script = format!("ulimit -n {limit}; exec \"$0\" serve \"$1\" {ports}");
        let mut sh = Command::new("sh");
        sh.args(["-c", &script, env!("CARGO_BIN_EXE_flagstaff")]).arg(flags.path()).env_clear();
        let (code, out, err) = run(&mut sh);
        assert_eq!(code, Some(1), "{limit}: {out}{err}");
        assert!(err.contains("ulimit -n") && !err.contains("choose another"), "{limit}: {err}");
    }
}

#[tokio::test]
async fn when_descriptors_run_out_it_shows_and_others_are_answered_and_it_passes() {
    let flags = Flags::new(&document("old"));
    let sidecar = Sidecar::start_with(&flags, &["--poll-interval", "1s"]).await;
    let client = Client::connect(&sidecar).await;
    let management = Client::connect_management(&sidecar).await;
    assert_eq!(ask(&client).await, "old");
    // Over a connection that is there already: no other gets in.
    let errors = async || {
        let request = Request::get(format!("http://{}/metrics", sidecar.management()));
        let page = management.send(request.body(Bytes::new()).unwrap()).await.into_body().0;
        let page = String::from_utf8(page.to_vec()).unwrap();
        let line =
            page.lines().find_map(|line| line.strip_prefix("flagstaff_accept_errors_total "));
        line.unwrap().parse::<u64>().unwrap()
    };
    assert_eq!(errors().await, 0);
    grant(&sidecar, Some(open_files(&sidecar)));
    let mut waiting = Vec::new();
    for _ in 0..20 {
        waiting.push(Raw::connect(sidecar.evaluation()).await);
    }
    eventually(DEADLINE, "it is counted", async || errors().await >= 3).await;
    let complaint = ["WARN", "cannot accept connections", "os error 24"];
    sidecar.wait_for_log(&complaint).await;
    for _ in 0..100 {
        assert_eq!(ask(&client).await, "old");
    }
    // The flag file cannot be opened now: what is served stays.
    flags.rename_over(&document("new"));
    assert_eq!(ask(&client).await, "old");
    // Bounded in rate: the pause between attempts is a second at most, a line comes in ten.
    let before = errors().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(errors().await - before <= 20, "{} in 2 s", errors().await - before);
    let lines = sidecar.log();
    let complaints = lines.iter().filter(|line| complaint.iter().all(|part| line.contains(part)));
    assert!(complaints.count() <= 2, "{lines:#?}");

    grant(&sidecar, None);
    eventually(DEADLINE, "the file is read again", async || ask(&client).await == "new").await;
    for raw in &mut waiting {
        assert!(raw.next().await.is_some(), "who waited is let in");
    }
    assert_eq!(http_get(sidecar.management(), "/readyz").await.0, 200);
}
