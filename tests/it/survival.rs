//! What once ended the sidecar, or kept it from starting, and must not again.

use crate::{
    flags::Flags,
    sidecar::{DEADLINE, Sidecar, eventually, flagstaff, http_get},
};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    os::unix::net::UnixListener,
    process::{Child, Stdio},
    time::Instant,
};

fn document(default: &str) -> Value {
    let flag = json!({"state": "ENABLED", "variants": {"a": 1, "b": 2}, "defaultVariant": default});
    json!({"flags": {"flag": flag}})
}

#[tokio::test]
async fn any_address_means_both_families() {
    let flags = Flags::new(&document("a"));
    let evaluation = ["--bind", "any", "--port", "0"];
    let management = ["--management-bind", "any", "--management-port", "0"];
    let options = [evaluation, management].concat();
    let sidecar = Sidecar::start_with(&flags, &options).await;
    let port = sidecar.management().port();
    for address in ["127.0.0.1", "::1"] {
        let address = SocketAddr::new(address.parse().unwrap(), port);
        // A machine without IPv6 has one family only.
        if address.is_ipv4() || has_ipv6() {
            assert_eq!(http_get(address, "/readyz").await.0, 200, "{address}");
        }
    }
}

fn has_ipv6() -> bool {
    std::net::TcpListener::bind("[::1]:0").is_ok()
}

#[tokio::test]
async fn a_closed_standard_error_ends_nothing() {
    let flags = Flags::new(&document("a"));
    let mut command = flagstaff();
    command.arg("serve").arg(flags.path()).args(["--port", "0", "--management-port", "0"]);
    let mut child = Killed(command.stderr(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(child.0.stderr.take().unwrap()).lines().map_while(Result::ok);
    let line = lines.find(|line| line.contains("management") && line.contains("127.0.0.1"));
    let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
    let address = line["fields"]["address"].as_str().unwrap().parse().unwrap();
    drop(lines);
    eventually(DEADLINE, "ready", async || http_get(address, "/readyz").await.0 == 200).await;
    // What it now has to say goes nowhere, and the answers go on.
    for default in ["b", "a", "b"] {
        flags.rename_over(&document(default));
    }
    flags.write_text("no JSON");
    eventually(DEADLINE, "it has seen the bad file", async || {
        let (_, metrics) = http_get(address, "/metrics").await;
        metrics.contains("flagstaff_config_reloads_total{result=\"parse_error\"} 1")
    })
    .await;
    assert_eq!(http_get(address, "/readyz").await.0, 200);
}

/// A process that does not outlive its test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[tokio::test]
async fn a_stopping_sidecar_leaves_its_successors_socket_alone() {
    let flags = Flags::new(&document("a"));
    let mut first = Sidecar::start_with(&flags, &["--drain-delay", "1h"]).await;
    let socket = first.socket().to_owned();
    // A successor in the same place, as after an abrupt restart.
    std::fs::remove_file(&socket).unwrap();
    let _successor = UnixListener::bind(&socket).unwrap();
    first.sigterm();
    first.wait_for_log(&["draining"]).await;
    first.sigterm();
    first.wait_exit(DEADLINE).await;
    assert!(socket.exists());
}

#[tokio::test]
async fn a_socket_whose_owner_is_stuck_is_refused_at_once() {
    let flags = Flags::new(&document("a"));
    let socket = flags.dir().join("stuck.sock");
    let _owner = UnixListener::bind(&socket).unwrap();
    let waiting: Vec<_> = (0..).map_while(|_| queued(&socket)).take(5000).collect();
    assert!(!waiting.is_empty());
    let start = Instant::now();
    let mut command = flagstaff();
    command.arg("serve").arg(flags.path()).arg("--uds").arg(&socket);
    let output = command.args(["--port", "off", "--management-port", "off"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(start.elapsed() < DEADLINE);
    assert!(socket.exists());
}

/// A connection in the queue of a socket; `None` once the queue is full.
fn queued(socket: &std::path::Path) -> Option<socket2::Socket> {
    let client = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
    client.set_nonblocking(true).unwrap();
    client.connect(&socket2::SockAddr::unix(socket).unwrap()).ok().map(|()| client)
}

#[tokio::test]
async fn nothing_is_answered_until_every_file_was_there_once() {
    let flags = Flags::new(&document("a"));
    let upper = flags.dir().join("upper.json");
    let options = [upper.to_str().unwrap()];
    let sidecar = Sidecar::spawn(&flags, &options).await;
    eventually(DEADLINE, "it knows what is missing", async || {
        sidecar.readyz().await.1.contains("upper.json")
    })
    .await;
    assert_eq!(sidecar.metric("flagstaff_config_generation").await, 0.0);
    std::fs::write(&upper, document("b").to_string()).unwrap();
    eventually(DEADLINE, "ready", async || sidecar.readyz().await.0 == 200).await;
    assert_eq!(sidecar.metric("flagstaff_config_generation").await, 1.0);
}
