//! A directory of flag files: each file is a layer, in the order of their names.

use crate::{
    client::Client,
    flags::Flags,
    sidecar::{DEADLINE, Sidecar, eventually, flagstaff},
};
use flagstaff::pb::flagd::evaluation::v2::ResolveStringResponse;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, Instant},
};
use tonic::Code;

/// A file of flags, each with one variant that is its value.
fn document(flags: &[(&str, &str)]) -> Value {
    let flag = |(key, value): &(&str, &str)| {
        let variants = json!({*value: *value});
        let flag = json!({"state": "ENABLED", "variants": variants, "defaultVariant": *value});
        ((*key).to_owned(), flag)
    };
    json!({"flags": flags.iter().map(flag).collect::<BTreeMap<_, _>>()})
}

/// The value of a flag, or the code of the refusal.
async fn ask(client: &Client, key: &str) -> Result<String, Code> {
    let answer = client.resolve(key, json!({})).await;
    answer.map(|answer: ResolveStringResponse| answer.value.unwrap()).map_err(|e| e.code())
}

async fn expect(client: &Client, key: &str, value: &str) {
    let what = format!("{key} is {value}");
    eventually(DEADLINE, &what, async || ask(client, key).await.as_deref() == Ok(value)).await;
}

async fn reason(sidecar: &Sidecar, parts: &[&str]) {
    let what = format!("not ready, with {parts:?}");
    eventually(DEADLINE, &what, async || {
        let (status, why) = sidecar.readyz().await;
        status == 503 && parts.iter().all(|part| why.contains(part))
    })
    .await;
}

#[tokio::test]
async fn a_file_that_lifts_the_kill_of_another_is_told_as_such() {
    let flags = Flags::directory(&[]);
    let file = |body: &str| format!("flagstaff: 1\nbucketing: v2\nflags:\n  pay: {{ {body} }}\n");
    fs::write(flags.path().join("flags.yaml"), file("killed: true, serve: on")).unwrap();
    let sidecar = Sidecar::start(&flags).await;
    fs::write(flags.path().join("flags_BACKUP_1.yaml"), file("serve: on")).unwrap();
    let told =
        "pay, whose kill is lifted by that, (flags.yaml and flags_BACKUP_1.yaml, which wins)";
    sidecar.wait_for_log(&["WARN", "define the same flags", told]).await;
}

#[tokio::test]
async fn files_win_in_the_order_of_their_names_and_hidden_ones_are_ignored() {
    let flags = Flags::directory(&[
        ("20.json", &document(&[("a", "late"), ("b", "late")])),
        ("10.json", &document(&[("a", "early"), ("c", "early")])),
        (".30.json", &document(&[("a", "hidden")])),
        ("30.json~", &document(&[("a", "backup")])),
    ]);
    fs::create_dir(flags.path().join("below")).unwrap();
    fs::write(flags.path().join("below/x.json"), document(&[("a", "below")]).to_string()).unwrap();
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    for (key, value) in [("a", "late"), ("b", "late"), ("c", "early")] {
        assert_eq!(ask(&client, key).await.as_deref(), Ok(value));
    }
    sidecar.wait_for_log(&["WARN", "define the same flags", "a (10.json and 20.json"]).await;
    flags.put("15.json", &document(&[("a", "middle"), ("c", "middle")]));
    expect(&client, "c", "middle").await;
    assert_eq!(ask(&client, "a").await.as_deref(), Ok("late"));
    flags.put("30.json", &document(&[("a", "last"), ("d", "last")]));
    expect(&client, "d", "last").await;
    assert_eq!(ask(&client, "a").await.as_deref(), Ok("last"));
    // Told again when it changes, and only then.
    let warned = || sidecar.log().iter().filter(|line| line.contains("the same flags")).count();
    eventually(DEADLINE, "told of each change", async || warned() == 3).await;
    flags.put("30.json", &document(&[("a", "newest"), ("d", "newest")]));
    expect(&client, "d", "newest").await;
    assert_eq!(warned(), 3);
}

#[tokio::test]
async fn paths_win_over_each_other_silently() {
    let flags =
        Flags::directory(&[("z.json", &document(&[("a", "directory"), ("b", "directory")]))]);
    let upper = flags.dir().join("upper.json");
    fs::write(&upper, document(&[("a", "file")]).to_string()).unwrap();
    let sidecar = Sidecar::start_with(&flags, &[upper.to_str().unwrap()]).await;
    let client = Client::connect(&sidecar).await;
    assert_eq!(ask(&client, "a").await.as_deref(), Ok("file"));
    assert_eq!(ask(&client, "b").await.as_deref(), Ok("directory"));
    assert!(!sidecar.log().iter().any(|line| line.contains("WARN")), "{:#?}", sidecar.log());
    // Offline it is the same.
    let mut command = flagstaff();
    command.arg("eval").args([flags.path(), &upper]).args(["--flag", "a"]);
    let answer: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
    assert_eq!(answer["value"], "file");
    let mut command = flagstaff();
    command.arg("eval").arg(flags.dir().join("no")).args(["--flag", "a"]);
    let answer: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
    let why = answer["errorDetails"].as_str().unwrap();
    assert!(why.contains("directory not found"), "{why}");
}

#[tokio::test]
async fn a_file_that_goes_takes_its_flags_along_after_a_second() {
    let flags = Flags::directory(&[
        ("a.json", &document(&[("a", "lower")])),
        ("b.json", &document(&[("a", "upper"), ("b", "upper")])),
    ]);
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    let start = Instant::now();
    fs::remove_file(flags.path().join("b.json")).unwrap();
    expect(&client, "a", "lower").await;
    let took = start.elapsed();
    println!("gone from its directory: took effect after {took:.1?}");
    assert!(took >= Duration::from_secs(1) && took <= Duration::from_secs(3), "{took:?}");
    assert_eq!(ask(&client, "b").await, Err(Code::NotFound));
    assert_eq!(sidecar.metric("flagstaff_config_last_reload_successful").await, 1.0);
    sidecar.wait_for_log(&["the flag file is gone", "b.json"]).await;
}

#[tokio::test]
async fn a_file_that_comes_back_within_the_second_never_was_gone() {
    let content = document(&[("a", "upper")]);
    let lower = document(&[("a", "lower"), ("b", "1")]);
    let flags = Flags::directory(&[("a.json", &lower), ("b.json", &content)]);
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    let mut events = client.events().await;
    events.begin().await;
    for number in 2..=4 {
        fs::remove_file(flags.path().join("b.json")).unwrap();
        // The loss was noticed once what changed with it is served.
        let number = number.to_string();
        flags.put("a.json", &document(&[("a", "lower"), ("b", &number)]));
        assert_eq!(events.changes().await, [("b".to_owned(), "update".to_owned())].into());
        flags.put("b.json", &content);
    }
    // Longer than the first loss would have taken to count.
    flags.put("c.json", &document(&[("c", "1")]));
    assert_eq!(events.changes().await, [("c".to_owned(), "write".to_owned())].into());
    fs::remove_file(flags.path().join("c.json")).unwrap();
    assert_eq!(events.changes().await, [("c".to_owned(), "delete".to_owned())].into());
    assert_eq!(ask(&client, "a").await.as_deref(), Ok("upper"));
    assert!(!sidecar.log().iter().any(|line| line.contains("gone") && line.contains("b.json")));
    assert!(!sidecar.reloads().await.contains_key("read_error"));
}

#[tokio::test]
async fn a_directory_that_is_gone_or_emptied_takes_nothing_along() {
    let flags = Flags::directory(&[("a.json", &document(&[("a", "old")]))]);
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    let away = flags.dir().join("away");
    let unsuccessful = async |what: &str| {
        eventually(DEADLINE, what, async || {
            sidecar.metric("flagstaff_config_last_reload_successful").await == 0.0
        })
        .await;
        assert_eq!(ask(&client, "a").await.as_deref(), Ok("old"), "{what}");
        assert_eq!(sidecar.readyz().await.0, 200, "{what}");
    };
    fs::rename(flags.path(), &away).unwrap();
    unsuccessful("the directory is gone").await;
    sidecar.wait_for_log(&["WARN", "cannot list", "directory not found", "stay in force"]).await;
    fs::create_dir(flags.path()).unwrap();
    sidecar.wait_for_log(&["WARN", "cannot list", "has no flag file", "stay in force"]).await;
    fs::remove_dir(flags.path()).unwrap();
    fs::rename(&away, flags.path()).unwrap();
    eventually(DEADLINE, "it is back", async || {
        sidecar.metric("flagstaff_config_last_reload_successful").await == 1.0
    })
    .await;
    assert_eq!(sidecar.metric("flagstaff_config_generation").await, 1.0);
    fs::rename(flags.path().join("a.json"), flags.path().join("a.txt")).unwrap();
    unsuccessful("the directory is empty").await;
    flags.put("a.json", &document(&[("a", "new")]));
    expect(&client, "a", "new").await;
}

#[tokio::test]
async fn a_directory_is_applied_once_all_its_files_were_and_that_lasts() {
    let flags = Flags::directory(&[]);
    fs::remove_dir(flags.path()).unwrap();
    let sidecar = Sidecar::spawn(&flags, &[]).await;
    reason(&sidecar, &["flags.d", "directory not found"]).await;
    fs::create_dir(flags.path()).unwrap();
    reason(&sidecar, &["flags.d", "has no flag file"]).await;
    flags.put("b.json", &json!([]));
    reason(&sidecar, &["b.json", "is not a flag definition file"]).await;
    flags.put("a.json", &document(&[("a", "old")]));
    let seen = "a.json is seen";
    eventually(DEADLINE, seen, async || sidecar.reloads().await.contains_key("unchanged")).await;
    assert_eq!(sidecar.readyz().await.0, 503, "one of two files is not there yet");
    flags.put("b.json", &document(&[("b", "old")]));
    eventually(DEADLINE, "ready", async || sidecar.readyz().await.0 == 200).await;
    let client = Client::connect(&sidecar).await;
    assert_eq!(ask(&client, "a").await.as_deref(), Ok("old"));
    // A file that is bad from the start neither takes readiness back nor stops the others.
    flags.put("c.json", &json!([]));
    let bad = "c.json is seen";
    eventually(DEADLINE, bad, async || sidecar.reloads().await["parse_error"] == 2.0).await;
    assert_eq!(sidecar.readyz().await.0, 200);
    flags.put("a.json", &document(&[("a", "new")]));
    expect(&client, "a", "new").await;
    assert_eq!(sidecar.readyz().await.0, 200);
    assert_eq!(sidecar.metric("flagstaff_config_last_reload_successful").await, 0.0);
    fs::remove_file(flags.path().join("c.json")).unwrap();
    eventually(DEADLINE, "the bad one is gone", async || {
        sidecar.metric("flagstaff_config_last_reload_successful").await == 1.0
    })
    .await;
}

#[tokio::test]
async fn files_that_are_swapped_together_are_served_together() {
    let both = |number: usize| {
        let value = number.to_string();
        [("a.json", document(&[("a", &value)])), ("b.json", document(&[("b", &value)]))]
    };
    let flags = Flags::mounted_directory(&both(0));
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    const SWAPS: usize = 300;
    let mut seen = 0;
    for number in 1..=SWAPS {
        flags.config_map_of(&both(number));
        // One request answers all of itself from one snapshot.
        let all = client.resolve_all(json!({})).await.unwrap();
        let values: Vec<_> = all.flags.values().map(|flag| flag.variant.clone()).collect();
        assert_eq!(values[0], values[1], "half of a swap is served");
        seen += usize::from(values[0] == number.to_string());
    }
    let last = SWAPS.to_string();
    expect(&client, "a", &last).await;
    expect(&client, "b", &last).await;
    let generations = sidecar.metric("flagstaff_config_generation").await;
    println!(
        "{SWAPS} swaps of two files: {generations} generations, {seen} seen at once, none torn"
    );
    // Scans are paced, so not each swap is one; ten are enough to meet torn ones.
    assert!(generations > 10.0, "{generations}");
}
