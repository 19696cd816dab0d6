//! Whoever reads the log, or does not: the sidecar waits for nobody.

use crate::{
    client::Client,
    flags::Flags,
    sidecar::{DEADLINE, Sidecar, eventually, flagstaff, http_get},
};
use flagstaff::pb::flagd::evaluation::v2::ResolveBooleanResponse;
use serde_json::{Value, json};
use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

/// A sidecar whose log nobody reads: its pipe holds 64 KiB.
struct Unread {
    child: Child,
    management: SocketAddr,
}

impl Drop for Unread {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Unread {
    fn start(flags: &Flags) -> Self {
        Self::start_with(flags, Stdio::piped())
    }

    fn start_with(flags: &Flags, log: Stdio) -> Self {
        // Nobody tells which port it is, so one is chosen that was free a moment ago.
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let management = free.local_addr().unwrap();
        drop(free);
        let mut command = flagstaff();
        command.arg("serve").arg(flags.path()).args(["--port", "0", "--poll-interval", "10m"]);
        command.args(["--management-bind", "127.0.0.1", "--management-port"]);
        let command = command.arg(management.port().to_string()).stderr(log);
        Self { child: command.spawn().unwrap(), management }
    }

    async fn status(&self) -> Option<Value> {
        tokio::net::TcpStream::connect(self.management).await.ok()?;
        serde_json::from_str(&http_get(self.management, "/status").await.1).ok()
    }

    fn sigterm(&self) {
        let kill = format!("kill -TERM {}", self.child.id());
        assert!(std::process::Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }
}

/// A file that is good for a log line of some kilobytes.
fn noisy(number: usize) -> Value {
    let unknown = (0..100).map(|at| (format!("note-{number}-{at}"), json!(1)));
    let mut file: Value = unknown.collect::<serde_json::Map<_, _>>().into();
    file["flags"] =
        json!({"a": {"state": "ENABLED", "variants": {"now": number}, "defaultVariant": "now"}});
    file
}

#[tokio::test]
async fn a_reader_who_stalls_stops_neither_reloads_nor_the_end() {
    let flags = Flags::new(&noisy(0));
    let mut sidecar = Unread::start(&flags);
    let generation = async || Some(sidecar.status().await?["generation"].as_u64()?);
    eventually(DEADLINE, "ready", async || generation().await == Some(1)).await;
    for number in 1..=60 {
        flags.rename_over(&noisy(number));
        let next = number as u64 + 1;
        eventually(DEADLINE, "the reload", async || generation().await == Some(next)).await;
    }
    sidecar.sigterm();
    let start = Instant::now();
    let mut status = None;
    eventually(Duration::from_secs(5), "the exit", async || {
        status = sidecar.child.try_wait().unwrap();
        status.is_some()
    })
    .await;
    assert!(status.unwrap().success());
    println!("60 reloads and an exit in {:.1?} with a log that nobody reads", start.elapsed());
}

#[tokio::test]
async fn lines_that_a_full_disk_loses_are_counted() {
    let flags = Flags::new(&noisy(0));
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let sidecar = Unread::start_with(&flags, full.into());
    let lost = async || {
        tokio::net::TcpStream::connect(sidecar.management).await.ok()?;
        let page = http_get(sidecar.management, "/metrics").await.1;
        let line = page.lines().find(|line| line.starts_with("flagstaff_log_lines_dropped_total "));
        line?.rsplit_once(' ')?.1.parse::<f64>().ok()
    };
    eventually(DEADLINE, "what was said at the start", async || {
        lost().await.is_some_and(|lost| lost >= 3.0)
    })
    .await;
    let before = lost().await.unwrap();
    flags.rename_over(&noisy(1));
    eventually(DEADLINE, "what is said of a change", async || {
        lost().await.is_some_and(|lost| lost > before)
    })
    .await;
}

#[tokio::test]
async fn sighup_means_to_look_again() {
    let flags = Flags::new(&noisy(0));
    let options = ["--watch", "poll"];
    let sidecar = Sidecar::start_with(&flags, &options).await;
    flags.rename_over(&noisy(1));
    let kill = format!("kill -HUP {}", sidecar.pid());
    assert!(std::process::Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    eventually(DEADLINE, "the reload", async || {
        sidecar.metric("flagstaff_config_generation").await == 2.0
    })
    .await;
    sidecar.wait_for_log(&["SIGHUP"]).await;
}

#[tokio::test]
async fn a_name_on_a_terminal_neither_begins_a_line_nor_steers() {
    const NAME: &str = "k\nERROR forged\r\u{1b}[31m\u{9b}2J\u{7f}";
    let flag = json!({"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on"});
    let flags = Flags::new(&json!({"flags": {"a": flag}}));
    let sidecar = Sidecar::launch(&flags, &["--log-format", "text"]);
    sidecar.wait_for_log(&["evaluation  ", "unix:"]).await;
    let client = Client::connect_unix(&sidecar, 65_535).await;
    client.failure::<ResolveBooleanResponse>(&format!("asked {NAME}"), json!({})).await;
    sidecar.wait_for_log(&["nobody defined", "asked k\\nERROR forged\\r\\u{1b}[31m"]).await;
    flags.rename_over(&json!({"flags": {"a": flag, NAME: flag, format!("broken {NAME}"): 1}}));
    sidecar.wait_for_log(&["generation 2", "k\\nERROR forged\\r", "[31m", "2J"]).await;
    sidecar.wait_for_log(&["broken k\\nERROR"]).await;
    for line in sidecar.log() {
        assert!(!line.starts_with("ERROR forged"), "{line:?}");
        assert!(!line.contains(char::is_control), "{line:?}");
    }
}
