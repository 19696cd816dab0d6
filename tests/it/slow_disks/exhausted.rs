//! No file descriptor is left: it is reported, and changes are served as soon as there is one.

use super::{expect, file};
use crate::{
    client::Client,
    flags::Flags,
    sidecar::{DEADLINE, Sidecar, eventually},
};
use std::process::Command;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Sets the soft limit of open files of a running process.
fn limit(sidecar: &Sidecar, files: &str) {
    let mut command = Command::new("prlimit");
    command.arg(format!("--nofile={files}")).args(["--pid", &sidecar.pid().to_string()]);
    assert!(command.status().expect("prlimit, of util-linux").success());
}

/// Reads a gauge over a connection that was opened while there were descriptors.
async fn gauge(stream: &mut TcpStream, name: &str) -> String {
    let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let (mut text, mut bytes) = (String::new(), vec![0; 65_536]);
    let line = |text: &str| {
        let mut lines = text.lines().filter(|line| line.ends_with(|c: char| c.is_ascii_digit()));
        lines.find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned())
    };
    // The last family of the page ends the answer.
    while !text.contains("\r\n0\r\n\r\n") && !is_whole(&text) {
        let read = stream.read(&mut bytes).await.unwrap();
        assert!(read > 0, "{text}");
        text.push_str(&String::from_utf8_lossy(&bytes[..read]));
    }
    line(&text).unwrap_or_else(|| panic!("no {name} in {text}"))
}

/// Whether a reply has as many bytes as its head says.
fn is_whole(text: &str) -> bool {
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().unwrap())
    });
    length.is_some_and(|length| body.len() >= length)
}

#[tokio::test]
async fn a_change_without_a_descriptor_is_reported_and_served_once_there_is_one() {
    const GOOD: &str = "flagstaff_config_last_reload_successful";
    let flags = Flags::new(&file("f", "a"));
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    expect(&client, "f", "a").await;
    let mut stream = TcpStream::connect(sidecar.management()).await.unwrap();
    assert_eq!(gauge(&mut stream, GOOD).await, "1");
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", sidecar.pid())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let before = line.split_whitespace().nth(3).unwrap();
    limit(&sidecar, "3:");
    flags.rename_over(&file("f", "b"));
    sidecar.wait_for_log(&["WARN", "flags.json", "raise the limit (ulimit -n)"]).await;
    eventually(DEADLINE, "it can be alerted on", async || gauge(&mut stream, GOOD).await == "0")
        .await;
    expect(&client, "f", "a").await;
    limit(&sidecar, &format!("{before}:"));
    // Without an event or a poll.
    let took = expect(&client, "f", "b").await;
    println!("served {took:.1?} after descriptors are there again");
    eventually(DEADLINE, "all is good", async || gauge(&mut stream, GOOD).await == "1").await;
}
