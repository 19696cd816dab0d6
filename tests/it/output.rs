//! Standard output that cannot be written: exit code 1 with a message, except for a closed pipe.

use crate::{
    flags::Flags,
    sidecar::{DEADLINE, Sidecar, eventually, flagstaff},
};
use serde_json::json;
use std::{
    fs::File,
    io::pipe,
    path::Path,
    process::{Output, Stdio},
};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/flags.json");

/// Every command that writes to standard output and needs no sidecar.
const COMMANDS: [&[&str]; 14] = [
    &["check", EXAMPLE],
    &["check", EXAMPLE, "--format", "json"],
    &["check", EXAMPLE, "--format", "github"],
    &["check", "--explain", "expired"],
    &["eval", EXAMPLE, "--flag", "enable_new_pricing_page"],
    &["eval", EXAMPLE, "--flag", "enable_new_pricing_page", "--explain"],
    &["export", EXAMPLE],
    &["override", "list", "--overrides", "/", "--address", "127.0.0.1:1"],
    &["--help"],
    &["-h"],
    &["check", "--help"],
    &["help", "override", "set"],
    &["--version"],
    &["serve", "--version"],
];

fn written_to(arguments: &[&str], output: impl Into<Stdio>) -> Output {
    flagstaff().args(arguments).stdout(output).output().unwrap()
}

#[track_caller]
fn assert_reported(arguments: &[&str], output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
    let message = "error: cannot write to standard output: No space left on device";
    assert!(said.contains(message), "{arguments:?}: {said}");
}

fn full() -> File {
    File::options().write(true).open("/dev/full").unwrap()
}

#[test]
fn a_full_device_is_exit_1_with_a_message() {
    for arguments in COMMANDS {
        assert_reported(arguments, &written_to(arguments, full()));
    }
}

#[test]
fn a_closed_pipe_does_not_change_the_exit_code() {
    for arguments in COMMANDS {
        let whole = flagstaff().args(arguments).output().unwrap();
        assert!(!whole.stdout.is_empty(), "{arguments:?} writes nothing");
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let cut = written_to(arguments, writer);
        assert_eq!(cut.status.code(), whole.status.code(), "{arguments:?}");
        assert_eq!(cut.stderr, whole.stderr, "{arguments:?}");
    }
}

#[test]
fn a_wrong_command_line_is_exit_2_wherever_it_is_reported() {
    for arguments in [&["check"][..], &["bogus"], &["eval", EXAMPLE, "--flag"]] {
        let refused = flagstaff().args(arguments).stdout(full()).stderr(full()).status().unwrap();
        assert_eq!(refused.code(), Some(2), "{arguments:?}");
    }
}

#[tokio::test]
async fn commands_that_ask_a_sidecar_report_it_too() {
    let flags = Flags::new(&json!({"flags": {"f": {"state": "ENABLED", "variants": {"on": true},
        "defaultVariant": "on"}}}));
    let overrides = tempfile::tempdir().unwrap();
    let directory = overrides.path().to_str().unwrap();
    let sidecar = Sidecar::start_with(&flags, &["--overrides", directory]).await;
    let address = sidecar.management().to_string();
    let set = ["override", "set", "f", "on", "--for", "1h", "--why", "test"];
    for command in [&["health"][..], &set, &["override", "list"], &["override", "clear", "f"]] {
        let arguments = [command, &["--address", &address]].concat();
        assert_reported(&arguments, &written_to(&arguments, full()));
    }
}

#[tokio::test]
async fn a_server_whose_output_is_full_or_closed_serves() {
    let flags = Flags::new(&json!({"flags": {}}));
    for format in ["text", "json", "auto"] {
        for is_pipe in [false, true] {
            let socket = flags.dir().join("socket");
            let mut command = flagstaff();
            command.args(["serve", "--port", "0", "--management-port", "off", "--log-format"]);
            command.arg(format).arg("--uds").arg(&socket).arg(flags.path());
            if is_pipe {
                let (reader, writer) = pipe().unwrap();
                drop(reader);
                command.stdout(writer.try_clone().unwrap()).stderr(writer);
            } else {
                command.stdout(full()).stderr(full());
            }
            let mut server = command.spawn().unwrap();
            eventually(DEADLINE, "listening", async || accepts(&socket).await).await;
            assert!(server.try_wait().unwrap().is_none(), "{format} ended");
            server.kill().unwrap();
            server.wait().unwrap();
        }
    }
}

async fn accepts(socket: &Path) -> bool {
    tokio::net::UnixStream::connect(socket).await.is_ok()
}
