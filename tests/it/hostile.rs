//! Clients that make the sidecar hold things for them: there is an end to it, they are told, and
//! nobody else notices.

use crate::{
    client::Client,
    flags::Flags,
    raw::{
        DATA, Frame, HEADERS, PREFACE, Raw, WINDOW_UPDATE, begin, call, event_stream, prefixed,
        wide_open,
    },
    sidecar::{DEADLINE, Sidecar, eventually, http_get},
};
use flagstaff::pb::flagd::evaluation::v2::ResolveBooleanResponse;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use tokio::{io::AsyncWriteExt, net::UnixStream, time::timeout};
use tonic::Code;

const BOOLEAN: &str = "/flagd.evaluation.v2.Service/ResolveBoolean";
const ALL: &str = "/flagd.evaluation.v1.Service/ResolveAll";
const WATCH: &str = "/grpc.health.v1.Health/Watch";
const STREAMS: &str = "flagstaff_streams_active{kind=\"event_stream\"}";

/// As many flags, of about 60 bytes each in a bulk reply.
fn flags(count: usize) -> Flags {
    let flag = json!({"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on",
        "metadata": {"owner": "a team with a name of its own"}});
    let flags: BTreeMap<_, Value> =
        (0..count).map(|n| (format!("flag-{n}"), flag.clone())).collect();
    Flags::new(&json!({"flags": flags}))
}

async fn answers(client: &Client) -> bool {
    let answer = client.resolve::<ResolveBooleanResponse>("flag-0", json!({})).await;
    answer.is_ok_and(|answer| answer.value == Some(true))
}

/// How many calls of a method ended so.
async fn ended(sidecar: &Sidecar, method: &str, code: &str) -> f64 {
    let has_both = |series: &str| {
        series.starts_with("flagstaff_rpc_duration_seconds_count")
            && series.contains(&format!("method=\"{method}\""))
            && series.contains(&format!("code=\"{code}\""))
    };
    let metrics = sidecar.metrics().await.into_iter();
    metrics.filter(|(series, _)| has_both(series)).map(|(_, count)| count).sum()
}

#[tokio::test]
async fn requests_that_never_end_hold_16_mib_in_all_and_refuse_nobody_else() {
    const CONNECTIONS: usize = 64;
    let flags = flags(1);
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    assert!(answers(&client).await);
    let before = sidecar.resident();
    let start = Instant::now();
    let mut open = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut raw = Raw::connect(sidecar.evaluation()).await;
        raw.next_of(WINDOW_UPDATE, 0).await.expect("a window of 1 MiB");
        // 15 calls that announce 1 MB and send what the windows let through: 60 KB.
        for stream in (1..=29).step_by(2) {
            raw.send(&begin(stream, BOOLEAN)).await;
            let mut piece = vec![0; 15_000];
            piece[..5].copy_from_slice(&[0, 0, 0x0f, 0x42, 0x40]);
            for _ in 0..4 {
                raw.send(&Frame::new(DATA, stream, &piece).encode()).await;
                piece.fill(0);
            }
        }
        open.push(raw);
    }
    let refused = async || ended(&sidecar, "ResolveBoolean", "RESOURCE_EXHAUSTED").await;
    eventually(DEADLINE, "refusals", async || refused().await > 300.0).await;
    // Whoever asks in one piece does not notice.
    while start.elapsed() < Duration::from_secs(3) {
        assert!(answers(&client).await);
        assert_eq!(client.resolve_all(json!({})).await.unwrap().flags.len(), 1);
    }
    let grown = sidecar.resident().saturating_sub(before) / 1024;
    println!("{} calls of 60 KB: {} refused, {grown} MiB more", 15 * CONNECTIONS, refused().await);
    assert!(grown <= 40, "{grown} MiB");
    // What was held is given back when its time is over, and there is room for others.
    let late = async || ended(&sidecar, "ResolveBoolean", "DEADLINE_EXCEEDED").await;
    eventually(DEADLINE, "all end", async || {
        late().await + refused().await >= 15.0 * CONNECTIONS as f64
    })
    .await;
    let key = "k".repeat(900_000);
    let failure = client.failure::<ResolveBooleanResponse>(&key, json!({})).await;
    assert_eq!(failure.0, Code::NotFound, "{}", failure.1);
}

#[tokio::test]
async fn bulk_replies_that_nobody_reads_are_few_and_their_connections_end() {
    let flags = flags(5000);
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    assert_eq!(client.resolve_all(json!({})).await.unwrap().flags.len(), 5000);
    let before = sidecar.resident();
    let start = Instant::now();
    // 200 on one connection, and 2 on each of 100.
    let mut open = Vec::new();
    for count in [200].into_iter().chain([2; 100]) {
        // Without window for more than 64 KB: else the kernel takes some megabytes.
        let mut raw = Raw::connect(sidecar.evaluation()).await;
        for n in 0..count {
            raw.send(&call(2 * n + 1, ALL, &[0; 5])).await;
        }
        open.push(raw);
        if open.len() == 1 {
            // The others of that connection wait; nobody else does.
            let start = Instant::now();
            assert_eq!(client.resolve_all(json!({})).await.unwrap().flags.len(), 5000);
            println!("a bulk reply beside 200 unread ones: {:.0?}", start.elapsed());
        }
    }
    let refused = async || ended(&sidecar, "ResolveAll", "RESOURCE_EXHAUSTED").await;
    eventually(2 * DEADLINE, "those that had no turn", async || refused().await >= 198.0).await;
    assert!(answers(&client).await);
    let grown = sidecar.resident().saturating_sub(before) / 1024;
    println!("400 unread bulk replies: {} refused, {grown} MiB more", refused().await);
    assert!(grown <= 40, "{grown} MiB");
    // Whoever got a reply and does not read it is gone in the end; who was refused may stay.
    eventually(4 * DEADLINE, "the connections end", async || {
        sidecar.metric("flagstaff_connections_active").await <= 90.0
    })
    .await;
    assert!(start.elapsed() >= Duration::from_secs(29), "{:?}", start.elapsed());
    assert_eq!(client.resolve_all(json!({})).await.unwrap().flags.len(), 5000);
}

#[tokio::test]
async fn probes_get_in_however_many_hold_the_management_port() {
    let flags = flags(1);
    let sidecar = Sidecar::start(&flags).await;
    let watcher = Client::connect_management(&sidecar).await;
    let watch = call(1, WATCH, &prefixed(b""));
    for said in
        [&b""[..], &[PREFACE, &wide_open()].concat(), &[PREFACE, &wide_open(), &watch].concat()]
    {
        let mut open = Vec::new();
        for _ in 0..300 {
            let mut raw = Raw::silent(sidecar.management()).await;
            raw.offer(said).await;
            open.push(raw);
        }
        let start = Instant::now();
        for path in ["/readyz", "/livez", "/metrics"] {
            assert_eq!(http_get(sidecar.management(), path).await.0, 200, "{path}");
        }
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    }
    drop(watcher);
}

#[tokio::test]
async fn a_connection_has_eight_calls_to_other_services_and_a_status_for_the_ninth() {
    let flags = flags(1);
    let sidecar = Sidecar::start(&flags).await;
    for address in [sidecar.evaluation(), sidecar.management()] {
        let mut raw = Raw::connect(address).await;
        for n in 0..9 {
            raw.send(&call(2 * n + 1, WATCH, &prefixed(b""))).await;
        }
        let refusal = raw.next_of(HEADERS, 17).await.expect("an answer");
        let text = String::from_utf8_lossy(&refusal.payload).into_owned();
        // RESOURCE_EXHAUSTED, in a trailers-only answer.
        assert_eq!(refusal.flags & 1, 1, "{text}");
    }
}

#[tokio::test]
async fn update_streams_cost_little_and_there_is_an_end_to_them() {
    const MOST: u32 = 16 * 1024;
    let flags = flags(1);
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    assert!(answers(&client).await);
    let before = sidecar.resident();
    let mut open = Vec::new();
    for _ in 0..16 {
        let mut raw = Raw::connect(sidecar.evaluation()).await;
        for n in 0..1024 {
            raw.send(&event_stream(2 * n + 1)).await;
        }
        open.push(raw);
    }
    let all = f64::from(MOST);
    eventually(3 * DEADLINE, "all are open", async || sidecar.metric(STREAMS).await == all).await;
    let each = (sidecar.resident().saturating_sub(before)) * 1024 / u64::from(MOST);
    println!("{each} bytes of memory for each of {MOST} update streams that nobody reads");
    // README says 3 KiB; a debug build's futures are larger.
    assert!(each <= 5 * 3 * 1024, "{each} bytes");
    let mut beyond = Raw::subscribe(sidecar.evaluation()).await;
    let refusal = beyond.next_of(HEADERS, 1).await.expect("an answer");
    assert_eq!(refusal.flags & 1, 1, "{:?}", String::from_utf8_lossy(&refusal.payload));
    assert_eq!(ended(&sidecar, "EventStream", "RESOURCE_EXHAUSTED").await, 1.0);
    assert!(answers(&client).await);
    drop(open);
    eventually(3 * DEADLINE, "they are gone", async || sidecar.metric(STREAMS).await == 0.0).await;
    assert_eq!(client.events().await.begin().await.len(), 1);
}

#[tokio::test]
async fn a_peer_on_the_socket_that_lives_and_never_reads_costs_little() {
    const PEERS: u64 = 50;
    let flags = flags(1);
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect_unix(&sidecar, 65_535).await;
    assert!(answers(&client).await);
    let before = sidecar.resident();
    let mut wedged = Vec::new();
    for _ in 0..PEERS {
        let mut peer = UnixStream::connect(sidecar.socket()).await.unwrap();
        peer.write_all(&[PREFACE, &wide_open(), &event_stream(1)].concat()).await.unwrap();
        // It asks until the sidecar stops listening, since nobody takes the answers.
        let mut asked = 0;
        let request = prefixed(b"\x0a\x06flag-0");
        while asked < 20_000 {
            let calls: Vec<u8> =
                (0..100).flat_map(|n| call(2 * (asked + n) + 3, BOOLEAN, &request)).collect();
            if timeout(Duration::from_millis(300), peer.write_all(&calls)).await.is_err() {
                break;
            }
            asked += 100;
        }
        wedged.push((peer, asked));
    }
    let each = sidecar.resident().saturating_sub(before) / PEERS;
    println!("{each} KiB for each peer that never reads; the first asked {} times", wedged[0].1);
    assert!(each <= 1024, "{each} KiB");
    assert!(answers(&client).await);
    drop(wedged);
    let gone = "their connections end with them";
    eventually(DEADLINE, gone, async || {
        sidecar.metric("flagstaff_connections_active").await == 1.0
    })
    .await;
}

/// Rules that take as many steps as a rule may, so that all of them together take seconds.
fn slow() -> Value {
    let list: Vec<u32> = (1..400).collect();
    let inner = json!({"some": [list, {"==": [{"var": ""}, -1]}]});
    let flag = json!({"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on",
        "targeting": {"if": [{"some": [{"$ref": "list"}, {"$ref": "inner"}]}, "on"]}});
    let flags: BTreeMap<_, Value> = (0..500).map(|n| (format!("slow-{n}"), flag.clone())).collect();
    json!({"$evaluators": {"list": list, "inner": inner}, "flags": flags})
}

#[tokio::test]
async fn a_bulk_reply_of_seconds_keeps_nobody_else_waiting() {
    let flags = Flags::new(&slow());
    let sidecar = Sidecar::start_with(&flags, &["--worker-threads", "1"]).await;
    let client = Client::connect(&sidecar).await;
    let mut raw = Raw::connect(sidecar.evaluation()).await;
    raw.send(&call(1, ALL, &[0; 5])).await;
    let mut took = Vec::new();
    for _ in 0..20 {
        let start = Instant::now();
        client.failure::<ResolveBooleanResponse>("nobody", json!({})).await;
        assert_eq!(http_get(sidecar.management(), "/livez").await, (200, "ok\n".to_owned()));
        took.push(start.elapsed());
    }
    assert_eq!(ended(&sidecar, "ResolveAll", "OK").await, 0.0, "it was too quick to tell");
    took.sort();
    println!("a call and a probe beside a bulk reply that takes seconds: {:.0?}", took[10]);
    // One rule that takes all the steps it may is what comes in between, here and there.
    assert!(took[10] < Duration::from_secs(1), "{took:?}");
}
