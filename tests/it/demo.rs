//! The demo of `examples/observability`: its numbers hold, and nothing outlives it.

use crate::{
    observability::has_prometheus,
    sidecar::{DEADLINE, eventually},
};
use serde_json::Value;
use std::{
    fs::{self, File},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};
use tempfile::TempDir;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/observability/demo.py");

const HOOK: &str = include_str!("../../examples/observability/hook.py");

const PINS: &str = include_str!("../../examples/observability/requirements.txt");

const TESTED_PINS: &str = include_str!("../observability/requirements.txt");

/// It takes half a minute; the first one also makes a virtual environment.
const PATIENCE: Duration = Duration::from_secs(280);

/// A running demo, as from a terminal: a process group of its own.
struct Demo {
    child: Child,
    dir: TempDir,
}

impl Demo {
    fn start() -> Self {
        let dir = TempDir::new().unwrap();
        let tmp = dir.path().join("tmp");
        fs::create_dir(&tmp).unwrap();
        let printed = File::create(dir.path().join("printed")).unwrap();
        let mut command = Command::new("python3");
        command
            .args([SCRIPT, "--quick", "--flagstaff", env!("CARGO_BIN_EXE_flagstaff")])
            .args(["--environment", concat!(env!("CARGO_TARGET_TMPDIR"), "/demo")])
            .arg("--picture")
            .arg(dir.path().join("rollout.svg"))
            .arg("--numbers")
            .arg(dir.path().join("numbers.json"))
            .env("TMPDIR", &tmp)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null())
            .stdout(printed.try_clone().unwrap())
            .stderr(printed)
            .process_group(0);
        Self { child: command.spawn().unwrap(), dir }
    }

    fn printed(&self) -> String {
        self.read("printed")
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.dir.path().join(name)).unwrap()
    }

    async fn exit(&mut self, deadline: Duration) -> ExitStatus {
        let mut status = None;
        eventually(deadline, "the demo ends", async || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        })
        .await;
        status.unwrap()
    }

    /// What a terminal does on Ctrl-C, and a test on giving up.
    fn signal(&self, name: &str) -> bool {
        let kill = format!("kill -s {name} -- -{}", self.child.id());
        Command::new("sh").args(["-c", &kill]).stderr(Stdio::null()).status().unwrap().success()
    }

    /// The names of its processes, known by the directory for their temporary files.
    fn processes(&self) -> Vec<String> {
        let mark = format!("TMPDIR={}/tmp", self.dir.path().display());
        let is_of_demo = |process: &PathBuf| {
            // A process may end meanwhile, or be another user's.
            let environment = fs::read(process.join("environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
        };
        let all = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
        let name = |process: PathBuf| fs::read_to_string(process.join("comm")).unwrap_or_default();
        all.filter(is_of_demo).map(name).collect()
    }

    fn assert_nothing_is_left(&self) {
        assert_eq!(self.processes(), Vec::<String>::new());
        let files = fs::read_dir(self.dir.path().join("tmp")).unwrap();
        assert_eq!(
            files.map(|entry| entry.unwrap().path()).collect::<Vec<_>>(),
            Vec::<PathBuf>::new()
        );
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // It ends its children; it may be gone already, which is as good.
        self.signal("TERM");
        self.child.wait().ok();
        if std::thread::panicking() {
            println!("the demo printed:\n{}", self.printed());
        }
    }
}

#[tokio::test]
async fn the_demo_shows_what_it_says() {
    if !has_prometheus() {
        return;
    }
    let mut demo = Demo::start();
    assert!(demo.exit(PATIENCE).await.success());
    println!("{}", demo.printed());
    let numbers: Value = serde_json::from_str(&demo.read("numbers.json")).unwrap();
    let number = |path: &str| numbers.pointer(path).and_then(Value::as_f64).unwrap();
    for variant in ["on", "off"] {
        let of = |name: &str| number(&format!("/{name}/{variant}"));
        assert_eq!(of("exposures"), of("users_met"), "{variant}");
        assert_eq!(of("requests"), of("requests_served"), "{variant}");
        assert!(of("exposures") >= 50.0 && of("requests") > of("exposures"), "{numbers:#}");
        assert_eq!(number(&format!("/error_ratio/{variant}/at_last")), 0.0);
    }
    assert!(number("/error_ratio/on/worst") > 0.1);
    assert_eq!(number("/error_ratio/off/worst"), 0.0);
    assert!(0.0 < number("/alert/fired") && number("/alert/fired") < number("/alert/resolved"));
    assert_eq!(numbers["alert"]["owner"], "team-pricing");
    let picture = demo.read("rollout.svg");
    assert!(picture.contains("<svg") && picture.trim_end().ends_with("</svg>"));
    demo.assert_nothing_is_left();
}

#[tokio::test]
async fn an_interrupted_demo_leaves_nothing() {
    if !has_prometheus() {
        return;
    }
    let mut demo = Demo::start();
    eventually(PATIENCE, "it is at 5 %", async || {
        assert!(demo.child.try_wait().unwrap().is_none(), "it ended");
        demo.printed().contains(" 5 % of users")
    })
    .await;
    let mut names = demo.processes();
    names.sort();
    names.retain(|name| name.starts_with("flagstaff") || name.starts_with("prometheus"));
    assert_eq!(names, ["flagstaff\n", "prometheus\n"], "the scan finds what runs");
    assert!(demo.signal("INT"));
    assert_eq!(demo.exit(DEADLINE).await.code(), Some(130));
    demo.assert_nothing_is_left();
}

#[test]
fn the_hook_is_ten_lines_to_copy() {
    let (_, code) = HOOK.split_once("import Counter\n").unwrap();
    let lines = code.lines().filter(|line| !line.trim().is_empty());
    assert_eq!(lines.count(), 10);
}

#[test]
fn the_demo_has_the_versions_under_test() {
    let name = |pin: &str| pin.split("==").next().unwrap().to_owned();
    let tested = |pin: &&str| TESTED_PINS.lines().any(|line| line.starts_with(&name(pin)));
    let shared: Vec<_> = PINS.lines().filter(|line| line.contains("==")).filter(tested).collect();
    assert!(shared.len() > 10, "{shared:?}");
    for pin in shared {
        assert!(TESTED_PINS.lines().any(|line| line == pin), "{pin} is not what is tested");
    }
}
