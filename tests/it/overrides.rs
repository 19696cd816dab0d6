//! Local overrides, as an operator sets and clears them.

mod strangers;
mod trouble;
mod users;

use crate::{
    client::{Client, from_struct},
    flags::Flags,
    sidecar::{DEADLINE, Sidecar, eventually, flagstaff, http_get},
};
use flagstaff::pb::flagd::evaluation::v2::ResolveStringResponse;
use humantime::{format_rfc3339_seconds, parse_rfc3339};
use serde_json::{Value, json};
use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
    time::{Duration, Instant, SystemTime},
};

const GAUGE: &str = "flagstaff_flag_override_active";

fn flag(default: &str) -> Value {
    json!({"state": "ENABLED", "variants": {"old": "old", "new": "new"}, "defaultVariant": default,
        "targeting": {"if": [{"==": [{"var": "plan"}, "pro"]}, "new"]},
        "metadata": {"owner": "checkout"}})
}

fn document() -> Value {
    json!({"flags": {"page": flag("old"), "other": flag("old")}})
}

/// Flags with a directory for overrides beside them, which is not there yet.
struct Place {
    flags: Flags,
    dir: PathBuf,
}

impl Place {
    fn new(content: &Value) -> Self {
        let flags = Flags::new(content);
        let dir = flags.dir().join("made/when needed");
        Self { flags, dir }
    }

    async fn start(&self) -> Sidecar {
        Sidecar::start_with(&self.flags, &["--overrides", self.dir.to_str().unwrap()]).await
    }

    /// Writes a file as the program does, with a content of the test's own.
    fn put(&self, name: &str, content: &str) {
        fs::create_dir_all(&self.dir).unwrap();
        let hidden = self.dir.join(".hidden");
        fs::write(&hidden, content).unwrap();
        fs::rename(hidden, self.dir.join(name)).unwrap();
    }

    fn files(&self) -> usize {
        fs::read_dir(&self.dir).map_or(0, Iterator::count)
    }
}

/// An override of a flag that lasts for some seconds.
fn decision(flag: &str, variant: &str, seconds: u64) -> String {
    let until = SystemTime::now() + Duration::from_secs(seconds);
    let until = format_rfc3339_seconds(until).to_string();
    json!({"flag": flag, "variant": variant, "until": until, "why": "a test"}).to_string()
}

fn run(command: &mut Command) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code(), String::from_utf8([stdout, stderr].concat()).unwrap())
}

/// Runs `flagstaff override` for a sidecar.
fn overriding(sidecar: &Sidecar, arguments: &[&str]) -> (Option<i32>, String) {
    let address = sidecar.management().to_string();
    run(flagstaff().arg("override").args(arguments).args(["--address", &address]))
}

#[track_caller]
fn set(sidecar: &Sidecar, flag: &str, variant: &str) -> String {
    let arguments = ["set", flag, variant, "--for", "1h", "--why", "it burns"];
    let (code, said) = overriding(sidecar, &arguments);
    assert_eq!(code, Some(0), "{said}");
    said
}

/// The value a user gets, and the reason.
async fn ask(client: &Client, flag: &str) -> (String, String) {
    let context = json!({"plan": "pro"});
    let answer: ResolveStringResponse = client.resolve(flag, context).await.unwrap();
    (answer.value.unwrap_or_default(), answer.reason)
}

fn answer(value: &str, reason: &str) -> (String, String) {
    (value.to_owned(), reason.to_owned())
}

async fn status(sidecar: &Sidecar) -> Value {
    let (code, status) = http_get(sidecar.management(), "/status").await;
    assert_eq!(code, 200, "{status}");
    serde_json::from_str(&status).unwrap()
}

#[tokio::test]
async fn set_is_told_and_served_within_a_second_and_clear_restores() {
    let place = Place::new(&document());
    let sidecar = place.start().await;
    let client = Client::connect(&sidecar).await;
    let mut events = client.events().await;
    events.begin().await;
    let hash = sidecar.metric("flagstaff_config_hash").await;
    let overridden = format!("{GAUGE}{{flag=\"page\"}}");
    assert!(!sidecar.metrics().await.contains_key(&overridden));
    assert_eq!(ask(&client, "page").await, answer("new", "TARGETING_MATCH"));

    let start = Instant::now();
    let said = set(&sidecar, "page", "old");
    let changes = events.changes().await;
    let took = start.elapsed();
    println!(
        "an override is set, told and confirmed in {took:.1?}, the start of a process included"
    );
    assert_eq!(changes.into_iter().collect::<Vec<_>>(), [("page".into(), "update".into())]);
    assert!(took <= Duration::from_secs(1), "{took:?}");
    assert!(said.starts_with("page serves old to everyone until 20"), "{said}");
    assert!(said.contains("(1h): it burns") && said.lines().count() == 1, "{said}");
    let told: ResolveStringResponse = client.resolve("page", json!({"plan": "pro"})).await.unwrap();
    assert_eq!((told.value.as_deref(), told.reason.as_str()), (Some("old"), "STATIC"));
    let metadata = Value::from(from_struct(told.metadata.unwrap()));
    assert_eq!(metadata, json!({"owner": "checkout", "override": true}));
    assert_eq!(ask(&client, "other").await, answer("new", "TARGETING_MATCH"));
    // Pods with and without it compare equal.
    assert_eq!(sidecar.metric("flagstaff_config_hash").await, hash);
    assert_eq!(sidecar.metric("flagstaff_config_generation").await, 2.0);
    assert_eq!(sidecar.metric(&overridden).await, 1.0);
    sidecar.wait_for_log(&["WARN", "an override serves", "page", "it burns"]).await;
    let shown = &status(&sidecar).await["overrides"];
    assert_eq!(shown.as_array().unwrap().len(), 1, "{shown}");
    for (member, expected) in [
        ("flag", json!("page")),
        ("variant", json!("old")),
        ("why", json!("it burns")),
        ("file", json!("page.json")),
        ("active", json!(true)),
        ("problem", Value::Null),
    ] {
        assert_eq!(shown[0][member], expected, "{shown}");
    }
    let (code, listed) = overriding(&sidecar, &["list"]);
    assert_eq!(code, Some(0), "{listed}");
    let line = listed.lines().nth(1).unwrap();
    assert!(line.starts_with("page  old") && line.contains("active for "), "{listed}");
    assert!(line.ends_with("it burns"), "{listed}");

    let (code, said) = overriding(&sidecar, &["clear", "page"]);
    let asked = format!("asked the sidecar on {}", sidecar.management());
    let expected = format!("page follows its files again ({asked})\n");
    assert_eq!((code, said), (Some(0), expected));
    assert_eq!(ask(&client, "page").await, answer("new", "TARGETING_MATCH"));
    assert_eq!(events.changes().await["page"], "update");
    assert!(!sidecar.metrics().await.contains_key(&overridden));
    assert_eq!(sidecar.metric("flagstaff_config_hash").await, hash);
    assert_eq!(status(&sidecar).await["overrides"], json!([]));
    sidecar.wait_for_log(&["WARN", "the override is not served any more", "page"]).await;
    assert_eq!(sidecar.reloads().await.values().sum::<f64>(), 1.0, "no flag file was reloaded");
    assert_eq!(place.files(), 0);
}

#[tokio::test]
async fn it_beats_disabled_quarantine_and_every_layer() {
    let mut disabled = flag("old");
    disabled["state"] = "DISABLED".into();
    let place = Place::new(&json!({"flags": {"page": flag("old"), "disabled": disabled}}));
    let upper = place.flags.dir().join("upper.json");
    fs::write(&upper, json!({"flags": {"page": flag("old")}}).to_string()).unwrap();
    let options = [upper.to_str().unwrap(), "--overrides", place.dir.to_str().unwrap()];
    let sidecar = Sidecar::start_with(&place.flags, &options).await;
    let client = Client::connect(&sidecar).await;
    let mut broken = flag("nowhere");
    broken["targeting"] = json!({});
    fs::write(&upper, json!({"flags": {"page": broken}}).to_string()).unwrap();
    eventually(DEADLINE, "quarantine", async || {
        sidecar.metric("flagstaff_config_quarantined_flags").await == 1.0
    })
    .await;
    set(&sidecar, "page", "old");
    set(&sidecar, "disabled", "new");
    assert_eq!(ask(&client, "page").await, answer("old", "STATIC"));
    assert_eq!(ask(&client, "disabled").await, answer("new", "STATIC"));
    for flag in ["page", "disabled"] {
        assert_eq!(overriding(&sidecar, &["clear", flag]).0, Some(0));
    }
    assert_eq!(ask(&client, "page").await, answer("new", "TARGETING_MATCH"));
    assert_eq!(ask(&client, "disabled").await, answer("", "DISABLED"));
}

#[tokio::test]
async fn it_ends_by_itself_on_time() {
    let place = Place::new(&document());
    let sidecar = place.start().await;
    let client = Client::connect(&sidecar).await;
    let mut events = client.events().await;
    events.begin().await;
    let arguments = ["set", "page", "old", "--for", "2s", "--why", "briefly"];
    let (code, said) = overriding(&sidecar, &arguments);
    assert_eq!(code, Some(0), "{said}");
    let until = status(&sidecar).await["overrides"][0]["until"].as_str().unwrap().to_owned();
    let until = parse_rfc3339(&until).unwrap();
    assert_eq!(events.changes().await["page"], "update");
    assert_eq!(ask(&client, "page").await, answer("old", "STATIC"));
    assert_eq!(events.changes().await["page"], "update");
    let late = SystemTime::now().duration_since(until).expect("not before its time");
    println!("an override ended {late:.1?} after its time");
    assert!(late <= Duration::from_secs(1), "{late:?} late");
    assert_eq!(ask(&client, "page").await, answer("new", "TARGETING_MATCH"));
    sidecar.wait_for_log(&["WARN", "the override has ended by its time", "page"]).await;
    assert_eq!(status(&sidecar).await["overrides"], json!([]));
    // Its file is of no more interest to anybody.
    let (code, listed) = overriding(&sidecar, &["list"]);
    assert!(code == Some(0) && listed.contains("ended"), "{listed}");
}

#[tokio::test]
async fn a_crash_loses_none_and_revives_none() {
    let place = Place::new(&document());
    let sidecar = place.start().await;
    set(&sidecar, "page", "old");
    place.put("other.json", &decision("other", "old", 2));
    let client = Client::connect(&sidecar).await;
    eventually(DEADLINE, "both", async || ask(&client, "other").await.0 == "old").await;
    // What a test drops is killed by SIGKILL.
    drop((client, sidecar));
    let sidecar = place.start().await;
    let client = Client::connect(&sidecar).await;
    assert_eq!(ask(&client, "page").await, answer("old", "STATIC"), "from the first answer on");
    sidecar.wait_for_log(&["WARN", "an override serves", "page"]).await;
    let over = answer("new", "TARGETING_MATCH");
    eventually(DEADLINE, "the short one is over", async || ask(&client, "other").await == over)
        .await;
    drop((client, sidecar));
    let sidecar = place.start().await;
    let client = Client::connect(&sidecar).await;
    assert_eq!(ask(&client, "other").await, over, "what has ended stays so");
    assert_eq!(ask(&client, "page").await, answer("old", "STATIC"));
}

#[tokio::test]
async fn files_are_polled_where_events_are_not_wanted() {
    let place = Place::new(&document());
    let dir = place.dir.to_str().unwrap();
    let options = ["--overrides", dir, "--watch", "poll", "--poll-interval", "100ms"];
    let sidecar = Sidecar::start_with(&place.flags, &options).await;
    let client = Client::connect(&sidecar).await;
    set(&sidecar, "page", "old");
    assert_eq!(ask(&client, "page").await, answer("old", "STATIC"));
}
