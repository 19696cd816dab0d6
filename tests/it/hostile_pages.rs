//! Readers of `/metrics` and `/status` who do not read, or who are none of the sidecar's.

use crate::{
    client::Client,
    flags::Flags,
    raw::{END_HEADERS, END_STREAM, Frame, HEADERS, PREFACE, Raw, SETTINGS, header_block},
    sidecar::{DEADLINE, Sidecar, eventually, http_get},
};
use flagstaff::pb::flagd::evaluation::v2::ResolveBooleanResponse;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::timeout,
};

/// So many flags, the metrics of which are about a kilobyte each.
fn flags(count: usize) -> Flags {
    let flag = json!({"state": "ENABLED", "variants": {"on": true, "off": false},
        "defaultVariant": "on", "targeting": {"fractional": [["on", 100]]},
        "metadata": {"owner": "a team with a name of its own"}});
    let flags: BTreeMap<_, Value> =
        (0..count).map(|n| (format!("flag-{n}"), flag.clone())).collect();
    Flags::new(&json!({"flags": flags}))
}

/// A GET over HTTP/2.
fn get(stream: u32, path: &str) -> Vec<u8> {
    let fields =
        [(":method", "GET"), (":scheme", "http"), (":path", path), (":authority", "localhost")];
    let headers = Frame::new(HEADERS, stream, &header_block(&fields));
    Frame { flags: END_HEADERS | END_STREAM, ..headers }.encode()
}

/// A hello that leaves no room for any answer's body.
fn without_window() -> Vec<u8> {
    let settings = Frame::new(SETTINGS, 0, &[0, 4, 0, 0, 0, 0]);
    [PREFACE, &settings.encode()].concat()
}

/// How many connections the sidecar has open on a port, as it sees them.
fn open_on(sidecar: &Sidecar, address: SocketAddr) -> usize {
    let table = std::fs::read_to_string(format!("/proc/{}/net/tcp", sidecar.pid())).unwrap();
    let local = format!(":{:04X}", address.port());
    let established = |line: &&str| {
        let cells: Vec<_> = line.split_whitespace().collect();
        cells.get(1).is_some_and(|cell| cell.ends_with(&local)) && cells.get(3) == Some(&"01")
    };
    table.lines().filter(established).count()
}

#[tokio::test]
async fn pages_that_nobody_reads_are_few_and_their_connections_end() {
    const CONNECTIONS: usize = 200;
    let flags = flags(4000);
    let sidecar = Sidecar::start(&flags).await;
    let address = sidecar.management();
    let page = http_get(address, "/metrics").await.1.len();
    assert!(page > 1 << 20, "{page} bytes");
    assert_eq!(http_get(address, "/status").await.0, 200);
    let before = sidecar.resident();
    let start = Instant::now();
    let mut open = Vec::new();
    for number in 0..CONNECTIONS {
        let mut raw = Raw::silent(address).await;
        if number % 2 == 0 {
            raw.send(&without_window()).await;
            for (stream, path) in [(1, "/metrics"), (3, "/status"), (5, "/metrics"), (7, "/status")]
            {
                raw.send(&get(stream, path)).await;
            }
        } else {
            raw.send(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        }
        open.push(raw);
        if number % 20 == 0 {
            for path in ["/readyz", "/livez"] {
                let asked = Instant::now();
                assert_eq!(http_get(address, path).await.0, 200, "{path}");
                let took = asked.elapsed();
                assert!(took < Duration::from_secs(2), "{path} took {took:?}");
            }
        }
    }
    // Whoever scrapes meanwhile gets a page, or hears soon why not.
    let mut most = 0;
    while start.elapsed() < Duration::from_secs(20) {
        let asked = Instant::now();
        let (code, said) = http_get(address, "/metrics").await;
        match code {
            200 => assert!(said.ends_with('\n') && said.contains("flagstaff_build_info")),
            503 => assert!(said.contains("wait to be read"), "{said}"),
            code => panic!("{code}: {said}"),
        }
        assert!(asked.elapsed() < Duration::from_secs(15), "{:?}", asked.elapsed());
        assert_eq!(http_get(address, "/readyz").await.0, 200);
        most = most.max(sidecar.resident().saturating_sub(before) / 1024);
    }
    println!("{CONNECTIONS} connections that read no page of {page} bytes: {most} MiB more");
    assert!(most <= 64, "{most} MiB");
    // One who got a page and does not read it is gone in the end; nothing is left behind.
    eventually(4 * DEADLINE, "the connections end", async || {
        open_on(&sidecar, address) <= CONNECTIONS / 10
    })
    .await;
    assert!(start.elapsed() >= Duration::from_secs(29), "{:?}", start.elapsed());
    sidecar.wait_for_log(&["WARN", "does not read"]).await;
    assert_eq!(http_get(address, "/metrics").await.0, 200);
    drop(open);
}

/// How often a page says that the first flag was evaluated.
fn counted(page: &str) -> usize {
    let of_flag =
        |line: &&str| line.starts_with("flagstaff_flag_evaluations_total{flag=\"flag-0\"");
    let counts = page.lines().filter(of_flag).map(|line| line.rsplit_once(' ').unwrap().1);
    counts.map(|count| count.parse::<usize>().unwrap()).sum()
}

#[tokio::test]
async fn a_page_in_a_crowd_is_never_older_than_its_request() {
    const READERS: usize = 16;
    const PAGES: usize = 10;
    let flags = flags(300);
    let sidecar = Sidecar::start(&flags).await;
    let (asked, address) = (Arc::new(AtomicUsize::new(0)), sidecar.management());
    let mut readers = JoinSet::new();
    for _ in 0..READERS {
        let (client, asked) = (Client::connect(&sidecar).await, Arc::clone(&asked));
        readers.spawn(async move {
            for _ in 0..PAGES {
                let context = json!({"targetingKey": "unit"});
                client.resolve::<ResolveBooleanResponse>("flag-0", context).await.unwrap();
                let least = asked.fetch_add(1, Ordering::SeqCst) + 1;
                let seen = counted(&http_get(address, "/metrics").await.1);
                assert!(seen >= least, "{seen} of {least} are on the page");
            }
        });
    }
    readers.join_all().await;
    assert_eq!(counted(&http_get(address, "/metrics").await.1), READERS * PAGES);
}

/// The head and the body of what is said to a request of these lines.
async fn said_to(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("{request}\r\nConnection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut said = String::new();
    let read = timeout(DEADLINE, stream.read_to_string(&mut said)).await;
    read.expect("an answer in time").unwrap();
    said
}

#[tokio::test]
async fn a_site_that_calls_itself_by_another_name_reads_nothing_on_loopback() {
    let flags = flags(1);
    let sidecar = Sidecar::start(&flags).await;
    let address = sidecar.management();
    let port = address.port();
    for host in [
        "Host: evil.example".to_owned(),
        format!("Host: evil.example:{port}"),
        "Host: localhost.evil.example".to_owned(),
        "Host: 127.0.0.1.evil.example".to_owned(),
        "Host: notlocalhost".to_owned(),
        format!("Host: localhost:{port}\r\nHost: evil.example"),
    ] {
        for path in ["/status", "/metrics", "/", "/nothing", "/readyz"] {
            let said = said_to(address, &format!("GET {path} HTTP/1.1\r\n{host}")).await;
            assert!(said.starts_with("HTTP/1.1 421 "), "{host}: {said}");
            let (_, help) = said.split_once("\r\n\r\n").unwrap();
            assert!(help.contains("localhost") && help.contains("--management-bind"), "{help}");
        }
    }
    let absolute = "GET http://evil.example/status HTTP/1.1\r\nHost: localhost";
    assert!(said_to(address, absolute).await.starts_with("HTTP/1.1 421 "));
    for host in [
        "Host: localhost",
        "Host: LocalHost:1",
        "Host: localhost.",
        "Host: flags.localhost:8014",
        "Host: 127.0.0.1",
        "Host: [::1]:8014",
        "Host: 10.1.2.3:80",
        "Host:",
        "Accept: */*",
    ] {
        let said = said_to(address, &format!("GET /status HTTP/1.1\r\n{host}")).await;
        assert!(said.starts_with("HTTP/1.1 200 "), "{host}: {said}");
        let head = said.split_once("\r\n\r\n").unwrap().0;
        for header in ["x-content-type-options: nosniff", "cache-control: no-store"] {
            assert!(head.lines().any(|line| line == header), "no {header} in\n{head}");
        }
    }
    assert!(said_to(address, "GET /status HTTP/1.0").await.starts_with("HTTP/1.0 200 "));
    // Whoever opens the port to others decides who may reach it.
    let options = ["--management-bind", "0.0.0.0"];
    let flags = self::flags(1);
    let open = Sidecar::spawn(&flags, &options).await;
    let address = SocketAddr::from(([127, 0, 0, 1], open.management().port()));
    eventually(DEADLINE, "any name will do", async || {
        let said = said_to(address, "GET /status HTTP/1.1\r\nHost: flags.example").await;
        said.starts_with("HTTP/1.1 200 ")
    })
    .await;
}
