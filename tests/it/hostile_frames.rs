//! Floods and garbage: while they go on others are answered, and they leave nothing behind.

use crate::{
    client::Client,
    flags::Flags,
    raw::{
        CONTINUATION, DATA, END_HEADERS, END_STREAM, Frame, HEADERS, PING, PREFACE, RST_STREAM,
        Raw, SETTINGS, WINDOW_UPDATE, begin, call, event_stream, grpc_headers, header_block,
        prefixed,
    },
    sidecar::{DEADLINE, Sidecar, eventually},
};
use flagstaff::pb::flagd::evaluation::v2::ResolveBooleanResponse;
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::time::{interval, timeout};

const BOOLEAN: &str = "/flagd.evaluation.v2.Service/ResolveBoolean";

fn settings(of: &[u8]) -> Vec<u8> {
    Frame::new(SETTINGS, 0, of).encode()
}

fn reset(stream: u32) -> Vec<u8> {
    Frame::new(RST_STREAM, stream, &8_u32.to_be_bytes()).encode()
}

/// The same for many streams.
fn on_streams(count: u32, each: impl Fn(u32) -> Vec<u8>) -> Vec<u8> {
    (0..count).flat_map(|n| each(2 * n + 1)).collect()
}

/// Bytes without sense, the same in each run.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

/// What each attack says after its hello, or instead of one.
fn attacks() -> Vec<(&'static str, Vec<u8>)> {
    let hello = [PREFACE, &settings(&[])].concat();
    let asking = prefixed(b"\x0a\x01a");
    let asked = |stream| call(stream, BOOLEAN, &asking);
    let with_body = |body: &[u8]| on_streams(200, |stream| call(stream, BOOLEAN, body));
    let endless_headers = |continuation: &[u8], count: usize| {
        let first = Frame::new(HEADERS, 1, &grpc_headers(BOOLEAN)).encode();
        [first, Frame::new(CONTINUATION, 1, continuation).encode().repeat(count)].concat()
    };
    let huge = header_block(&[("x-long", &"x".repeat(120))]).repeat(125);
    let plain = |bytes: &[u8]| bytes.to_vec();
    let after_hello: Vec<(&'static str, Vec<u8>)> = vec![
        ("opened and reset", on_streams(1000, |s| [begin(s, BOOLEAN), reset(s)].concat())),
        ("asked and reset", on_streams(1000, |s| [asked(s), reset(s)].concat())),
        ("subscribed and reset", on_streams(1000, |s| [event_stream(s), reset(s)].concat())),
        ("settings", settings(&[]).repeat(5000)),
        ("settings of every kind", settings(&[0, 1, 0, 0, 16, 0, 0, 5, 0, 0, 64, 0]).repeat(5000)),
        ("pings", Frame::new(PING, 0, b"12345678").encode().repeat(5000)),
        ("empty continuations", endless_headers(b"", 5000)),
        ("long continuations", endless_headers(&huge[..16_000], 40)),
        (
            "huge header lists",
            on_streams(20, |stream| {
                let headers = Frame::new(HEADERS, stream, &grpc_headers(BOOLEAN)).encode();
                let more = Frame::new(CONTINUATION, stream, &huge[..128 * 120]).encode().repeat(4);
                let end = Frame { flags: END_HEADERS, ..Frame::new(CONTINUATION, stream, &[]) };
                [headers, more, end.encode()].concat()
            }),
        ),
        (
            "empty data",
            [begin(1, BOOLEAN), Frame::new(DATA, 1, b"").encode().repeat(5000)].concat(),
        ),
        (
            "data in single bytes",
            [begin(1, BOOLEAN), Frame::new(DATA, 1, b"\0").encode().repeat(5000)].concat(),
        ),
        (
            "data for closed streams",
            on_streams(50, |s| {
                let late = Frame { flags: END_STREAM, ..Frame::new(DATA, s, &[0; 100]) };
                [asked(s), reset(s), late.encode().repeat(10)].concat()
            }),
        ),
        (
            "windows",
            [begin(1, BOOLEAN), Frame::new(WINDOW_UPDATE, 1, &[0, 0, 0, 1]).encode().repeat(5000)]
                .concat(),
        ),
        ("priorities", Frame::new(2, 1, &[0, 0, 0, 3, 0]).encode().repeat(5000)),
        ("no window at all", [settings(&[0, 4, 0, 0, 0, 0]), on_streams(1000, asked)].concat()),
        ("more streams than allowed", on_streams(3000, event_stream)),
        ("a prefix that promises more", with_body(&[0, 0, 0, 0, 9])),
        ("two messages", with_body(&[&asking[..], &asking].concat())),
        ("compressed", with_body(&[1, 0, 0, 0, 1, 0])),
        ("endless promises", with_body(&[0, 0xff, 0xff, 0xff, 0xff])),
        ("bodies without sense", with_body(&prefixed(&noise(500)))),
        ("frames without sense", noise(50_000)),
        ("unknown frames", Frame::new(0xee, 1, &[7; 1000]).encode().repeat(100)),
    ];
    let instead: Vec<(&'static str, Vec<u8>)> = vec![
        ("nothing", Vec::new()),
        ("noise", noise(50_000)),
        ("half a frame", [&hello[..], &[0, 0, 8, 6]].concat()),
        (
            "HTTP/1.1 without end",
            plain(b"GET / HTTP/1.1\r\nHost: x\r\nX: ")
                .into_iter()
                .chain(vec![b'x'; 200_000])
                .collect(),
        ),
        (
            "HTTP/1.1 headers in thousands",
            [plain(b"GET / HTTP/1.1\r\n"), b"a: b\r\n".repeat(20_000)].concat(),
        ),
        ("HTTP/1.1 pipelined", b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1000)),
        (
            "HTTP/1.1 chunks",
            [
                plain(b"POST /nothing HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"),
                b"1\r\nx\r\n".repeat(20_000),
            ]
            .concat(),
        ),
        ("lines without sense", b"\r\n\0\xff \r\n".repeat(5000)),
    ];
    let after_hello =
        after_hello.into_iter().map(|(name, said)| (name, [&hello[..], &said].concat()));
    after_hello.chain(instead).collect()
}

/// One run of one attack: it talks, listens for a moment and is gone.
async fn attack(sidecar: &Sidecar, said: &[u8]) {
    let mut raw = Raw::silent(sidecar.evaluation()).await;
    raw.offer(said).await;
    timeout(Duration::from_millis(20), async { while raw.next().await.is_some() {} }).await.ok();
    drop(raw);
    // One after the other: what they hold at once would depend on how they meet.
    eventually(DEADLINE, "it is gone", async || {
        sidecar.metric("flagstaff_connections_active").await == 1.0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_and_garbage_harm_nobody_else_and_leave_nothing_behind() {
    const ROUNDS: usize = 30;
    let flags = Flags::new(&json!({"flags": {"a":
        {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on"}}}));
    // One heap: several grow in steps of their own, which would hide what is kept.
    let sidecar = Sidecar::launch_in(&flags, &[], |command| command.env("MALLOC_ARENA_MAX", "1"));
    let ready = async || sidecar.listens() && sidecar.readyz().await.0 == 200;
    eventually(DEADLINE, "ready", ready).await;
    let client = Client::connect(&sidecar).await;
    let attacks = attacks();
    let everything = async {
        let mut resident = Vec::new();
        for _ in 0..ROUNDS {
            for (_, said) in &attacks {
                attack(&sidecar, said).await;
            }
            resident.push(sidecar.resident());
        }
        resident
    };
    // Meanwhile somebody asks, every few milliseconds.
    let mut took = Vec::new();
    let asking = async {
        let mut ticks = interval(Duration::from_millis(5));
        loop {
            ticks.tick().await;
            let start = Instant::now();
            let answer: ResolveBooleanResponse = client.resolve("a", json!({})).await.unwrap();
            assert_eq!(answer.value, Some(true));
            took.push(start.elapsed());
        }
    };
    let resident = tokio::select! {
        resident = everything => resident,
        () = asking => unreachable!("it asks until the others are done"),
    };
    took.sort();
    let (median, slow) = (took[took.len() / 2], took[took.len() * 99 / 100]);
    println!(
        "{} attacks, {ROUNDS} rounds: {} calls meanwhile, median {median:.1?}, 99 % within {slow:.1?}; \
         memory after each round {resident:?} KiB",
        attacks.len(),
        took.len(),
    );
    assert!(took.len() > 100);
    assert!(slow < Duration::from_millis(250), "{slow:?}");
    // The most of each half: in between, the allocator gives back and takes again.
    let (first, second) = resident.split_at(ROUNDS / 2);
    let grown = second.iter().max().unwrap().saturating_sub(*first.iter().max().unwrap());
    assert!(grown <= 1024, "{grown} KiB in the second half");
    assert_eq!(sidecar.metric("flagstaff_streams_active{kind=\"event_stream\"}").await, 0.0);
}

#[tokio::test]
async fn who_opens_and_resets_in_a_loop_loses_the_connection() {
    let flags = Flags::new(&json!({"flags": {}}));
    let sidecar = Sidecar::start(&flags).await;
    let mut raw = Raw::connect(sidecar.evaluation()).await;
    raw.offer(&on_streams(1000, |s| [begin(s, BOOLEAN), reset(s)].concat())).await;
    let rest = raw.rest().await;
    // GOAWAY with ENHANCE_YOUR_CALM (11), unless the reset of the connection overtook it.
    let told = rest.windows(4).any(|bytes| bytes == [0, 0, 0, 11]);
    println!("told to calm down: {told}");
}
