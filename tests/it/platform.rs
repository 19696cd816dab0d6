//! What a pod is like: one family of addresses, links of Services in the environment, less than one
//! CPU, little memory.

mod memory;
mod networks;

use crate::{
    client::Client,
    flags::Flags,
    sidecar::{DEADLINE, Sidecar, eventually, flagstaff},
};
use flagstaff::pb::flagd::evaluation::v2::ResolveStringResponse;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs,
    process::{Command, id},
    thread,
};

fn flag(default: &str) -> Value {
    json!({"flags": {"a": {"state": "ENABLED", "variants": {"old": "old", "new": "new"},
        "defaultVariant": default}}})
}

async fn ask(client: &Client) -> String {
    let answer: ResolveStringResponse = client.resolve("a", json!({})).await.unwrap();
    answer.value.unwrap()
}

/// Where it says it listens for this service.
fn addresses(sidecar: &Sidecar, service: &str) -> BTreeSet<String> {
    let lines = sidecar.log();
    let lines = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let fields = lines.map(|line| line["fields"].clone()).filter(|fields| {
        fields["message"] == "listening"
            && fields["service"] == service
            && !fields["address"].as_str().unwrap().starts_with("unix:")
    });
    fields.map(|fields| fields["address"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_address_that_is_not_here_and_was_asked_for_is_refused() {
    let flags = Flags::new(&flag("old"));
    let mut command = flagstaff();
    command.arg("serve").arg(flags.path()).args(["--management-port", "off", "--port", "0"]);
    // Kept for documentation: nobody has it.
    let output = command.args(["--bind", "192.0.2.7,127.0.0.1"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("192.0.2.7") && said.contains("--bind"), "{said}");
}

/// The variables that a command reads, as it says itself.
fn variables(command: &[&str]) -> BTreeSet<String> {
    let mut help = flagstaff();
    let output = help.args(command).arg("--help").env("COLUMNS", "500").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let found = help.split("[env: ").skip(1).map(|rest| rest.split(['=', ']']).next().unwrap());
    found.map(str::to_owned).collect()
}

#[test]
fn a_link_of_a_service_can_only_meet_a_port_of_serve() {
    // For a Service, Kubernetes sets NAME_PORT, NAME_SERVICE_HOST, NAME_SERVICE_PORT,
    // NAME_SERVICE_PORT_HTTP, NAME_PORT_80_TCP, NAME_PORT_80_TCP_ADDR and so on.
    let is_link = |name: &String| {
        name.ends_with("_PORT") || ["_SERVICE_", "_PORT_"].iter().any(|part| name.contains(part))
    };
    let met: Vec<_> = variables(&["serve"]).into_iter().filter(is_link).collect();
    let ports = ["MANAGEMENT_PORT", "OFREP_PORT", "PORT", "SYNC_PORT"];
    assert_eq!(met, ports.map(|port| format!("FLAGSTAFF_{port}")));
    for command in [&["eval"][..], &["check"], &["health"], &["override", "set"]] {
        let met: Vec<_> = variables(command).into_iter().filter(is_link).collect();
        assert_eq!(met, Vec::<String>::new(), "{command:?}");
    }
}

#[tokio::test]
async fn links_of_services_are_ignored_with_a_warning() {
    let flags = Flags::new(&json!({"flags": {}}));
    // The default ports follow, so on an address of its own: all of 127.0.0.0/8 is this machine.
    let [_, _, high, low] = id().to_be_bytes();
    let bind = format!("127.77.{high}.{low}");
    let options = ["--bind", &bind, "--management-bind", &bind];
    // As for Services of these names, in both families and all protocols.
    let sidecar = Sidecar::launch_in(&flags, &options, |command| {
        for (variable, link) in [
            ("FLAGSTAFF_PORT", "tcp://10.0.0.1:8013"),
            ("FLAGSTAFF_MANAGEMENT_PORT", "tcp://[fd00::1]:8014"),
            ("FLAGSTAFF_SYNC_PORT", "udp://10.0.0.2:8015"),
            ("FLAGSTAFF_OFREP_PORT", "sctp://10.0.0.3:8016"),
            ("FLAGSTAFF_PORT_8013_TCP_ADDR", "10.0.0.1"),
            ("FLAGSTAFF_SERVICE_HOST", "10.0.0.1"),
            ("FLAGSTAFF_SERVICE_PORT", "8013"),
        ] {
            command.env(variable, link);
        }
        command
    });
    for port in ["--port", "--management-port", "--sync-port", "--ofrep-port"] {
        sidecar.wait_for_log(&["WARN", &format!("\"{port}\""), "service link"]).await;
    }
    eventually(DEADLINE, "ready", async || sidecar.listens() && sidecar.readyz().await.0 == 200)
        .await;
    assert_eq!(addresses(&sidecar, "evaluation"), [format!("{bind}:8013")].into());
    assert_eq!(addresses(&sidecar, "management"), [format!("{bind}:8014")].into());
}

/// How many threads it has for answering.
fn workers(sidecar: &Sidecar) -> usize {
    let tasks = fs::read_dir(format!("/proc/{}/task", sidecar.pid())).unwrap();
    let names = tasks.map(|task| fs::read_to_string(task.unwrap().path().join("comm")).unwrap());
    names.filter(|name| name.starts_with("worker-")).count()
}

#[tokio::test]
async fn on_one_cpu_there_is_one_thread_for_everything() {
    let flags = Flags::new(&flag("old"));
    let one = Sidecar::start_in(&flags, &[], |command| {
        let mut pinned = Command::new("taskset");
        pinned.env_clear().env("PATH", "/usr/bin:/bin").args(["-c", "0"]);
        pinned.arg(command.get_program()).args(command.get_args());
        *command = pinned;
        command
    })
    .await;
    assert_eq!(workers(&one), 0);
    assert_eq!(ask(&Client::connect(&one).await).await, "old");
    let cpus = thread::available_parallelism().unwrap().get();
    let flags = Flags::new(&flag("old"));
    let expected = if cpus > 1 { 2 } else { 0 };
    assert_eq!(workers(&Sidecar::start(&flags).await), expected, "on {cpus} CPUs");
}
