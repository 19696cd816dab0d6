//! Flags whose rules depend on the time: at each moment they answer anew, and whoever listens is
//! told. The poll is ten minutes away, so that nothing but the clock can do it.

use crate::{
    client::{Client, Events},
    flags::Flags,
    sidecar::{DEADLINE, Sidecar, http_get},
};
use flagstaff::pb::flagd::evaluation::v2::ResolveBooleanResponse;
use humantime::format_rfc3339_seconds;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::time::sleep;

/// The claim is 50 ms; a machine that is busy gets five times as long.
const IN_TIME: Duration = Duration::from_millis(250);

/// The second that is so many seconds away, and at least that many.
fn second_in(seconds: u64) -> u64 {
    second_of(SystemTime::now()) + seconds + 1
}

/// How long ago a second began.
fn since(second: u64) -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH + Duration::from_secs(second))
        .expect("nobody is told before it is so")
}

fn after(second: u64) -> Value {
    json!({">=": [{"var": "$flagd.timestamp"}, second]})
}

fn flag(targeting: &Value) -> Value {
    json!({"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
        "targeting": targeting})
}

fn split(on: u32) -> Value {
    json!({"fractional": [["on", on], ["off", 100 - on]]})
}

async fn ask(client: &Client, key: &str) -> Option<bool> {
    let context = json!({"targetingKey": "somebody"});
    let answer: ResolveBooleanResponse = client.resolve(key, context).await.unwrap();
    answer.value
}

/// Asks until a second has begun, and checks that the answer changes with it.
async fn ask_around(client: &Client, key: &str, second: u64, (before, then): (bool, bool)) {
    loop {
        let sent = SystemTime::now();
        let answer = ask(client, key).await;
        let (sent, got) = (second_of(sent), second_of(SystemTime::now()));
        // In between it is one or the other.
        if got < second {
            assert_eq!(answer, Some(before), "{key} before {second}");
        } else if sent >= second {
            assert_eq!(answer, Some(then), "{key} from {second} on");
            return;
        }
        sleep(Duration::from_millis(5)).await;
    }
}

fn second_of(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Waits for the change of these flags at a second; how late it was told.
async fn told(events: &mut Events, keys: &[&str], second: u64) -> Duration {
    let changes = events.changes().await;
    let late = since(second);
    let expected: BTreeMap<_, _> =
        keys.iter().map(|key| ((*key).to_owned(), "update".to_owned())).collect();
    assert_eq!(changes, expected);
    late
}

/// Prints how late it was told. One sample of a busy machine says nothing; the median of several
/// has to be in time.
fn check(how: &str, mut late: Vec<Duration>) {
    late.sort();
    let median = late[(late.len() - 1) / 2];
    println!("{how}: told {median:.1?} after the moment in the median of {}", late.len());
    assert!(late.len() < 3 || median <= IN_TIME, "{how}: {late:?}");
}

fn ratio(flag: &str) -> String {
    format!("flagstaff_flag_configured_ratio{{flag=\"{flag}\",variant=\"on\"}}")
}

fn changed(flag: &str) -> String {
    format!("flagstaff_flag_changed_timestamp_seconds{{flag=\"{flag}\"}}")
}

const GENERATION: &str = "flagstaff_config_generation";
const HASH: &str = "flagstaff_config_hash";

#[tokio::test]
async fn the_steps_of_a_readable_rollout_are_told_as_they_come() {
    let first = second_in(2);
    let moment = |second: u64| format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(second));
    let file = format!(
        "flagstaff: 1\nbucketing: v2\nflags:\n  page:\n    rollout:\n      - 0.001% from {}\n      \
         - 25% from {}\n      - 100% from {}\n  sale:\n    start: {}\n    serve: on\n  \
         other: {{ serve: on }}\n",
        moment(first),
        moment(first + 1),
        moment(first + 2),
        moment(first + 1),
    );
    let flags = Flags::absent_at("flags.yaml");
    flags.write_text(&file);
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    let mut events = client.events().await;
    assert_eq!(events.begin().await.len(), 3);
    let before = sidecar.metrics().await;
    assert_eq!((before[&ratio("page")], before[GENERATION]), (0.0, 1.0));
    assert!(!before.contains_key(&changed("page")));
    let ((), late) = tokio::join!(ask_around(&client, "sale", first + 1, (false, true)), async {
        let mut late = vec![told(&mut events, &["page"], first).await];
        late.push(told(&mut events, &["page", "sale"], first + 1).await);
        late.push(told(&mut events, &["page"], first + 2).await);
        late
    },);
    ask_around(&client, "page", first + 2, (false, true)).await;
    check("a readable rollout", late);
    let then = sidecar.metrics().await;
    assert_eq!((then[&ratio("page")], then[GENERATION]), (1.0, 4.0));
    assert_eq!(then[&changed("page")].floor(), (first + 2) as f64);
    assert_eq!(then[&changed("sale")].floor(), (first + 1) as f64);
    // The files are what they were, and nobody read them anew.
    assert_eq!(then[HASH], before[HASH]);
    assert_eq!(sidecar.reloads().await, BTreeMap::from([("applied".to_owned(), 1.0)]));
    sidecar.wait_for_log(&["flags applied", "\"generation\":4", "\"by_clock\":1"]).await;
    let (_, status) = http_get(sidecar.management(), "/status").await;
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["flags"]["page"]["split"], json!({"on": 1.0, "off": 0.0}));
}

#[tokio::test]
async fn of_plain_flagd_rules_every_comparison_with_a_moment_is_followed() {
    let first = second_in(2);
    let timestamp = json!({"var": "$flagd.timestamp"});
    let steps = json!({"if": [after(first + 2), "on", after(first), split(0)]});
    let window = json!({"if": [{"<=": [first, timestamp, first + 1]}, "on"]});
    let flags = Flags::new(&json!({"flags": {
        "steps": flag(&steps),
        "window": flag(&window),
        "late": flag(&json!({"if": [{"<": [first, timestamp]}, "on"]})),
        "past": flag(&json!({"if": [{"<": [timestamp, first - 100]}, "on"]})),
        "always": flag(&json!({"if": [{"var": "beta"}, "on"]})),
    }}));
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    let mut events = client.events().await;
    events.begin().await;
    let (late, ()) = tokio::join!(
        async {
            let mut late = vec![told(&mut events, &["steps", "window"], first).await];
            late.push(told(&mut events, &["late"], first + 1).await);
            late.push(told(&mut events, &["steps", "window"], first + 2).await);
            late
        },
        async {
            ask_around(&client, "window", first, (false, true)).await;
            ask_around(&client, "late", first + 1, (false, true)).await;
            ask_around(&client, "window", first + 2, (true, false)).await;
            ask_around(&client, "steps", first + 2, (false, true)).await;
        },
    );
    check("plain rules", late);
    // Counters go on over the generations: answers of before are there.
    let off =
        "flagstaff_flag_evaluations_total{flag=\"window\",variant=\"off\",reason=\"default\"}";
    assert!(sidecar.metric(off).await >= 2.0);
    assert_eq!(sidecar.metric(GENERATION).await, 4.0);
}

#[tokio::test]
async fn a_reload_between_moments_moves_them() {
    let (first, moved) = (second_in(2), second_in(3));
    let plan = |second: u64| json!({"flags": {"f": flag(&json!({"if": [after(second), "on"]}))}});
    let flags = Flags::new(&plan(first));
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    let mut events = client.events().await;
    events.begin().await;
    flags.rename_over(&plan(moved));
    assert_eq!(events.changes().await.len(), 1);
    assert!(second_of(SystemTime::now()) < first, "this machine is too busy to tell");
    // Nothing is told at the moment that was taken away.
    let (late, ()) = tokio::join!(
        told(&mut events, &["f"], moved),
        ask_around(&client, "f", moved, (false, true)),
    );
    check("a plan that was changed", vec![late]);
    assert_eq!(sidecar.metric(GENERATION).await, 3.0);
}

#[tokio::test]
async fn an_override_stands_above_the_clock() {
    let first = second_in(3);
    let rule = json!({"if": [after(first), "on"]});
    let flags = Flags::new(&json!({"flags": {"over": flag(&rule), "under": flag(&rule)}}));
    let overrides = flags.dir().join("overrides");
    fs::create_dir(&overrides).unwrap();
    let until = format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(first + 1)).to_string();
    let decision = json!({"flag": "over", "variant": "off", "until": until, "why": "a test"});
    fs::write(overrides.join("over.json"), decision.to_string()).unwrap();
    let sidecar = Sidecar::start_with(&flags, &["--overrides", overrides.to_str().unwrap()]).await;
    let client = Client::connect(&sidecar).await;
    let mut events = client.events().await;
    events.begin().await;
    // What is overridden does not depend on the clock until its override ends.
    let (under, ()) = tokio::join!(
        told(&mut events, &["under"], first),
        ask_around(&client, "under", first, (false, true)),
    );
    assert_eq!(ask(&client, "over").await, Some(false));
    let over = told(&mut events, &["over"], first + 1).await;
    assert_eq!(ask(&client, "over").await, Some(true));
    check("under an override", vec![under, over]);
}

#[tokio::test]
async fn a_person_is_told_what_the_clock_did() {
    let first = second_in(2);
    let rule = json!({"if": [after(first), split(5)]});
    let flags = Flags::new(&json!({"flags": {"page": flag(&rule)}}));
    let sidecar = Sidecar::launch(&flags, &["--log-format", "text"]);
    sidecar
        .wait_for_log(&["generation 2 · page: step of ", ", on 0 % → 5 % · ", " no application"])
        .await;
    assert!(since(first) < DEADLINE);
}
