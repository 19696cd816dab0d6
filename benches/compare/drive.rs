//! Drives a server from the second core: with h2load if it is installed, else with `load`.

use super::{
    load::{self, EDGE_PATH, TOKEN},
    server::{Protocol, Server, pinned},
};
use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// How many calls are made, and how many of them at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) connections: usize,
    pub(crate) in_flight: usize,
    pub(crate) calls: usize,
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Run {
    /// Calls per second.
    pub(crate) rate: f64,
    /// Microseconds of each call, least first; empty without h2load.
    pub(crate) latencies: Vec<u32>,
}

/// The load generator.
#[derive(Debug)]
pub(crate) struct Driver {
    has_h2load: bool,
    body: PathBuf,
    log: PathBuf,
}

impl Driver {
    /// A generator that keeps its files in a directory.
    pub(crate) fn new(directory: &Path) -> Result<Self, Box<dyn Error>> {
        let has_h2load = Command::new("h2load").arg("--version").output().is_ok();
        let body = directory.join("request.bin");
        fs::write(&body, load::request())?;
        Ok(Self { has_h2load, body, log: directory.join("calls.log") })
    }

    pub(crate) fn has_h2load(&self) -> bool {
        self.has_h2load
    }

    /// Makes all calls of a shape, as fast as the server answers or at a rate per second.
    pub(crate) fn run(
        &self,
        server: &Server,
        shape: Shape,
        rate: Option<f64>,
    ) -> Result<Run, Box<dyn Error>> {
        let mut command = match (server.protocol, self.has_h2load) {
            (Protocol::Grpc(version), true) => self.h2load(server, version, shape),
            (Protocol::Edge, true) => Self::h2load_http1(server, shape),
            (Protocol::Grpc(version), false) => Self::own(server, version, shape)?,
            (Protocol::Edge, false) => return Err("Unleash Edge needs h2load".into()),
        };
        if let Some(rate) = rate {
            command.arg(format!("--rps={:.0}", (rate / shape.connections as f64).max(1.0)));
            command.arg("--log-file").arg(&self.log);
        }
        let output = String::from_utf8(command.output()?.stdout)?;
        if self.has_h2load && !output.contains(&format!("{} succeeded", shape.calls)) {
            return Err(format!("calls to {} failed: {output}", server.name).into());
        }
        let measured = output.lines().find_map(|line| {
            line.split([',', ' '])
                .zip(line.split([',', ' ']).skip(1))
                .find(|(_, unit)| *unit == "req/s")
        });
        let (measured, _) = measured.ok_or_else(|| format!("no rate in {output}"))?;
        let mut latencies = Vec::new();
        if rate.is_some() {
            let log = fs::read_to_string(&self.log)?;
            latencies =
                log.lines().filter_map(|line| line.rsplit('\t').next()?.parse().ok()).collect();
            latencies.sort_unstable();
            fs::remove_file(&self.log)?;
        }
        Ok(Run { rate: measured.parse()?, latencies })
    }

    fn h2load(&self, server: &Server, version: &str, shape: Shape) -> Command {
        let mut command = pinned("1", "h2load");
        command.args(["-c", &shape.connections.to_string(), "-m", &shape.in_flight.to_string()]);
        command.args(["-n", &shape.calls.to_string(), "-H", "content-type: application/grpc"]);
        command.args(["-H", "te: trailers", "-d"]).arg(&self.body);
        command.arg(load::uri(&server.address.to_string(), version));
        command
    }

    /// Over HTTP/1.1 each call in flight has a connection.
    fn h2load_http1(server: &Server, shape: Shape) -> Command {
        let connections = shape.connections * shape.in_flight;
        let mut command = pinned("1", "h2load");
        command.args(["--h1", "-c", &connections.to_string(), "-n", &shape.calls.to_string()]);
        command.args(["-H", &format!("Authorization: {TOKEN}")]);
        command.arg(format!("http://{}{EDGE_PATH}", server.address));
        command
    }

    fn own(server: &Server, version: &str, shape: Shape) -> Result<Command, Box<dyn Error>> {
        let mut command = pinned("1", &std::env::current_exe()?.display().to_string());
        let numbers = [shape.connections, shape.in_flight, shape.calls].map(|n| n.to_string());
        command.args(["--load", &server.address.to_string(), version]).args(numbers);
        Ok(command)
    }
}
