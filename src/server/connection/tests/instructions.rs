//! How many instructions a call takes from request bytes to answer bytes, counted by callgrind.
//!
//! A clock would measure the machine's other work too. The count is divided by that of a fixed loop in
//! the same binary. It is made without optimizations, as all tests are built: it finds work
//! that was added to each call, not what the compiler made of it. After an intended change, write the
//! ratio that the test prints to [`RECORDED`].

use super::replay::serve_batches;
use std::{env, hint::black_box, process::Command};

/// Instructions of a call, divided by those of one round of the loop.
const RECORDED: f64 = 12.4;
/// A ratio may differ by this part of the recorded one.
const TOLERANCE: f64 = 0.05;
const CALLS: usize = 32;
/// The variable that makes this test do the work that is counted.
const WORK: &str = "FLAGSTAFF_COUNTED_WORK";
const NAME: &str =
    "server::connection::tests::instructions::a_call_takes_the_recorded_instructions";

/// One round of the loop: FNV-1a over a kilobyte.
fn round() {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut left = black_box(1024_u64);
    while left > 0 {
        hash = (hash ^ (left & 0xff)).wrapping_mul(0x0100_0000_01b3);
        left -= 1;
    }
    black_box(hash);
}

/// The instructions of a process that does so much work.
fn instructions(work: &str, amount: usize) -> f64 {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    command.arg(env::current_exe().unwrap()).args(["--exact", NAME, "--test-threads=1"]);
    let output = command.env(WORK, format!("{work} {amount}")).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{text}");
    let count = text.lines().find_map(|line| line.split_once("Collected :"));
    count.expect("a line `Collected :`").1.trim().parse().unwrap()
}

/// What one unit of work takes. The start of the process cancels out, but for the calibration of a
/// clock, which never takes the same time twice: the work has to be much longer.
fn of_one(work: &str, amount: usize) -> f64 {
    let more = 10 * amount;
    (instructions(work, amount + more) - instructions(work, amount)) / more as f64
}

#[test]
fn a_call_takes_the_recorded_instructions() {
    if let Ok(work) = env::var(WORK) {
        let (work, amount) = work.split_once(' ').unwrap();
        let amount = amount.parse().unwrap();
        match work {
            "calls" => _ = serve_batches(amount, CALLS),
            _ => (0..amount).for_each(|_| round()),
        }
        return;
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        let advice = "install valgrind to count instructions";
        assert!(env::var("CI").as_deref() != Ok("true"), "{advice}");
        eprintln!("skipped: {advice}");
        return;
    }
    let ratio = of_one("calls", 12) / CALLS as f64 / of_one("rounds", 1000);
    println!("instructions per call: {ratio:.3} rounds of the loop");
    assert!(
        (ratio / RECORDED - 1.0).abs() <= TOLERANCE,
        "a call takes {ratio:.3} rounds of the loop, {RECORDED} are recorded"
    );
}
