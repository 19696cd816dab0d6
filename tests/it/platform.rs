//! What a pod is like: one family of addresses, links of Services in the environment, less than one
//! CPU, little memory.

use crate::{
    client::{Client, Events},
    flags::Flags,
    image::static_binary,
    sidecar::{DEADLINE, Sidecar, eventually, flagstaff},
};
use flagstaff::pb::flagd::evaluation::v2::{ResolveBooleanResponse, ResolveStringResponse};
use hyper_util::rt::TokioIo;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    fs::{self, File},
    io,
    net::{SocketAddr, TcpStream},
    os::fd::AsFd,
    process::{Command, id},
    thread,
};
use tonic::transport::Endpoint;
use tower::service_fn;

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

/// Whether a network can be made here; CI must be able to.
fn networks_work() -> bool {
    let made = Command::new("unshare").args(["-n", "ip", "link", "set", "lo", "up"]).output();
    let works = made.is_ok_and(|output| output.status.success());
    let advice = "making a network takes root, unshare (util-linux) and ip (iproute2)";
    assert!(works || env::var_os("CI").is_none(), "{advice}");
    if !works {
        println!("skipped: {advice}");
    }
    works
}

/// Runs the command in a network of its own, made by lines of shell.
fn in_a_network<'a>(command: &'a mut Command, shell: &str) -> &'a mut Command {
    let mut wrapped = Command::new("unshare");
    let shell = format!("set -e\nip link set lo up\n{shell}\nexec \"$@\"");
    wrapped.env_clear().args(["-n", "--", "sh", "-c", &shell, "sh"]);
    wrapped.arg(command.get_program()).args(command.get_args());
    wrapped.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    *command = wrapped;
    command
}

/// As in a pod of a cluster without IPv6. The second address is the pod's.
fn v4_only(command: &mut Command) -> &mut Command {
    let all = "/proc/sys/net/ipv6/conf/all/disable_ipv6";
    in_a_network(command, &format!("ip addr add 10.77.0.7/32 dev lo\necho 1 > {all}"))
}

/// As in a pod of a cluster without IPv4, at its strictest: not even 127.0.0.1 is there.
fn v6_only(command: &mut Command) -> &mut Command {
    let pod = "ip addr add fd77::7/128 dev lo nodad";
    in_a_network(command, &format!("ip addr del 127.0.0.1/8 dev lo\n{pod}"))
}

/// Connects in the network of a process.
fn connect_in(process: u32, address: SocketAddr) -> io::Result<TcpStream> {
    let connect = move || {
        let network = File::open(format!("/proc/{process}/ns/net"))?;
        move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))?;
        let stream = TcpStream::connect(address)?;
        stream.set_nonblocking(true)?;
        Ok(stream)
    };
    // A thread changes its network for good.
    thread::spawn(connect).join().unwrap()
}

/// A client in the network of the sidecar.
async fn client_in(sidecar: &Sidecar, address: &str) -> Client {
    let (process, address) = (sidecar.pid(), address.parse().unwrap());
    let connector = service_fn(move |()| async move {
        let stream = tokio::net::TcpStream::from_std(connect_in(process, address)?)?;
        io::Result::Ok(TokioIo::new(stream))
    });
    let connector = tower::ServiceExt::<()>::map_request(connector, |_uri: http::Uri| ());
    let endpoint = Endpoint::from_static("http://localhost");
    Client::over(endpoint.connect_with_connector(connector).await.unwrap())
}

/// Runs `flagstaff health` in the network of the sidecar.
fn is_healthy(sidecar: &Sidecar) -> bool {
    let net = format!("--net=/proc/{}/ns/net", sidecar.pid());
    let mut health = Command::new("nsenter");
    health.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").arg(net);
    health.args([env!("CARGO_BIN_EXE_flagstaff"), "health"]).output().unwrap().status.success()
}

/// What both options have without being given.
const LOOPBACK: &str = "127.0.0.1,::1";

/// A network, how a sidecar is started in it, and where it is to listen.
struct Case {
    network: fn(&mut Command) -> &mut Command,
    management: &'static str,
    evaluated: &'static [&'static str],
    managed: &'static [&'static str],
    /// Where a kubelet or a scrape would come, if it may.
    pod: Option<&'static str>,
}

#[tokio::test]
async fn a_network_with_one_family_is_enough() {
    if !networks_work() {
        return;
    }
    for case in [
        Case {
            network: v4_only,
            management: LOOPBACK,
            evaluated: &["127.0.0.1:8013"],
            managed: &["127.0.0.1:8014"],
            pod: None,
        },
        Case {
            network: v4_only,
            management: "any",
            evaluated: &["127.0.0.1:8013"],
            // The wildcard of a family can be bound even where the family has no address.
            managed: &["0.0.0.0:8014", "[::]:8014"],
            pod: Some("10.77.0.7:8014"),
        },
        Case {
            network: v6_only,
            management: LOOPBACK,
            evaluated: &["[::1]:8013"],
            managed: &["[::1]:8014"],
            pod: None,
        },
        Case {
            network: v6_only,
            management: "any",
            evaluated: &["[::1]:8013"],
            managed: &["0.0.0.0:8014", "[::]:8014"],
            pod: Some("[fd77::7]:8014"),
        },
    ] {
        let flags = Flags::new(&flag("old"));
        let options = ["--bind", LOOPBACK, "--management-bind", case.management];
        let sidecar = Sidecar::launch_in(&flags, &options, case.network);
        eventually(DEADLINE, "healthy", async || is_healthy(&sidecar)).await;
        let expected = |of: &[&str]| of.iter().map(|&one| one.to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(addresses(&sidecar, "evaluation"), expected(case.evaluated));
        assert_eq!(addresses(&sidecar, "management"), expected(case.managed));
        let client = client_in(&sidecar, case.evaluated[0]).await;
        assert_eq!(ask(&client).await, "old");
        let mut events = client.events().await;
        events.begin().await;
        flags.rename_over(&flag("new"));
        events.changes().await;
        assert_eq!(ask(&client).await, "new");
        if let Some(pod) = case.pod {
            let management: SocketAddr = pod.parse().unwrap();
            assert!(connect_in(sidecar.pid(), management).is_ok(), "{pod}");
            let evaluation = SocketAddr::new(management.ip(), 8013);
            let refused = connect_in(sidecar.pid(), evaluation).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused, "{evaluation}");
        }
    }
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

const FLAGS: usize = 1000;
const STREAMS: usize = 200;
const RELOADS: usize = 300;
/// Reloads between two looks at the memory.
const WINDOW: usize = 20;
/// Flags that change at a reload.
const CHANGED: usize = 20;

/// What has to be enough: half of the Component's limit.
const LIMIT_KIB: u64 = 32 << 10;

/// A thousand flags with rules, of which some are new in every round.
fn many(round: usize) -> Value {
    let flags = (0..FLAGS).map(|n| {
        let share = if n / CHANGED == round % (FLAGS / CHANGED) { round % 100 } else { 50 };
        let flag = json!({
            "state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
            "metadata": {"owner": "team-checkout", "kind": "release", "expires": "2027-06-30"},
            "targeting": {"if": [
                {"in": [{"var": "plan"}, ["enterprise", "business"]]}, "on",
                {"ends_with": [{"var": "email"}, "@example.com"]}, "on",
                {"fractional": [["on", share], ["off", 100 - share]]},
            ]},
        });
        (format!("flag-{n:04}"), flag)
    });
    json!({"metadata": {"fractional": "v2"}, "flags": flags.collect::<BTreeMap<_, _>>()})
}

/// The program as it is in the image.
fn released(command: &mut Command) -> &mut Command {
    let mut released = Command::new(static_binary());
    released.env_clear().args(command.get_args());
    *command = released;
    command
}

/// The most memory it had resident since this was asked before, in KiB.
fn peak(sidecar: &Sidecar) -> u64 {
    let process = format!("/proc/{}", sidecar.pid());
    let status = fs::read_to_string(format!("{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    // The kernel's word for: start over with the peak.
    fs::write(format!("{process}/clear_refs"), "5").unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// All that clients do between two reloads, and once in a while a scrape and everybody's flags.
async fn use_it(sidecar: &Sidecar, streams: &mut [(Client, Events)], round: usize) {
    for (_, events) in &mut *streams {
        assert!(events.changes().await.len() >= CHANGED);
    }
    for (n, (client, _)) in streams.iter().enumerate().step_by(10) {
        let context = json!({"targetingKey": format!("user-{round}-{n}"), "email": "a@b.c"});
        let key = format!("flag-{:04}", (round * STREAMS + n) % FLAGS);
        let answer: ResolveBooleanResponse = client.resolve(&key, context).await.unwrap();
        assert!(answer.value.is_some());
    }
    if round.is_multiple_of(WINDOW) {
        sidecar.metrics().await;
        let all = streams[0].0.resolve_all(json!({"targetingKey": "user"})).await.unwrap();
        assert_eq!(all.flags.len(), FLAGS);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_stays_flat_within_32_mib() {
    let flags = Flags::new(&many(0));
    let sidecar = Sidecar::start_in(&flags, &[], released).await;
    let loaded = sidecar.resident();
    let mut streams: Vec<(Client, Events)> = Vec::new();
    for _ in 0..STREAMS {
        // A connection for each, as processes of an application have.
        let client = Client::connect(&sidecar).await;
        let mut events = client.events().await;
        assert_eq!(events.begin().await.len(), FLAGS);
        streams.push((client, events));
    }
    let mut peaks = vec![peak(&sidecar)];
    for round in 1..=RELOADS {
        flags.rename_over(&many(round));
        use_it(&sidecar, &mut streams, round).await;
        if round.is_multiple_of(WINDOW) {
            peaks.push(peak(&sidecar));
        }
    }
    println!("KiB: {loaded} with {FLAGS} flags; at most, with {STREAMS} streams and after each");
    println!("{WINDOW} reloads: {peaks:?}");
    let most = *peaks.iter().max().unwrap();
    assert!(most < LIMIT_KIB, "{most} KiB");
    // A single peak is chance; what leaks lifts all of them. The allocator takes its share at first.
    let third = RELOADS / WINDOW / 3;
    let median = |peaks: &mut [u64]| *peaks.select_nth_unstable(third / 2).1;
    let (before, last) = (1 + third, 1 + 2 * third);
    let (before, last) = (median(&mut peaks[before..last]), median(&mut peaks[last..]));
    assert!(last <= before + (1 << 10), "it grows, from {before} KiB to {last}");
}
