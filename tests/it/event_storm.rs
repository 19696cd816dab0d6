//! Storms of file events: they cost little, and a change is served in time.

mod generated;

use crate::{
    client::Client,
    flags::Flags,
    sidecar::{DEADLINE, Sidecar, eventually, flagstaff},
};
use flagstaff::pb::flagd::evaluation::v2::ResolveIntResponse;
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::symlink,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use tokio::time::sleep;

fn generation(number: i64) -> Value {
    json!({"flags": {"generation":
        {"state": "ENABLED", "variants": {"now": number}, "defaultVariant": "now"}}})
}

/// Does something in each millisecond until it is dropped.
struct Storm {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<u64>>,
}

impl Storm {
    fn of(mut act: impl FnMut() + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let run = move || {
            let mut acts = 0;
            while !stopped.load(Ordering::Relaxed) {
                act();
                acts += 1;
                thread::park_timeout(Duration::from_millis(1));
            }
            acts
        };
        Self { stop, thread: Some(thread::spawn(run)) }
    }

    fn end(&mut self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().map_or(0, |thread| thread.join().unwrap())
    }
}

impl Drop for Storm {
    fn drop(&mut self) {
        self.end();
    }
}

/// Creates and deletes a flag file.
fn come_and_go(path: &Path) {
    fs::write(path, "{\"flags\": {}}").unwrap();
    fs::remove_file(path).unwrap();
}

/// Creates and deletes a link to a flag file that is not there, so that no two scans agree.
fn link_and_unlink(path: &Path) {
    symlink("nowhere", path).unwrap();
    fs::remove_file(path).unwrap();
}

/// The CPU time of a process, in seconds.
fn cpu(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = |field: usize| fields[field].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / 100.0
}

/// Reads of the flag file, from the bytes read of all files: it is far larger than the others.
const PADDING: usize = 100_000;

async fn serves(client: &Client, number: i64) -> bool {
    let answer = client.resolve::<ResolveIntResponse>("generation", json!({})).await;
    answer.is_ok_and(|answer| answer.value == Some(number))
}

fn padded(number: i64) -> Value {
    let mut content = generation(number);
    content["padding"] = "x".repeat(PADDING).into();
    content
}

/// What a sidecar does in a storm.
struct Load {
    /// The part of a core that it takes.
    cpu: f64,
    /// How often it reads the flag file in a second.
    reads: f64,
}

impl Load {
    /// Measures it for a time. The first scans are on credit.
    async fn of(sidecar: &Sidecar, credit: Duration, time: Duration) -> Self {
        sleep(credit).await;
        let (start, cpu_before, read_before) =
            (Instant::now(), cpu(sidecar.pid()), sidecar.bytes_read());
        sleep(time).await;
        let took = start.elapsed().as_secs_f64();
        let reads = (sidecar.bytes_read() - read_before) as f64 / PADDING as f64 / took;
        Self { cpu: (cpu(sidecar.pid()) - cpu_before) / took, reads }
    }

    /// That it is little, and that no change was late.
    fn is_bounded(&self, what: &str, acts: u64, worst: Duration) {
        let Self { cpu, reads } = self;
        println!(
            "{what}: {acts} acts, {:.0} % of a core, {reads:.0} reads/s, worst change {worst:.1?}",
            cpu * 100.0
        );
        assert!(*cpu < 0.3, "{cpu:.2} of a core");
        // One scan in 50 ms, which reads a file up to four times while links are moved.
        assert!(*reads < 100.0, "{reads} reads per second");
        assert!(worst < Duration::from_secs(1), "{worst:?}");
    }
}

async fn check(act: fn(&Path), name: &str) {
    let flags = Flags::directory(&[("flags.json", &padded(0))]);
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    let path = flags.path().join(name);
    let mut storm = Storm::of(move || act(&path));
    let load = Load::of(&sidecar, Duration::from_millis(500), Duration::from_secs(4)).await;
    let mut worst = Duration::ZERO;
    for number in 1..=5 {
        let start = Instant::now();
        flags.put("flags.json", &padded(number));
        eventually(DEADLINE, "the change", async || serves(&client, number).await).await;
        worst = worst.max(start.elapsed());
    }
    let acts = storm.end();
    load.is_bounded(name, acts, worst);
    drop(storm);
    eventually(DEADLINE, "all is good after the storm", async || {
        sidecar.metric("flagstaff_config_last_reload_successful").await == 1.0
    })
    .await;
}

#[tokio::test]
async fn a_file_that_comes_and_goes_keeps_no_core_busy_and_delays_no_change() {
    check(come_and_go, "storm.json").await;
    check(come_and_go, "storm.txt").await;
}

#[tokio::test]
async fn a_link_that_comes_and_goes_keeps_no_core_busy_and_delays_no_change() {
    check(link_and_unlink, "storm.json").await;
}

#[tokio::test]
async fn an_idle_sidecar_touches_no_file_between_polls() {
    let flags = Flags::new(&generation(0));
    let sidecar = Sidecar::start(&flags).await;
    // What the start has left to do is not idle yet; that nothing more comes takes time to see.
    sleep(Duration::from_secs(1)).await;
    // How often the threads that read files and wait for them were woken.
    let switches = || {
        let tasks = fs::read_dir(format!("/proc/{}/task", sidecar.pid())).unwrap();
        let tasks = tasks.map(|task| task.unwrap().path());
        let readers = tasks.filter(|task| {
            fs::read_to_string(task.join("comm")).is_ok_and(|name| name.trim() == "disk")
        });
        let of = |status: String| -> u64 {
            let line = status.lines().find(|line| line.starts_with("voluntary_ctxt")).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        let woken: Vec<_> =
            readers.map(|task| of(fs::read_to_string(task.join("status")).unwrap())).collect();
        assert!(!woken.is_empty(), "there is a thread that reads");
        woken.iter().sum::<u64>()
    };
    let (woken, read) = (switches(), sidecar.bytes_read());
    sleep(Duration::from_secs(10)).await;
    let (woken, read) = (switches() - woken, sidecar.bytes_read() - read);
    println!("idle for 10 s: {woken} wake-ups of the reading threads, {read} bytes read");
    assert_eq!(woken, 0);
}

/// Between polls, without a client and without a Unix socket to look after, no thread is woken.
#[tokio::test]
async fn an_idle_sidecar_wakes_up_for_nothing() {
    // Away from where other tests create files: directories above a file are watched as well.
    let place = tempfile::tempdir_in("/var/tmp").unwrap();
    let directory = place.path().join("a/b/c");
    fs::create_dir_all(&directory).unwrap();
    let file = directory.join("flags.json");
    fs::write(&file, generation(0).to_string()).unwrap();
    let mut command = flagstaff();
    command.args(["serve", "--port", "0", "--management-port", "0", "--poll-interval", "1h"]);
    command.arg(&file);
    let sidecar = Sidecar::of(command, directory.join("no socket"));
    sidecar.wait_for_log(&["flags applied"]).await;
    // Threads that have nothing to do any more end after ten seconds, as tokio has it.
    sleep(Duration::from_secs(12)).await;
    let switches = || {
        let tasks = fs::read_dir(format!("/proc/{}/task", sidecar.pid())).unwrap();
        let of = |task: &Path| {
            let status = fs::read_to_string(task.join("status")).unwrap();
            let line = status.lines().find(|line| line.starts_with("voluntary_ctxt")).unwrap();
            line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
        };
        tasks.map(|task| of(&task.unwrap().path())).sum::<u64>()
    };
    // The time itself is what is tested. Another process may write to a directory above at any time.
    let mut wakeups = Vec::new();
    while wakeups.last() != Some(&0) {
        assert!(wakeups.len() < 8, "wake-ups in 3 s each: {wakeups:?}");
        let before = switches();
        sleep(Duration::from_secs(3)).await;
        wakeups.push(switches().abs_diff(before));
    }
    // A client is served and counted all the same.
    let client = Client::connect(&sidecar).await;
    let answer: ResolveIntResponse = client.resolve("generation", json!({})).await.unwrap();
    assert_eq!(answer.value, Some(0));
    eventually(DEADLINE, "the connection is counted", async || {
        sidecar.metric("flagstaff_connections_active").await == 1.0
    })
    .await;
    drop(client);
    eventually(DEADLINE, "its end is counted", async || {
        sidecar.metric("flagstaff_connections_active").await == 0.0
    })
    .await;
}
