//! Servers to compare: how each is started, and what the kernel says of it.

use super::load;
use std::{
    error::Error,
    fs,
    io::{BufRead, BufReader},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// A server must accept connections within this time.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// What a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// `ResolveBoolean` of `flagd.evaluation`, in this version.
    Grpc(&'static str),
    /// `GET` of one feature from Unleash Edge.
    Edge,
}

/// How to start a server.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) name: &'static str,
    pub(crate) protocol: Protocol,
    program: String,
    arguments: Vec<String>,
    cores: &'static str,
}

/// A server that runs.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) protocol: Protocol,
    pub(crate) address: SocketAddr,
    child: Child,
}

/// A port that was free a moment ago: other servers than ours cannot choose one and print it.
fn free_port() -> Result<u16, Box<dyn Error>> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn text(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

impl Candidate {
    pub(crate) fn flagstaff(workers: usize) -> Self {
        let program = env!("CARGO_BIN_EXE_flagstaff").to_owned();
        let mut arguments = text(&["serve", "{flags}", "--port", "{port}", "--management-port"]);
        arguments.extend(text(&["0", "--bind", "127.0.0.1", "--worker-threads"]));
        arguments.push(workers.to_string());
        Self { name: "flagstaff", protocol: Protocol::Grpc("v2"), program, arguments, cores: "0" }
    }

    pub(crate) fn echo(workers: usize) -> Result<Self, Box<dyn Error>> {
        let program = std::env::current_exe()?.display().to_string();
        let arguments = vec!["--echo".to_owned(), "{port}".to_owned(), workers.to_string()];
        Ok(Self { name: "echo", protocol: Protocol::Grpc("v2"), program, arguments, cores: "0" })
    }

    pub(crate) fn flagd(program: String) -> Self {
        let mut arguments = text(&["start", "--uri", "file:{flags}", "--port", "{port}"]);
        for option in ["--management-port", "--sync-port", "--ofrep-port"] {
            arguments.extend(text(&[option, "{free}"]));
        }
        Self { name: "flagd", protocol: Protocol::Grpc("v1"), program, arguments, cores: "0" }
    }

    pub(crate) fn edge(program: String) -> Self {
        let mut arguments = text(&["--interface", "127.0.0.1", "--port", "{port}", "offline"]);
        arguments.extend(text(&["--bootstrap-file", "{features}", "--tokens", load::TOKEN]));
        Self { name: "edge", protocol: Protocol::Edge, program, arguments, cores: "0" }
    }

    /// Runs on these cores instead of the first.
    pub(crate) fn on(self, cores: &'static str) -> Self {
        Self { cores, ..self }
    }

    /// Starts the server with the flags of a directory, and waits until it
    /// accepts connections.
    pub(crate) fn start(&self, directory: &Path) -> Result<Server, Box<dyn Error>> {
        let port = free_port()?;
        let mut command = pinned(self.cores, &self.program);
        for argument in &self.arguments {
            let argument = match argument.as_str() {
                "{free}" => free_port()?.to_string(),
                argument => argument
                    .replace("{port}", &port.to_string())
                    .replace("{flags}", &directory.join("flags.json").display().to_string())
                    .replace("{features}", &directory.join("features.json").display().to_string()),
            };
            command.arg(argument);
        }
        let start = Instant::now();
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let stderr = child.stderr.take().ok_or("no stderr")?;
        thread::spawn(move || BufReader::new(stderr).lines().for_each(drop));
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        while TcpStream::connect(address).is_err() {
            if start.elapsed() > START_TIMEOUT || child.try_wait()?.is_some() {
                return Err(format!("{} does not listen on {address}", self.name).into());
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(Server { name: self.name, protocol: self.protocol, address, child })
    }
}

impl Server {
    /// Waits until the server evaluates a flag.
    pub(crate) fn wait_for_an_answer(&self) -> Result<(), Box<dyn Error>> {
        let start = Instant::now();
        while !load::is_answered(&self.address.to_string(), self.protocol) {
            if start.elapsed() > START_TIMEOUT {
                return Err(format!("{} does not answer", self.name).into());
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// CPU time that the server's threads have used.
    pub(crate) fn cpu(&self) -> Result<Duration, Box<dyn Error>> {
        cpu_of(self.pid())
    }

    /// Resident memory, in MiB.
    pub(crate) fn memory(&self) -> Result<f64, Box<dyn Error>> {
        memory_of(self.pid())
    }
}

/// CPU time that the threads of a process have used.
pub(crate) fn cpu_of(pid: u32) -> Result<Duration, Box<dyn Error>> {
    let mut total = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let schedule = fs::read_to_string(task?.path().join("schedstat"))?;
        total += schedule.split(' ').next().unwrap_or("0").parse::<u64>()?;
    }
    Ok(Duration::from_nanos(total))
}

/// Resident memory of a process, in MiB.
pub(crate) fn memory_of(pid: u32) -> Result<f64, Box<dyn Error>> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib / 1024.0)
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}

/// A command that runs on these cores only. `taskset` is part of util-linux.
pub(crate) fn pinned(cores: &str, program: &str) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", cores, program]);
    command
}
