//! A wall clock that stands before 1970 or after 9999: no connection is reset over it.
//!
//! A library that is loaded before the C library moves the clock of the process.

use crate::{
    client::Client,
    flags::Flags,
    sidecar::{DEADLINE, Sidecar, eventually, flagstaff, http_get, run},
};
use flagstaff::pb::flagd::evaluation::v2::ResolveStringResponse;
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Adds seconds to the wall clock, and leaves the other clocks alone.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = syscall(SYS_clock_gettime, clock, now);
    const char *moved = getenv("CLOCK_MOVED_BY");
    if (!failed && clock == CLOCK_REALTIME && moved) now->tv_sec += atoll(moved);
    return failed;
}
"#;

/// What moves the clock of a program, compiled beside the flags.
fn shim(directory: &Path) -> PathBuf {
    let (source, library) = (directory.join("clock.c"), directory.join("clock.so"));
    fs::write(&source, SHIM).unwrap();
    let mut compile = Command::new("cc");
    compile.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source);
    assert!(compile.status().expect("the C compiler that links Rust").success());
    library
}

const DAY: i64 = 86_400;

#[tokio::test]
async fn a_clock_far_away_resets_no_connection_and_stops_no_answer() {
    // To 1916, to 1969, and to the year 10 026.
    for (moved_by, is_before_2000) in
        [(-40_150 * DAY, true), (-20_800 * DAY, true), (8_000 * 365 * DAY, false)]
    {
        let flag = json!({"state": "ENABLED", "variants": {"old": "old", "new": "new"},
            "defaultVariant": "old", "targeting":
            {"if": [{"<": [{"var": "$flagd.timestamp"}, 946_684_800]}, "old", "new"]}});
        let flags = Flags::new(&json!({"flags": {"a": flag}}));
        let (library, dir) = (shim(flags.dir()), flags.dir().join("overrides"));
        let moved = moved_by.to_string();
        let mut command = flagstaff();
        let socket = flags.dir().join("socket");
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        command
            .env("LD_PRELOAD", &library)
            .env("CLOCK_MOVED_BY", &moved)
            .args(["serve", "--port", "0", "--management-bind", "127.0.0.1", "--management-port"])
            .arg(port.port().to_string())
            .arg("--uds")
            .arg(&socket)
            .arg("--overrides")
            .arg(&dir)
            .arg(flags.path());
        let sidecar = Sidecar::of(command, socket);
        eventually(DEADLINE, "ready", async || match tokio::net::TcpStream::connect(port).await {
            Ok(_) => http_get(port, "/readyz").await.0 == 200,
            Err(_) => false,
        })
        .await;
        let client = Client::connect_unix(&sidecar, 65_535).await;
        let value = async || {
            let answer: ResolveStringResponse = client.resolve("a", json!({})).await.unwrap();
            answer.value.unwrap()
        };
        assert_eq!(value().await, if is_before_2000 { "old" } else { "new" }, "{moved_by}");
        // A change, so that there are times to write.
        let mut changed = flag.clone();
        changed["targeting"] = Value::Null;
        flags.rename_over(&json!({"flags": {"a": changed}}));
        let bound = if is_before_2000 { "1970-01-01T00:00:00Z" } else { "9999-12-31T23:59:59Z" };
        eventually(DEADLINE, "the change at the nearest time", async || {
            let status = http_get(port, "/status").await.1;
            let status: Value = serde_json::from_str(&status).unwrap();
            status["flags"]["a"]["changed"] == bound
        })
        .await;
        assert_eq!(value().await, "old", "{moved_by}");
        for path in ["/status", "/metrics", "/readyz", "/livez", "/"] {
            let (status, body) = http_get(port, path).await;
            assert_eq!(status, 200, "{moved_by} {path}: {body}");
        }
        // An override needs an end that can be written.
        let mut set = flagstaff();
        set.env("LD_PRELOAD", &library).env("CLOCK_MOVED_BY", &moved);
        set.args(["override", "set", "a", "new", "--for", "1h", "--why", "x", "--address"]);
        let (code, out, err) = run(set.arg(port.to_string()));
        assert!(matches!(code, Some(0 | 1)), "{code:?} {out}{err}");
        assert!(!err.contains("panicked"), "{err}");
        let log = sidecar.log().join("\n");
        assert!(!log.contains("panicked"), "{log}");
    }
}
