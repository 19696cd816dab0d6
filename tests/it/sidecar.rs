//! The real binary on real files: started in a temporary directory, asked over its own ports and
//! killed when its test ends. Every wait is for a condition; a failed test shows the log.

use crate::flags::Flags;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::sleep,
};

/// Ample for anything that takes milliseconds, on a machine that is busy.
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);

/// Waits until the condition holds.
pub(crate) async fn eventually(
    deadline: Duration,
    what: &str,
    mut condition: impl AsyncFnMut() -> bool,
) {
    let start = Instant::now();
    while !condition().await {
        assert!(start.elapsed() < deadline, "not within {deadline:?}: {what}");
        sleep(Duration::from_millis(2)).await;
    }
}

/// The built program, with nothing of the test's own environment.
pub(crate) fn flagstaff() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flagstaff"));
    command.env_clear().stdin(Stdio::null());
    command
}

/// Runs a program to its end: its exit code and what it printed, on standard output and error.
pub(crate) fn run(command: &mut Command) -> (Option<i32>, String, String) {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// A running `flagstaff serve` on free ports and a socket, which polls too rarely to help.
pub(crate) struct Sidecar {
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    socket: PathBuf,
}

impl Sidecar {
    /// Starts it and waits until it is ready.
    pub(crate) async fn start(flags: &Flags) -> Self {
        Self::start_with(flags, &[]).await
    }

    pub(crate) async fn start_with(flags: &Flags, options: &[&str]) -> Self {
        let sidecar = Self::spawn(flags, options).await;
        eventually(DEADLINE, "ready", async || sidecar.readyz().await.0 == 200).await;
        sidecar
    }

    /// Starts it and waits for nothing.
    pub(crate) fn launch(flags: &Flags, options: &[&str]) -> Self {
        Self::launch_in(flags, options, |command| command)
    }

    /// As [`Self::launch`], with something changed about the command.
    pub(crate) fn launch_in(
        flags: &Flags,
        options: &[&str],
        change: fn(&mut Command) -> &mut Command,
    ) -> Self {
        let socket = flags.dir().join("flagstaff.sock");
        let mut command = flagstaff();
        command.arg("serve").arg(flags.path()).arg("--uds").arg(&socket);
        // Who says where says at which port.
        if !options.contains(&"--management-bind") {
            command.args(["--management-port", "0"]);
        }
        if !options.contains(&"--bind") {
            command.args(["--port", "0"]);
        }
        if !options.contains(&"--poll-interval") {
            command.args(["--poll-interval", "10m"]);
        }
        change(command.args(options));
        Self::of(command, socket)
    }

    /// Starts a command as it is, which serves on this socket.
    pub(crate) fn of(mut command: Command, socket: PathBuf) -> Self {
        let child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut sidecar = Self { child, log: Arc::default(), socket };
        sidecar.collect_log();
        sidecar
    }

    /// Starts it, with something changed about the command, and waits until it is ready.
    pub(crate) async fn start_in(
        flags: &Flags,
        options: &[&str],
        change: fn(&mut Command) -> &mut Command,
    ) -> Self {
        let sidecar = Self::launch_in(flags, options, change).listening().await;
        eventually(DEADLINE, "ready", async || sidecar.readyz().await.0 == 200).await;
        sidecar
    }

    /// Starts it and waits until it listens, whether or not it can answer.
    pub(crate) async fn spawn(flags: &Flags, options: &[&str]) -> Self {
        Self::launch(flags, options).listening().await
    }

    async fn listening(self) -> Self {
        let mut sidecar = self;
        eventually(DEADLINE, "it says where it listens", async || {
            assert!(sidecar.child.try_wait().unwrap().is_none(), "exited: {:#?}", sidecar.log());
            sidecar.address("management").is_some()
        })
        .await;
        sidecar
    }

    fn collect_log(&mut self) {
        let stderr = BufReader::new(self.child.stderr.take().unwrap());
        let log = Arc::clone(&self.log);
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                log.lock().unwrap().push(line);
            }
        });
    }

    /// The lines of its log so far.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// Waits for a line that has all these parts.
    pub(crate) async fn wait_for_log(&self, parts: &[&str]) {
        let has_all = |line: &String| parts.iter().all(|part| line.contains(part));
        let what = format!("a log line with {parts:?}");
        eventually(DEADLINE, &what, async || self.log().iter().any(has_all)).await;
    }

    fn address(&self, service: &str) -> Option<SocketAddr> {
        let lines = self.log();
        let lines = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut listening = lines
            .map(|line| line["fields"].clone())
            .filter(|fields| fields["message"] == "listening" && fields["service"] == service);
        listening.find_map(|fields| fields["address"].as_str()?.parse().ok())
    }

    /// Whether it has said where it listens.
    pub(crate) fn listens(&self) -> bool {
        self.address("management").is_some()
    }

    /// Where it answers over TCP.
    pub(crate) fn evaluation(&self) -> SocketAddr {
        self.address("evaluation").unwrap()
    }

    /// Where it answers probes and scrapes.
    pub(crate) fn management(&self) -> SocketAddr {
        self.address("management").unwrap()
    }

    /// Where it answers over a Unix socket.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    pub(crate) async fn readyz(&self) -> (u16, String) {
        http_get(self.management(), "/readyz").await
    }

    /// Every sample by its series, as `/metrics` writes it: each once, or Prometheus drops one.
    pub(crate) async fn metrics(&self) -> BTreeMap<String, f64> {
        let (status, text) = http_get(self.management(), "/metrics").await;
        assert_eq!(status, 200, "{text}");
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let mut samples = BTreeMap::new();
        for (series, value) in lines.map(|line| line.rsplit_once(' ').unwrap()) {
            let before = samples.insert(series.to_owned(), value.parse().unwrap());
            assert_eq!(before, None, "{series} is there twice");
        }
        samples
    }

    pub(crate) async fn metric(&self, series: &str) -> f64 {
        let metrics = self.metrics().await;
        *metrics.get(series).unwrap_or_else(|| panic!("no {series} in {metrics:#?}"))
    }

    /// How often a flag file was seen to differ, by result; only what happened.
    pub(crate) async fn reloads(&self) -> BTreeMap<String, f64> {
        let metrics = self.metrics().await.into_iter();
        let reloads = metrics.filter_map(|(series, count)| {
            let label = series.strip_prefix("flagstaff_config_reloads_total{result=\"")?;
            (count > 0.0).then(|| (label.trim_end_matches("\"}").to_owned(), count))
        });
        reloads.collect()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Resident memory in KiB.
    pub(crate) fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// What it has read from files and sockets, in bytes.
    pub(crate) fn bytes_read(&self) -> u64 {
        let io = fs::read_to_string(format!("/proc/{}/io", self.pid())).unwrap();
        io.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap().parse().unwrap()
    }

    pub(crate) fn sigterm(&self) {
        // The shell's own kill: a signal needs no further crate, nor a package with /bin/kill.
        let kill = format!("kill -TERM {}", self.pid());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    pub(crate) async fn wait_exit(&mut self, deadline: Duration) -> ExitStatus {
        let mut status = None;
        eventually(deadline, "exit", async || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        })
        .await;
        status.unwrap()
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        // It may be gone already, which is as good.
        self.child.kill().ok();
        self.child.wait().ok();
        if thread::panicking() {
            println!("the sidecar's log:\n{}", self.log().join("\n"));
        }
    }
}

/// One GET over HTTP/1.1: the status and the body.
pub(crate) async fn http_get(address: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}
