//! Flagstaff beside a bare tonic echo, and beside flagd and Unleash Edge if they are given.
//!
//! `cargo bench --bench compare -- [--runs 5] [--flagd PATH] [--edge PATH]` starts each server on the
//! first core and drives them in turns from the second one, with h2load if it is installed. It
//! prints medians, and their ratio to the echo in the same run. The CPU time is what the kernel
//! charged the server's threads, so that the load generator does not count.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    reason = "a bench prints, spawns and trusts its own numbers"
)]

mod drive;
mod echo;
mod files;
mod load;
mod server;
mod subscribers;

use drive::{Driver, Shape};
use server::{Candidate, Server};
use std::{
    error::Error,
    path::Path,
    thread,
    time::{Duration, Instant},
};

const SHAPES: [(&str, Shape); 5] = [
    ("8 x 32 in flight", Shape { connections: 8, in_flight: 32, calls: 60_000 }),
    ("1 x 32", Shape { connections: 1, in_flight: 32, calls: 40_000 }),
    ("200 x 4", Shape { connections: 200, in_flight: 4, calls: 60_000 }),
    ("64 x 1", Shape { connections: 64, in_flight: 1, calls: 40_000 }),
    ("one at a time", Shape { connections: 1, in_flight: 1, calls: 8_000 }),
];
/// How long calls are made at half load.
const SECONDS: f64 = 3.0;
/// Memory is read when the work of the start is done.
const SETTLE: Duration = Duration::from_millis(500);
const UPDATES: usize = 5;

/// What was asked on the command line.
struct Options {
    runs: usize,
    flagd: Option<String>,
    edge: Option<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["--echo"] => return echo::serve(0, 2),
        ["--echo", port, workers] => return echo::serve(port.parse()?, workers.parse()?),
        ["--load", address, version, connections, in_flight, calls] => {
            let numbers = [connections.parse()?, in_flight.parse()?, calls.parse()?];
            return load::run(address, version, numbers);
        }
        ["--subscribe", pid, address, version, directory, subscribers, updates] => {
            let numbers = [subscribers.parse()?, updates.parse()?];
            return subscribers::run(pid.parse()?, address, version, Path::new(directory), numbers);
        }
        _ => {}
    }
    let options = Options::read(&words)?;
    let directory = tempfile::tempdir()?;
    let driver = Driver::new(directory.path())?;
    if !driver.has_h2load() {
        println!(
            "h2load is not installed: a load generator of ours takes its place, without latencies"
        );
    }
    let runs = options.runs;
    let candidates = options.candidates()?;
    files::write(directory.path(), 1)?;
    calls(&candidates, &driver, directory.path(), runs)?;
    processes(&candidates, directory.path(), runs)?;
    updates(&candidates, directory.path())?;
    workers(&driver, directory.path(), runs)
}

impl Options {
    fn read(words: &[&str]) -> Result<Self, Box<dyn Error>> {
        let mut options = Self { runs: 5, flagd: None, edge: None };
        let mut words = words.iter();
        while let Some(&word) = words.next() {
            let mut value =
                || words.next().map(|&value| value.to_owned()).ok_or("a value is missing");
            match word {
                "--runs" => options.runs = value()?.parse()?,
                "--flagd" => options.flagd = Some(value()?),
                "--edge" => options.edge = Some(value()?),
                // cargo passes it to each bench.
                "--bench" => {}
                other => {
                    return Err(format!("unknown option {other}: see the top of main.rs").into());
                }
            }
        }
        Ok(options)
    }

    /// The echo comes first: the others are divided by it.
    fn candidates(self) -> Result<Vec<Candidate>, Box<dyn Error>> {
        let mut candidates = vec![Candidate::echo(1)?, Candidate::flagstaff(1)];
        candidates.extend(self.flagd.map(Candidate::flagd));
        candidates.extend(self.edge.map(Candidate::edge));
        Ok(candidates)
    }
}

/// CPU time per call, calls per second, and latency at half of what the echo answers.
fn calls(
    candidates: &[Candidate],
    driver: &Driver,
    directory: &Path,
    runs: usize,
) -> Result<(), Box<dyn Error>> {
    let servers: Vec<Server> =
        candidates.iter().map(|candidate| candidate.start(directory)).collect::<Result<_, _>>()?;
    println!("server CPU per call of {} bytes, medians of {runs} runs", load::SIZE);
    let mut most = vec![0.0; servers.len()];
    for (name, shape) in SHAPES {
        let mut used = vec![Vec::new(); servers.len()];
        let mut rates = vec![Vec::new(); servers.len()];
        for _ in 0..runs {
            for (index, server) in servers.iter().enumerate() {
                let before = server.cpu()?;
                let run = driver.run(server, shape, None)?;
                let spent = server.cpu()?.saturating_sub(before);
                used[index].push(spent.as_secs_f64() * 1e6 / shape.calls as f64);
                rates[index].push(run.rate);
            }
        }
        for (index, server) in servers.iter().enumerate() {
            let rate = median(rates[index].clone());
            most[index] = rate.max(most[index]);
            println!(
                "{name:>17}: {:<9} {:6.2} us, ratio {:.2}; {:7.0} calls/s, ratio {:.2}",
                server.name,
                median(used[index].clone()),
                median(ratios(&used[index], &used[0])),
                rate,
                median(ratios(&rates[index], &rates[0])),
            );
        }
    }
    if !driver.has_h2load() {
        return Ok(());
    }
    for (index, server) in servers.iter().enumerate() {
        // A server that is slower than the echo has half of its own.
        let rate = most[index].min(most[0]) / 2.0;
        let shape = Shape { connections: 8, in_flight: 32, calls: (rate * SECONDS) as usize };
        let run = driver.run(server, shape, Some(rate))?;
        let at = |percent: usize| run.latencies.get(run.latencies.len() * percent / 100);
        let [half, most] = [50, 99].map(|percent| at(percent).copied().unwrap_or_default());
        println!("{rate:>6.0} calls/s on 8: {:<9} p50 {half} us, p99 {most} us", server.name);
    }
    Ok(())
}

/// Memory, and the time from the start of the process to its first answer.
fn processes(
    candidates: &[Candidate],
    directory: &Path,
    runs: usize,
) -> Result<(), Box<dyn Error>> {
    for flags in [1, 1_000, 10_000] {
        files::write(directory, flags)?;
        for candidate in candidates {
            let (mut memory, mut started) = (Vec::new(), Vec::new());
            for _ in 0..runs {
                let start = Instant::now();
                let server = candidate.start(directory)?;
                server.wait_for_an_answer()?;
                started.push(start.elapsed().as_secs_f64() * 1e3);
                thread::sleep(SETTLE);
                memory.push(server.memory()?);
            }
            println!(
                "{flags:>11} flags: {:<9} {:6.1} MiB, first answer after {:5.0} ms",
                candidate.name,
                median(memory),
                median(started)
            );
        }
    }
    Ok(())
}

/// From a changed file to one subscriber, and to a thousand.
fn updates(candidates: &[Candidate], directory: &Path) -> Result<(), Box<dyn Error>> {
    files::write(directory, 1_000)?;
    for subscribers in [1, 1_000] {
        for candidate in candidates {
            let server = candidate.start(directory)?;
            server.wait_for_an_answer()?;
            let measured = subscribers::measure(&server, directory, subscribers, UPDATES)?;
            let Some(line) = measured else { continue };
            println!("{subscribers:>5} subscribers: {:<9} {line}", candidate.name);
        }
    }
    Ok(())
}

/// Throughput of two workers beside one, where the load generator has cores of its own.
fn workers(driver: &Driver, directory: &Path, runs: usize) -> Result<(), Box<dyn Error>> {
    let cores = thread::available_parallelism()?.get();
    if cores < 4 {
        println!("two workers need four cores, two of them for the load; here are {cores}");
        return Ok(());
    }
    let servers = [1, 2].map(|workers| Candidate::flagstaff(workers).on("2,3"));
    let [one, two] = servers.map(|candidate| candidate.start(directory));
    let (one, two) = (one?, two?);
    let (_, shape) = SHAPES[0];
    let mut gains = Vec::new();
    for _ in 0..runs {
        let [one, two] = [&one, &two].map(|server| driver.run(server, shape, None));
        gains.push(two?.rate / one?.rate);
    }
    println!("two workers: {:.2} x the calls per second of one", median(gains));
    Ok(())
}

fn ratios(of: &[f64], to: &[f64]) -> Vec<f64> {
    of.iter().zip(to).map(|(of, to)| of / to).collect()
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_unstable_by(f64::total_cmp);
    of.get(of.len() / 2).copied().unwrap_or_default()
}
