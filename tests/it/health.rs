//! `flagstaff health`: what a probe in an image without curl goes by.

use crate::{
    flags::Flags,
    sidecar::{DEADLINE, Sidecar, eventually, flagstaff},
};
use serde_json::json;
use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

/// Asks for health, and returns the exit code and all that is said.
fn health(address: &str) -> (Option<i32>, String) {
    let output = flagstaff().args(["health", "--address", address]).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

#[tokio::test]
async fn it_is_0_when_ready_and_1_with_the_reason_until_then() {
    let flags = Flags::absent();
    let sidecar = Sidecar::spawn(&flags, &[]).await;
    let address = sidecar.management().to_string();
    // Its reason is one line that names the file.
    let (code, said) = health(&address);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.starts_with("not ready: ") && said.trim_end().lines().count() == 1, "{said}");
    flags.write_in_place(&json!({"flags": {}}));
    sidecar.wait_for_log(&["flags applied"]).await;
    eventually(DEADLINE, "ready", async || health(&address) == (Some(0), "ready\n".to_owned()))
        .await;
    assert_eq!(health(&format!("http://{address}/")).0, Some(0));
    let by_environment = flagstaff().arg("health").env("FLAGSTAFF_MANAGEMENT", &address).output();
    assert_eq!(by_environment.unwrap().status.code(), Some(0));
}

#[test]
fn it_is_1_and_names_the_address_when_nothing_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    // The kernel takes the connection, and nobody answers.
    let start = Instant::now();
    let (code, said) = health(&address);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&format!("no answer from {address} within 2s")), "{said}");
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    drop(listener);
    let (code, said) = health(&address);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&format!("no sidecar answers on {address}")), "{said}");
    assert!(said.contains("--address") && said.contains("refused"), "{said}");
}

#[tokio::test]
async fn it_is_1_on_a_port_of_another_kind() {
    let sidecar = Sidecar::start(&Flags::new(&json!({"flags": {}}))).await;
    let (code, said) = health(&sidecar.evaluation().to_string());
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("management port"), "{said}");
}

#[test]
fn it_is_2_when_asked_wrongly() {
    for address in ["", "8014", "https://localhost:8014", "localhost:http"] {
        let (code, said) = health(address);
        assert_eq!(code, Some(2), "{address}: {said}");
        assert!(said.contains("--address"), "{address}: {said}");
    }
}
