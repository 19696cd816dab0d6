//! The end: in order, in time whatever clients do, and in every phase.

use crate::{
    client::Client,
    flags::Flags,
    raw::{PREFACE, Raw},
    sidecar::{DEADLINE, Sidecar, eventually},
};
use flagstaff::pb::flagd::evaluation::v2::ResolveBooleanResponse;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    time::{Duration, Instant},
};
use tonic::Code;

/// From the signal to the exit, drain delay not counted.
const PROMISED: Duration = Duration::from_secs(2);

fn definitions() -> Value {
    json!({"flags": {"a":
        {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on"}}})
}

/// Sends SIGTERM and checks that it ends in time, with success, and tidily.
async fn check_drain(mut sidecar: Sidecar, who: &str) {
    let start = Instant::now();
    sidecar.sigterm();
    let status = sidecar.wait_exit(DEADLINE).await;
    let took = start.elapsed();
    println!("{who}: {took:.1?} from SIGTERM to the exit");
    assert_eq!(status.code(), Some(0), "{who}");
    assert!(took <= PROMISED, "{who}: {took:?}");
    assert!(!sidecar.socket().exists(), "{who}: the socket file is left");
    sidecar.wait_for_log(&["draining", "SIGTERM"]).await;
    sidecar.wait_for_log(&["stopped"]).await;
}

async fn streams(sidecar: &Sidecar) -> f64 {
    sidecar.metric("flagstaff_streams_active{kind=\"event_stream\"}").await
}

#[tokio::test]
async fn nobody_connected_is_no_reason_to_wait() {
    let flags = Flags::new(&definitions());
    let sidecar = Sidecar::start(&flags).await;
    assert!(sidecar.socket().exists());
    check_drain(sidecar, "nobody").await;
}

#[tokio::test]
async fn a_hundred_open_streams_end_in_time() {
    let flags = Flags::new(&definitions());
    let sidecar = Sidecar::start(&flags).await;
    let mut events = Vec::new();
    for _ in 0..10 {
        let client = Client::connect(&sidecar).await;
        for _ in 0..10 {
            events.push(client.events().await);
        }
    }
    eventually(DEADLINE, "100 streams", async || streams(&sidecar).await == 100.0).await;
    check_drain(sidecar, "100 open streams").await;
    for mut stream in events {
        stream.begin().await;
        assert_eq!(stream.next().await.unwrap().0, "provider_shutdown");
        assert_eq!(stream.next().await.unwrap_err().code(), Code::Unavailable);
    }
}

#[tokio::test]
async fn streams_that_nobody_reads_end_in_time() {
    let flags = Flags::new(&definitions());
    let sidecar = Sidecar::start(&flags).await;
    let mut stalled = Vec::new();
    for _ in 0..100 {
        stalled.push(Raw::subscribe(sidecar.evaluation()).await);
    }
    eventually(DEADLINE, "100 streams", async || streams(&sidecar).await == 100.0).await;
    check_drain(sidecar, "100 streams that nobody reads").await;
}

#[tokio::test]
async fn clients_that_never_finish_their_hello_do_not_hold_it_up() {
    let flags = Flags::new(&definitions());
    let sidecar = Sidecar::start(&flags).await;
    let mut half = Vec::new();
    for hello in [&b""[..], &PREFACE[..10], PREFACE, b"GET /readyz HTTP/1.1\r\nHost"] {
        for address in [sidecar.evaluation(), sidecar.management()] {
            let mut raw = Raw::silent(address).await;
            raw.send(hello).await;
            half.push(raw);
        }
    }
    let connections = "flagstaff_connections_active";
    // Those of the management port are nobody's clients, and not counted.
    let open = "all are open";
    eventually(DEADLINE, open, async || sidecar.metric(connections).await >= 4.0).await;
    check_drain(sidecar, "silent and half-finished clients").await;
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once_with_1() {
    let flags = Flags::new(&definitions());
    let mut sidecar = Sidecar::start_with(&flags, &["--drain-delay", "30s"]).await;
    sidecar.sigterm();
    sidecar.wait_for_log(&["draining"]).await;
    let start = Instant::now();
    sidecar.sigterm();
    let status = sidecar.wait_exit(DEADLINE).await;
    assert_eq!(status.code(), Some(1));
    assert!(start.elapsed() <= Duration::from_secs(1), "{:?}", start.elapsed());
}

#[tokio::test]
async fn even_a_second_signal_leaves_no_socket_behind() {
    // More than once, since it would be left behind now and then.
    for _ in 0..5 {
        let flags = Flags::new(&definitions());
        let mut sidecar = Sidecar::start_with(&flags, &["--drain-delay", "30s"]).await;
        sidecar.sigterm();
        sidecar.wait_for_log(&["draining"]).await;
        sidecar.sigterm();
        sidecar.wait_exit(DEADLINE).await;
        assert!(!sidecar.socket().exists());
    }
}

#[tokio::test]
async fn during_the_drain_delay_it_is_unready_and_still_answers() {
    let flags = Flags::new(&definitions());
    let mut sidecar = Sidecar::start_with(&flags, &["--drain-delay", "2s"]).await;
    let mut events = Client::connect(&sidecar).await.events().await;
    events.begin().await;
    let start = Instant::now();
    sidecar.sigterm();
    let unready = "unready";
    eventually(DEADLINE, unready, async || {
        let (status, why) = sidecar.readyz().await;
        status == 503 && why.contains("draining")
    })
    .await;
    // Old connections and new ones, and flags still change.
    let client = Client::connect(&sidecar).await;
    let answer: ResolveBooleanResponse = client.resolve("a", json!({})).await.unwrap();
    assert_eq!(answer.value, Some(true));
    flags.rename_over(&json!({"flags": {}}));
    assert_eq!(events.changes().await["a"], "delete");
    assert_eq!(sidecar.readyz().await.0, 503, "applying flags is no reason to be ready again");
    assert!(start.elapsed() < Duration::from_secs(2), "too slow to tell");
    assert_eq!(events.next().await.unwrap().0, "provider_shutdown");
    assert!(start.elapsed() >= Duration::from_secs(2), "told before the delay was over");
    assert_eq!(sidecar.wait_exit(DEADLINE).await.code(), Some(0));
    assert!(start.elapsed() <= Duration::from_secs(2) + PROMISED, "{:?}", start.elapsed());
}

#[tokio::test]
async fn it_can_be_stopped_before_there_are_flags() {
    let flags = Flags::absent();
    let sidecar = Sidecar::spawn(&flags, &[]).await;
    let mut events = Client::connect(&sidecar).await.events().await;
    eventually(DEADLINE, "open", async || streams(&sidecar).await == 1.0).await;
    check_drain(sidecar, "without flags").await;
    assert_eq!(events.next().await.unwrap().0, "provider_shutdown");
    assert_eq!(events.next().await.unwrap_err().code(), Code::Unavailable);
}

#[tokio::test]
async fn it_can_be_stopped_during_a_reload() {
    let flags = Flags::new(&definitions());
    let sidecar = Sidecar::start(&flags).await;
    let events = Client::connect(&sidecar).await.events().await;
    // Compiling this takes far longer than the test takes to notice that it was read.
    let flag = json!({"state": "ENABLED", "variants": {"on": true, "off": false},
        "defaultVariant": "on", "targeting": {"fractional": [["on", 1], ["off", 99]]}});
    let many: BTreeMap<_, _> = (0..60_000).map(|n| (format!("flag-{n}"), &flag)).collect();
    let many = json!({"flags": many});
    let size = many.to_string().len() as u64;
    let before = sidecar.bytes_read();
    flags.rename_over(&many);
    eventually(DEADLINE, "it has read the file", async || sidecar.bytes_read() >= before + size)
        .await;
    let applied = |line: &&String| line.contains("flags applied");
    assert_eq!(sidecar.log().iter().filter(applied).count(), 1, "too slow to tell");
    check_drain(sidecar, "during a reload").await;
    drop(events);
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once_whoever_is_connected() {
    let flags = Flags::new(&definitions());
    let mut sidecar = Sidecar::start(&flags).await;
    let mut stalled = Vec::new();
    for _ in 0..100 {
        stalled.push(Raw::subscribe(sidecar.evaluation()).await);
        stalled.push(Raw::silent(sidecar.evaluation()).await);
    }
    eventually(DEADLINE, "100 streams", async || streams(&sidecar).await == 100.0).await;
    sidecar.sigterm();
    // It waits for clients that do not leave, so the second signal finds it draining.
    sidecar.wait_for_log(&["draining"]).await;
    let start = Instant::now();
    sidecar.sigterm();
    assert_eq!(sidecar.wait_exit(DEADLINE).await.code(), Some(1));
    assert!(start.elapsed() <= Duration::from_secs(1), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_socket_left_behind_is_replaced_and_one_in_use_is_not() {
    let flags = Flags::new(&definitions());
    let sidecar = Sidecar::start(&flags).await;
    let socket = sidecar.socket().to_owned();
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o660);
    let taken = crate::sidecar::flagstaff()
        .args(["serve", "--port", "off", "--management-port", "off"])
        .arg(flags.path())
        .arg("--uds")
        .arg(&socket)
        .output()
        .unwrap();
    assert_eq!(taken.status.code(), Some(1));
    let said = String::from_utf8(taken.stderr).unwrap();
    assert!(said.contains("--uds") && said.contains("flagstaff.sock"), "{said}");
    // Killed, it leaves its socket behind, which is no obstacle to the next.
    drop(sidecar);
    assert!(socket.exists());
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect_unix(&sidecar, 65_535).await;
    assert!(client.resolve::<ResolveBooleanResponse>("a", json!({})).await.is_ok());
}
