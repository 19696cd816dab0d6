//! Networks with one family of addresses.

use super::{addresses, ask, flag};
use crate::{
    client::Client,
    flags::Flags,
    sidecar::{DEADLINE, Sidecar, eventually},
};
use hyper_util::rt::TokioIo;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::{
    collections::BTreeSet,
    env,
    fs::File,
    io,
    net::{SocketAddr, TcpStream},
    os::fd::AsFd,
    process::Command,
    thread,
};
use tonic::transport::Endpoint;
use tower::service_fn;

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
