//! An interactive run on a pseudo-terminal: SIGHUP reloads, and only a lost terminal ends the run.

use crate::{
    flags::{Flags, files},
    sidecar::DEADLINE,
};
use rustix::{
    fs::{OFlags, fcntl_setfl},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
};
use serde_json::{Value, json};
use std::{
    fs::{File, OpenOptions},
    io::Read,
    os::{fd::OwnedFd, unix::fs::OpenOptionsExt},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

fn document(value: &str) -> Value {
    json!({"flags": {"a": {"state": "ENABLED", "variants": {"now": value}, "defaultVariant": "now"}}})
}

/// A terminal, and its other end.
fn terminal() -> (OwnedFd, File) {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    fcntl_setfl(&terminal, OFlags::RDWR | OFlags::NONBLOCK).unwrap();
    let other_end = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(i32::try_from(OFlags::NOCTTY.bits()).unwrap())
        .open(ptsname(&terminal, Vec::new()).unwrap().to_str().unwrap())
        .unwrap();
    (terminal, other_end)
}

/// A sidecar on a terminal that the test holds.
struct Interactive {
    child: Child,
    terminal: Option<File>,
    screen: String,
}

impl Drop for Interactive {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Interactive {
    /// Starts it in a session of its own, whose controlling terminal this is, as a shell does.
    fn start(flags: &Flags, options: &[&str]) -> Self {
        Self::start_by(&["setsid", "--ctty"], flags, options)
    }

    /// Starts it by other programs, none of which forks.
    fn start_by(launchers: &[&str], flags: &Flags, options: &[&str]) -> Self {
        let (terminal, other_end) = terminal();
        let program = [launchers, &[env!("CARGO_BIN_EXE_flagstaff"), "serve"]].concat();
        let mut command = Command::new(program[0]);
        command.args(&program[1..]).arg(flags.path());
        command.args(["--port", "0", "--management-port", "0", "--poll-interval", "10m"]);
        command.args(options).stdin(other_end.try_clone().unwrap()).stdout(Stdio::null());
        let child = command.stderr(other_end).spawn().expect("setsid, of util-linux");
        // The command's copies of the other end go with it.
        drop(command);
        Self { child, terminal: Some(terminal.into()), screen: String::new() }
    }

    #[track_caller]
    fn wait(&mut self, what: &str, mut is_so: impl FnMut(&mut Self) -> bool) {
        let start = Instant::now();
        while !is_so(self) {
            assert!(start.elapsed() < DEADLINE, "not in time: {what}\n{}", self.screen);
            thread::park_timeout(Duration::from_millis(5));
            let mut bytes = [0; 4096];
            while let Some(Ok(read @ 1..)) =
                self.terminal.as_mut().map(|from| from.read(&mut bytes))
            {
                self.screen.push_str(&String::from_utf8_lossy(&bytes[..read]));
            }
        }
    }

    #[track_caller]
    fn wait_for(&mut self, text: &str, times: usize) {
        self.wait(text, |run| run.screen.matches(text).count() >= times);
    }

    #[track_caller]
    fn wait_exit(&mut self) -> ExitStatus {
        let mut status = None;
        self.wait("the end", |run| {
            status = run.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    fn hang_up(&self) {
        let kill = format!("kill -HUP {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }
}

#[test]
fn sighup_reloads_an_interactive_run_whatever_its_log_format() {
    for (format, applied) in [("auto", "no application connected"), ("json", "flags applied")] {
        let flags = Flags::new(&document("one"));
        // Without events only SIGHUP makes it look.
        let mut run = Interactive::start(&flags, &["--watch", "poll", "--log-format", format]);
        // The greeting ends with this, after the first content was applied.
        run.wait_for(if format == "json" { applied } else { "in the file and save" }, 1);
        let before = run.screen.matches(applied).count();
        for time in 1..=2 {
            flags.rename_over(&document(&format!("new {time}")));
            run.hang_up();
            run.wait_for(applied, before + time);
        }
        assert!(run.child.try_wait().unwrap().is_none(), "{format}: {}", run.screen);
    }
}

#[test]
fn a_run_whose_terminal_is_gone_ends_in_order() {
    // The kernel tells a session that its terminal hung up.
    for options in
        [&["--log-format", "text"][..], &["--log-level", "debug", "--log-format", "json"]]
    {
        let flags = Flags::new(&document("one"));
        let mut run = Interactive::start(&flags, options);
        run.wait_for("watching", 1);
        run.terminal = None;
        let status = run.wait_exit();
        assert!(status.success(), "{status}");
    }
}

#[test]
fn a_write_that_finds_the_terminal_gone_ends_a_run_that_no_signal_reaches() {
    let flags = Flags::new(&document("one"));
    let mut run = Interactive::start_by(&["setsid"], &flags, &["--log-format", "text"]);
    // The greeting ends with this, so no line is written after it.
    run.wait_for("in the file and save", 1);
    run.terminal = None;
    assert!(run.child.try_wait().unwrap().is_none(), "it goes on while it writes nothing");
    flags.rename_over(&document("two"));
    assert!(run.wait_exit().success());
}

/// What `check` prints at a terminal, and to a pipe.
fn checked(content: &str) -> (String, String) {
    let root = files(&[("flags.yaml", content)]);
    let check = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flagstaff"));
        command.args(["check", "flags.yaml"]).current_dir(root.path());
        command
    };
    let piped = check().output().unwrap().stdout;
    let (terminal, other_end) = terminal();
    check().stdout(other_end.try_clone().unwrap()).status().unwrap();
    // The other end stays open, or the terminal would drop what was not read yet.
    let mut screen = vec![0; 1 << 16];
    let read = File::from(terminal).read(&mut screen).unwrap();
    drop(other_end);
    let screen = String::from_utf8(screen[..read].to_vec()).unwrap();
    (screen.replace("\r\n", "\n"), String::from_utf8(piped).unwrap())
}

#[test]
fn check_ends_with_the_next_step_at_a_terminal_alone() {
    let head = "flagstaff: 1\nbucketing: v2\nflags:\n  f:\n    owner: team-shop\n    kind: ops\n";
    let why = "    why: Greets whoever comes in; the shop asks for it.\n";
    for (content, next) in [
        (format!("{head}{why}    serve: on\n"), "flagstaff serve flags.yaml"),
        (format!("{head}    serve: on\n"), "flagstaff check --explain missing-why"),
        (format!("{head}{why}    serve: onn\n"), "mend flags.yaml:8:12 first"),
    ] {
        let (screen, piped) = checked(&content);
        assert_eq!(screen, format!("{piped}next: {next}\n"));
    }
}
