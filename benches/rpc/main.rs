//! Server CPU per RPC, beside a bare tonic and prost echo that answers a constant.
//!
//! `cargo bench --bench rpc` starts both servers, loads them in turns, and prints for each the
//! least CPU time per RPC of nine runs (what the kernel charged the server's threads, so the
//! client and the other server do not count) and their ratio.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::string_slice,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    reason = "a bench prints, spawns and trusts its own numbers"
)]

mod echo;
mod load;

use std::{
    error::Error,
    fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

/// What a run needs of a server.
struct Server {
    child: Child,
    address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have gone by itself.
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}

impl Server {
    /// Starts a server and reads its address from the first line that has one; it serves once it
    /// has printed the word `ready`.
    fn start(command: &mut Command, ready: &str) -> Result<Self, Box<dyn Error>> {
        let mut child = command.stderr(Stdio::piped()).spawn()?;
        let stderr = child.stderr.take().ok_or("no stderr")?;
        let mut lines = BufReader::new(stderr).lines();
        let line = lines.find(|line| line.as_ref().is_ok_and(|line| line.contains("127.0.0.1:")));
        let line = line.ok_or("the server named no address")??;
        let at = line.find("127.0.0.1:").ok_or("no address")?;
        let address = line[at..].split(['"', ' ']).next().unwrap_or_default().to_owned();
        if !line.contains(ready) {
            lines.find(|line| line.as_ref().is_ok_and(|line| line.contains(ready)));
        }
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { child, address })
    }

    /// Nanoseconds of CPU time that the server's threads have used.
    fn cpu(&self) -> Result<u64, Box<dyn Error>> {
        let mut total = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let schedule = fs::read_to_string(task?.path().join("schedstat"))?;
            total += schedule.split(' ').next().unwrap_or("0").parse::<u64>()?;
        }
        Ok(total)
    }
}

const RUNS: usize = 9;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("--echo") {
        return echo::serve();
    }
    let flags = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/rpc/flags.json");
    let mut ours = Command::new(env!("CARGO_BIN_EXE_flagstaff"));
    ours.args(["serve", flags, "--port", "0", "--management-port", "0", "--bind", "127.0.0.1"]);
    let ours = Server::start(&mut ours, "flags applied")?;
    let echo = Server::start(Command::new(std::env::current_exe()?).arg("--echo"), "127.0.0.1")?;

    println!(
        "server CPU per targeted ResolveBoolean of {} bytes, least of {RUNS} runs",
        load::SIZE
    );
    for (name, connections, in_flight, count) in
        [("8 x 32 in flight", 8, 32, 40_000), ("one at a time", 1, 1, 4_000)]
    {
        let mut least = [f64::INFINITY; 2];
        for _ in 0..RUNS {
            for (server, least) in [&ours, &echo].into_iter().zip(&mut least) {
                let before = server.cpu()?;
                load::run(&server.address, connections, in_flight, count)?;
                let used = (server.cpu()? - before) as f64 / 1e3 / count as f64;
                *least = least.min(used);
            }
        }
        let [ours, echo] = least;
        let ratio = ours / echo;
        println!(
            "{name:>17}: flagstaff {ours:5.2} us, echo {echo:5.2} us, ratio {ratio:.2} (goal 0.80)"
        );
    }
    Ok(())
}
