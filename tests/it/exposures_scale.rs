//! Exposures of many: several processes with the same users, and more units than anyone keeps.
//!
//! `UNITS=1000000 cargo test --release --test it exposures_scale -- --nocapture` lets a million
//! units and a million unknown keys by instead of some thousands.

use crate::{
    client::Client,
    flags::Flags,
    sidecar::{DEADLINE, Sidecar, eventually, http_get},
};
use flagstaff::pb::flagd::evaluation::v2::ResolveBooleanResponse;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    env,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::task::JoinSet;
use tonic::{Code, Status, transport::Endpoint};

const USERS: usize = 10_000;
const PROCESSES: usize = 4;

/// How many calls of a client are in flight.
const IN_FLIGHT: usize = 32;

/// Where the process that a test started as a client finds the sidecar.
const ADDRESS: &str = "FLAGSTAFF_TEST_ADDRESS";

fn flags() -> Value {
    let flag = |targeting: Value| {
        json!({"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
            "targeting": targeting})
    };
    json!({"metadata": {"fractional": "v2"}, "flags": {
        "split": flag(json!({"fractional": [["on", 25], ["off", 75]]})),
        "rule": flag(json!({"if": [{"ends_with": [{"var": "targetingKey"}, "7"]}, "on"]})),
    }})
}

/// Makes this many calls, some at a time, and passes what each came to.
async fn ask(
    client: &Client,
    count: usize,
    request: impl Fn(usize) -> (String, Value) + Copy + Send + Sync + 'static,
    check: fn(Result<ResolveBooleanResponse, Status>),
) {
    let next = Arc::new(AtomicUsize::new(0));
    let mut calls = JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let (client, next) = (client.clone(), Arc::clone(&next));
        calls.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    break;
                }
                let (flag, context) = request(number);
                check(client.resolve(&flag, context).await);
            }
        });
    }
    calls.join_all().await;
}

fn is_answered(answer: Result<ResolveBooleanResponse, Status>) {
    answer.unwrap();
}

fn is_unknown(answer: Result<ResolveBooleanResponse, Status>) {
    assert_eq!(answer.unwrap_err().code(), Code::NotFound);
}

/// A client process that does not outlive its test.
struct Worker(Child);

impl Worker {
    /// This program again, as the test below.
    fn start(address: &str) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "exposures_scale::asks_as_one_of_several_processes"]);
        command.arg("--nocapture").env(ADDRESS, address);
        Self(command.stdout(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// By itself it asks a sidecar of its own; the test below runs it as several processes.
#[tokio::test]
async fn asks_as_one_of_several_processes() {
    let flags = Flags::new(&flags());
    let (_own, address) = match env::var(ADDRESS) {
        Ok(address) => (None, address),
        Err(_) => {
            let own = Sidecar::start(&flags).await;
            let address = own.evaluation().to_string();
            (Some(own), address)
        }
    };
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let client = Client::over(endpoint.connect().await.unwrap());
    for flag in ["split", "rule"] {
        let user = move |user| (flag.to_owned(), json!({"targetingKey": format!("user-{user}")}));
        ask(&client, USERS, user, is_answered).await;
    }
}

#[tokio::test]
async fn four_processes_with_the_same_users_are_exposed_once() {
    let flags = Flags::new(&flags());
    let sidecar = Sidecar::start(&flags).await;
    let address = sidecar.evaluation().to_string();
    let workers: Vec<_> = (0..PROCESSES).map(|_| Worker::start(&address)).collect();
    for mut worker in workers {
        let status = tokio::task::spawn_blocking(move || worker.0.wait().unwrap()).await.unwrap();
        assert!(status.success(), "a client failed");
    }
    let metrics = sidecar.metrics().await;
    let total = |metric: &str, flag: &str| {
        let start = format!("{metric}{{flag=\"{flag}\"");
        metrics.iter().filter(|(name, _)| name.starts_with(&start)).map(|(_, n)| n).sum::<f64>()
    };
    let again = metrics["flagstaff_exposure_evictions_total"];
    for flag in ["split", "rule"] {
        let exposures = total("flagstaff_flag_exposures_total", flag);
        println!("{flag}: {exposures} exposures, {again} units forgotten in all");
        assert_eq!(
            total("flagstaff_flag_evaluations_total", flag),
            (USERS * PROCESSES) as f64,
            "all processes asked"
        );
        let most = USERS as f64 + again;
        assert!((USERS as f64..=most).contains(&exposures), "{flag}: {exposures}");
    }
    assert!(again <= 1.0, "there is room for all of them");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_million_units_and_a_million_unknown_keys_leave_a_table() {
    let units = env::var("UNITS").map_or(20_000, |units| units.parse().unwrap());
    let flags = Flags::new(&flags());
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    let unit = |unit| ("split".to_owned(), json!({"targetingKey": format!("unit-{unit:012}")}));
    let unknown = |key| (format!("unknown-{key:012}"), json!({}));
    // Whatever a first request, a first error and a first scrape leave behind.
    ask(&client, 1000, |_| ("split".to_owned(), json!({})), is_answered).await;
    ask(&client, 1000, |_| ("unknown".to_owned(), json!({})), is_unknown).await;
    let series = sidecar.metrics().await.len();
    http_get(sidecar.management(), "/status").await;
    let before = sidecar.resident();

    ask(&client, units, unit, is_answered).await;
    let after_units = sidecar.resident();
    ask(&client, units, unknown, is_unknown).await;
    let metrics = sidecar.metrics().await;
    http_get(sidecar.management(), "/status").await;
    let after = sidecar.resident();

    let split = metrics
        .iter()
        .filter(|(name, _)| name.starts_with("flagstaff_flag_exposures_total{flag=\"split\""));
    assert_eq!(split.map(|(_, count)| count).sum::<f64>(), units as f64, "each is met once");
    assert_eq!(metrics["flagstaff_unknown_flag_requests_total"], (units + 1000) as f64);
    assert_eq!(metrics.len(), series, "no series more");
    println!(
        "{units} units: {before} KiB, then {after_units} KiB; {units} unknown keys: {after} KiB; \
         {series} series throughout"
    );
    // The table, and 2 MiB more.
    assert!(after.saturating_sub(before) <= 2 * 2048, "{before} KiB, then {after} KiB");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_thousand_flags_are_counted_and_the_cap_is_visible() {
    const FLAGS: usize = 20_000;
    const ASKED: usize = 1500;
    let rule = flags()["flags"]["rule"].clone();
    let key = |number: usize| format!("flag-{:05}", number * (FLAGS / ASKED));
    let file: BTreeMap<_, _> = (0..FLAGS).map(|n| (format!("flag-{n:05}"), &rule)).collect();
    let flags = Flags::new(&json!({ "flags": file }));
    let mut sidecar = Sidecar::spawn(&flags, &[]).await;
    // A debug build beside other tests takes its time over so many.
    eventually(6 * DEADLINE, "ready", async || sidecar.readyz().await.0 == 200).await;
    let client = Client::connect(&sidecar).await;
    let request = move |number| (key(number), json!({"targetingKey": "u"}));
    ask(&client, ASKED, request, is_answered).await;
    ask(&client, 5, |_| ("flag-00000".to_owned(), json!({})), is_answered).await;

    // That none is there twice, the harness sees to.
    let metrics = sidecar.metrics().await;
    let counted = |prefix: &str| {
        let all = metrics.iter().filter(|(name, _)| name.starts_with(prefix));
        all.map(|(_, count)| count).sum::<f64>()
    };
    assert_eq!(counted("flagstaff_flag_evaluations_total{"), (ASKED + 5) as f64, "none is lost");
    assert_eq!(counted("flagstaff_flag_exposures_total{"), ASKED as f64);
    let others = counted("flagstaff_flag_evaluations_total{flag=\"(other)\"");
    assert!((1000.0..ASKED as f64).contains(&others), "{others}");
    let own = |name: &&String| name.contains("_total{flag=\"flag-");
    let own = metrics.keys().filter(own).count();
    assert!((5000..=10_000).contains(&own), "{own} series within the limit");
    let over_limit = metrics["flagstaff_series_over_limit"];
    assert!(over_limit > 100_000.0, "{over_limit}");
    sidecar.wait_for_log(&["WARN", "counted together"]).await;
    let told = sidecar.log().iter().filter(|line| line.contains("counted together")).count();
    assert_eq!(told, 1, "one line for all of them");

    let (code, status) = http_get(sidecar.management(), "/status").await;
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!((code, &status["series"]["limit"]), (200, &json!(10_000)));
    let shared = status["flags"].as_object().unwrap().values();
    assert!(shared.filter(|flag| flag["shared"] == true).count() > 15_000);

    sidecar.sigterm();
    assert!(sidecar.wait_exit(Duration::from_secs(4)).await.success());
    sidecar.wait_for_log(&["\"totals\""]).await;
    let log = sidecar.log();
    assert!(!log.iter().any(|line| line.contains("panic")));
    assert!(log.iter().all(|line| line.len() < 16 << 10), "no line that runtimes would split");
    let last: Value = serde_json::from_str(log.last().unwrap()).unwrap();
    assert_eq!(last["fields"]["evaluations"], ASKED + 5);
    assert_eq!(last["fields"]["flags_not_named"], 0);
}
