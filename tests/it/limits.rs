//! Bounds of time, size and number: who exceeds one loses a call or a connection, and nobody else
//! notices.

use crate::{
    client::Client,
    flags::Flags,
    raw::{
        CONTINUATION, END_HEADERS, END_STREAM, Frame, GOAWAY, HEADERS, PING, PREFACE, RST_STREAM,
        Raw, SETTINGS, begin, event_stream, grpc_headers,
    },
    sidecar::{DEADLINE, Sidecar, eventually},
};
use bytes::Bytes;
use flagstaff::pb::flagd::evaluation::v2::ResolveBooleanResponse;
use http::Request;
use serde_json::json;
use std::{
    env,
    process::Command,
    time::{Duration, Instant},
};

async fn start() -> (Sidecar, Flags) {
    let flags = Flags::new(&json!({"flags": {"a":
        {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on"}}}));
    (Sidecar::start(&flags).await, flags)
}

async fn answers(client: &Client) -> bool {
    let answer = client.resolve::<ResolveBooleanResponse>("a", json!({})).await;
    answer.is_ok_and(|answer| answer.value == Some(true))
}

/// How long a connection that has said only this is kept.
async fn kept(sidecar: &Sidecar, said: &[u8]) -> Duration {
    let mut raw = Raw::silent(sidecar.evaluation()).await;
    let start = Instant::now();
    raw.send(said).await;
    raw.rest().await;
    start.elapsed()
}

#[tokio::test]
async fn silent_and_slow_connections_are_closed_in_time() {
    let (sidecar, _flags) = start().await;
    let settings = Frame::new(SETTINGS, 0, &[]).encode();
    let half_a_hello = [PREFACE, &settings[..8]].concat();
    let (silent, half_a_preface, no_settings, half_a_hello, half_a_header) = tokio::join!(
        kept(&sidecar, b""),
        kept(&sidecar, b"PRI * HTTP/2.0\r\n"),
        kept(&sidecar, PREFACE),
        kept(&sidecar, &half_a_hello),
        kept(&sidecar, b"GET / HTTP/1.1\r\nHost: here\r\nX-Slow: "),
    );
    println!(
        "kept: silent {silent:.1?}, half a preface {half_a_preface:.1?}, no settings {no_settings:.1?}, \
         half a header {half_a_header:.1?}"
    );
    for (kept, seconds) in
        [(silent, 5), (half_a_preface, 5), (no_settings, 5), (half_a_hello, 5), (half_a_header, 3)]
    {
        let promised = Duration::from_secs(seconds);
        assert!(kept >= promised - Duration::from_millis(100), "{kept:?} of {seconds} s");
        assert!(kept <= promised + Duration::from_secs(3), "{kept:?} of {seconds} s");
    }
}

#[tokio::test]
async fn a_preface_that_goes_on_with_something_else_is_no_hello() {
    let (sidecar, _flags) = start().await;
    let ping = Frame::new(PING, 0, b"12345678").encode();
    let kept = kept(&sidecar, &[PREFACE, &ping].concat()).await;
    assert!(kept < Duration::from_secs(4), "{kept:?}");
}

#[tokio::test]
async fn a_body_that_does_not_arrive_ends_its_call_and_not_its_connection() {
    let (sidecar, _flags) = start().await;
    let mut raw = Raw::connect(sidecar.evaluation()).await;
    // Headers and a DATA frame that does not end the stream.
    let mut call = event_stream(1);
    let end_stream = call.len() - 5 - 5;
    call[end_stream] = 0;
    let start = Instant::now();
    raw.send(&call).await;
    let ended = loop {
        let frame = raw.next().await.expect("the connection lives");
        if frame.stream == 1 {
            break frame;
        }
    };
    assert!(start.elapsed() >= Duration::from_millis(4900), "{:?}: {ended:?}", start.elapsed());
    raw.send(&Frame::new(PING, 0, b"12345678").encode()).await;
    while raw.next().await.expect("the connection lives").kind != PING {}
}

#[tokio::test]
async fn the_body_of_a_routed_call_has_to_arrive_as_well() {
    let (sidecar, _flags) = start().await;
    for address in [sidecar.evaluation(), sidecar.management()] {
        let mut raw = Raw::connect(address).await;
        let start = Instant::now();
        raw.send(&begin(1, "/grpc.health.v1.Health/Check")).await;
        let ended = raw.next_of(HEADERS, 1).await.expect("an answer");
        let text = String::from_utf8_lossy(&ended.payload);
        println!("after {:.1?}: {text:?}", start.elapsed());
        assert!(start.elapsed() >= Duration::from_millis(4900), "{ended:?}");
        raw.send(&Frame::new(PING, 0, b"12345678").encode()).await;
        assert!(raw.next_of(PING, 0).await.is_some(), "the connection lives");
    }
}

#[tokio::test]
async fn a_header_list_over_64_kib_is_refused_and_the_connection_lives() {
    let (sidecar, _flags) = start().await;
    let client = Client::connect(&sidecar).await;
    let with_header = |size: usize| {
        let path = "http://localhost/flagd.evaluation.v2.Service/ResolveBoolean";
        let request = Request::post(path).header("content-type", "application/grpc");
        request.header("x-long", "x".repeat(size)).body(Bytes::from_static(&[0; 5])).unwrap()
    };
    assert_eq!(client.send(with_header(60_000)).await.status(), 200);
    assert_eq!(client.send(with_header(70_000)).await.status(), 431);
    let refused = client.send(with_header(120_000)).await;
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()["grpc-status"]),
        (431, &"8".parse().unwrap())
    );
    assert!(answers(&client).await);
}

#[tokio::test]
async fn headers_of_120_kb_in_one_field_or_in_many_end_only_their_call() {
    let (sidecar, _flags) = start().await;
    for (fields, length) in [(1, 120_000), (12, 10_000), (1200, 60)] {
        for path in ["/flagd.evaluation.v2.Service/ResolveBoolean", "/nowhere"] {
            for address in [sidecar.evaluation(), sidecar.management()] {
                let mut raw = Raw::connect(address).await;
                let mut block = grpc_headers(path);
                for number in 0..fields {
                    block.extend([0, 8]);
                    block.extend(format!("x-{number:06}").as_bytes());
                    block.extend(hpack_length(length));
                    block.extend(std::iter::repeat_n(b'x', length));
                }
                let mut frames = block.chunks(16_000).enumerate().map(|(at, part)| {
                    Frame::new(if at == 0 { HEADERS } else { CONTINUATION }, 1, part)
                });
                let mut last = frames.next().unwrap();
                // The call has no body.
                last.flags = END_STREAM;
                let mut bytes = Vec::new();
                for next in frames {
                    bytes.extend(last.encode());
                    last = next;
                }
                last.flags |= END_HEADERS;
                bytes.extend(last.encode());
                raw.send(&bytes).await;
                raw.send(&Frame::new(PING, 0, b"12345678").encode()).await;
                let mut refused = false;
                loop {
                    let frame = raw.next().await.expect("the connection lives");
                    assert_ne!(frame.kind, GOAWAY, "{fields} fields of {length} to {path}");
                    refused |= frame.kind == HEADERS && frame.stream == 1;
                    if refused && frame.kind == PING {
                        break;
                    }
                    if refused && frame.stream == 1 {
                        raw.send(&Frame::new(PING, 0, b"again567").encode()).await;
                    }
                }
            }
        }
    }
}

/// A length as HPACK writes it, in seven bits and more.
fn hpack_length(length: usize) -> Vec<u8> {
    if length < 127 {
        return vec![u8::try_from(length).unwrap()];
    }
    let (mut bytes, mut left) = (vec![127], length - 127);
    while left >= 128 {
        bytes.push(u8::try_from(left % 128 + 128).unwrap());
        left /= 128;
    }
    bytes.push(u8::try_from(left).unwrap());
    bytes
}

#[tokio::test]
async fn one_stream_too_many_is_refused_and_the_others_live() {
    let (sidecar, _flags) = start().await;
    let mut raw = Raw::connect(sidecar.evaluation()).await;
    for stream in 0..1024 {
        raw.send(&event_stream(2 * stream + 1)).await;
    }
    let active = "flagstaff_streams_active{kind=\"event_stream\"}";
    eventually(DEADLINE, "1 024 streams", async || sidecar.metric(active).await == 1024.0).await;
    raw.send(&event_stream(2049)).await;
    raw.send(&Frame::new(PING, 0, b"12345678").encode()).await;
    let (mut reset, mut answered) = (false, false);
    while !(answered && reset) {
        let frame = raw.next().await.expect("the connection lives");
        assert_ne!(frame.kind, GOAWAY, "{frame:?}");
        answered |= frame.kind == PING && frame.payload == b"12345678";
        if frame.kind == RST_STREAM {
            assert_eq!(frame.stream, 2049, "{frame:?}");
            reset = true;
        }
    }
    assert_eq!(sidecar.metric(active).await, 1024.0);
    assert!(answers(&Client::connect(&sidecar).await).await);
}

#[tokio::test]
async fn one_connection_too_many_is_refused_and_the_others_live() {
    const MOST: usize = 4096;
    let limit = Command::new("sh").args(["-c", "ulimit -n"]).output().unwrap().stdout;
    let limit = String::from_utf8(limit).unwrap();
    if limit.trim().parse().is_ok_and(|limit: usize| limit < 2 * MOST) {
        assert!(env::var_os("CI").is_none(), "CI needs ulimit -n {}, not {limit}", 2 * MOST);
        println!("skipped: it takes ulimit -n {} to open that many, not {limit}", 2 * MOST);
        return;
    }
    let (sidecar, _flags) = start().await;
    let client = Client::connect(&sidecar).await;
    assert!(answers(&client).await);
    let mut open = Vec::new();
    for _ in 1..MOST {
        // Subscribed, since whoever is silent is soon gone.
        open.push(Raw::subscribe(sidecar.evaluation()).await);
    }
    let streams = "flagstaff_streams_active{kind=\"event_stream\"}";
    let all = "everybody is in";
    eventually(3 * DEADLINE, all, async || sidecar.metric(streams).await == MOST as f64 - 1.0)
        .await;
    let mut refused = Raw::silent(sidecar.evaluation()).await;
    assert_eq!(refused.rest().await, b"");
    assert!(sidecar.metric("flagstaff_connections_refused_total").await >= 1.0);
    assert!(answers(&client).await);
    // One that leaves makes room for another.
    drop(open.pop());
    let room = "there is room again";
    eventually(DEADLINE, room, async || sidecar.metric(streams).await < MOST as f64 - 1.0).await;
    let mut next = Raw::connect(sidecar.evaluation()).await;
    assert!(next.next().await.is_some());
}
