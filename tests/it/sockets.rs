//! The Unix socket's file: made again if it is deleted, and never taken from another process.

use crate::{
    client::Client,
    flags::Flags,
    sidecar::{DEADLINE, Sidecar, eventually},
};
use flagstaff::pb::flagd::evaluation::v2::ResolveBooleanResponse;
use serde_json::json;
use std::{fs, os::unix::fs::PermissionsExt, os::unix::net::UnixListener, time::Duration};

fn flags() -> Flags {
    Flags::new(&json!({"flags": {"a":
        {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on"}}}))
}

async fn answers(client: &Client) -> bool {
    let answer = client.resolve::<ResolveBooleanResponse>("a", json!({})).await;
    answer.is_ok_and(|answer| answer.value == Some(true))
}

#[tokio::test]
async fn a_deleted_socket_is_made_again_and_logged() {
    let flags = flags();
    let sidecar = Sidecar::start_with(&flags, &["--uds-mode", "0600"]).await;
    let before = Client::connect_unix(&sidecar, 65_535).await;
    assert!(answers(&before).await);
    for time in 1..=2 {
        fs::remove_file(sidecar.socket()).unwrap();
        eventually(DEADLINE, "the socket is there", async || {
            tokio::net::UnixStream::connect(sidecar.socket()).await.is_ok()
        })
        .await;
        assert!(answers(&Client::connect_unix(&sidecar, 65_535).await).await);
        assert!(answers(&before).await, "a connection of before goes on");
        let mode = fs::metadata(sidecar.socket()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        eventually(DEADLINE, "it is logged", async || {
            sidecar.log().iter().filter(|line| line.contains("is made again")).count() == time
        })
        .await;
    }
    let mut sidecar = sidecar;
    sidecar.sigterm();
    assert!(sidecar.wait_exit(DEADLINE).await.success());
    assert!(!sidecar.socket().exists(), "it is removed at the end");
}

#[tokio::test]
async fn a_socket_that_another_process_took_is_left_to_it_until_it_goes() {
    let flags = flags();
    let mut sidecar = Sidecar::start(&flags).await;
    let path = sidecar.socket().to_owned();
    let (aside, held) = (flags.dir().join("aside"), flags.dir().join("held"));
    let other = UnixListener::bind(&aside).unwrap();
    fs::rename(&aside, &path).unwrap();
    sidecar.wait_for_log(&["WARN", "another file has taken the place", "--uds"]).await;
    // The socket is looked at once a second, and a look that changes nothing leaves no trace: two more
    // of them take this time.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    std::os::unix::net::UnixStream::connect(&path).unwrap();
    other.set_nonblocking(true).unwrap();
    assert!(other.accept().is_ok(), "it is still the other's");
    let warned = |line: &&String| line.contains("another file has taken the place");
    assert_eq!(sidecar.log().iter().filter(warned).count(), 1);
    // The other goes.
    fs::rename(&path, &held).unwrap();
    eventually(DEADLINE, "ours again", async || {
        tokio::net::UnixStream::connect(&path).await.is_ok()
    })
    .await;
    assert!(answers(&Client::connect_unix(&sidecar, 65_535).await).await);
    fs::rename(&held, &path).unwrap();
    sidecar.sigterm();
    assert!(sidecar.wait_exit(DEADLINE).await.success());
    assert!(path.exists(), "the other's socket is not removed at the end");
}
