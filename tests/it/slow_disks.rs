//! Files that do not open and file systems that do not answer: the other files, lists and
//! overrides are served meanwhile, and the process is alive.

use crate::{
    client::Client,
    flags::Flags,
    sidecar::{DEADLINE, Sidecar, eventually, flagstaff, http_get},
};
use flagstaff::pb::flagd::evaluation::v2::ResolveStringResponse;
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    time::{Duration, Instant},
};

/// Holds a write lease on a file and does not give it up when asked.
const LEASE: &str = "\
import fcntl, os, signal, sys, time
signal.signal(signal.SIGIO, signal.SIG_IGN)
file = os.open(sys.argv[1], os.O_RDWR)
for attempt in range(500):
    try:
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        break
    except OSError:
        time.sleep(0.01)
print('held', flush=True)
sys.stdin.read()
";

/// Mounts a file system whose server never answers over a file or a directory.
const HANG: &str = "\
import ctypes, os, stat, sys
libc = ctypes.CDLL(None, use_errno=True)
target = os.fsencode(sys.argv[1])
try:
    fuse = os.open('/dev/fuse', os.O_RDWR)
except OSError as error:
    print('refused', error, flush=True); sys.exit()
mode = stat.S_IFMT(os.stat(target).st_mode)
options = f'fd={fuse},rootmode={mode:o},user_id=0,group_id=0,allow_other'.encode()
if libc.mount(b'hung', target, b'fuse', 0, options):
    print('refused', os.strerror(ctypes.get_errno()), flush=True); sys.exit()
print('held', flush=True)
sys.stdin.read()
libc.umount2(target, 2)
os.close(fuse)
";

/// What a script holds until this is dropped.
struct Held {
    child: Child,
    stdin: Option<ChildStdin>,
}

impl Held {
    fn by(script: &str, path: &Path) -> Option<Self> {
        let mut command = Command::new("python3");
        command.args(["-c", script]).arg(path).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let stdin = child.stdin.take();
        let held = Self { child, stdin };
        if line.trim() != "held" {
            println!("skipped: {line}");
            return None;
        }
        Some(held)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.stdin.take();
        self.child.wait().ok();
    }
}

fn file(key: &str, variant: &str) -> Value {
    json!({"flags": {key: {"state": "ENABLED", "variants": {"a": "a", "b": "b"},
        "defaultVariant": variant}}})
}

async fn expect(client: &Client, key: &str, variant: &str) -> Duration {
    let start = Instant::now();
    let what = format!("{key} is {variant}");
    eventually(DEADLINE, &what, async || {
        let answer = client.resolve::<ResolveStringResponse>(key, json!({})).await;
        answer.is_ok_and(|answer| answer.variant.as_deref() == Some(variant))
    })
    .await;
    start.elapsed()
}

/// Serves a variant to everyone, as an operator does.
fn set(sidecar: &Sidecar, key: &str, variant: &str) {
    let address = sidecar.management().to_string();
    let arguments = ["override", "set", key, variant, "--for", "1h", "--why", "a test"];
    let output = flagstaff().args(arguments).args(["--address", &address]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// Flags, the options of a sidecar, and the directory of overrides.
fn directory() -> (Flags, Vec<String>) {
    let flags = Flags::directory(&[("one.json", &file("f", "a")), ("two.json", &file("g", "a"))]);
    let overrides = flags.dir().join("overrides").display().to_string();
    (flags, vec!["--overrides".to_owned(), overrides])
}

fn texts(options: &[String]) -> Vec<&str> {
    options.iter().map(String::as_str).collect()
}

#[tokio::test]
async fn a_lease_on_one_file_delays_neither_another_nor_an_override() {
    let (flags, options) = directory();
    let sidecar = Sidecar::start_with(&flags, &texts(&options)).await;
    let client = Client::connect(&sidecar).await;
    let two = flags.path().join("two.json");
    fs::write(&two, file("g", "b").to_string()).unwrap();
    expect(&client, "g", "b").await;
    let lease = Held::by(LEASE, &two).unwrap();
    flags.put("one.json", &file("f", "b"));
    let other = expect(&client, "f", "b").await;
    let start = Instant::now();
    set(&sidecar, "g", "a");
    expect(&client, "g", "a").await;
    println!("under a lease: another file {other:.1?}, an override {:.1?}", start.elapsed());
    assert!(other < Duration::from_secs(2), "{other:?}");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(http_get(sidecar.management(), "/livez").await.0, 200);
    // Reported when it lasts, and read as soon as it ends.
    sidecar.wait_for_log(&["WARN", "two.json", "lease"]).await;
    drop(lease);
    eventually(DEADLINE, "all is good again", async || {
        sidecar.metric("flagstaff_config_last_reload_successful").await == 1.0
    })
    .await;
}

#[tokio::test]
async fn a_lease_on_a_list_keeps_only_the_flag_that_asks_it() {
    let text = |on: &str| {
        format!(
            "flagstaff: 1\nbucketing: v2\nflags:\n  listed:\n    rules:\n      - {{ if: {{ targetingKey: {{ in_list: \
             ids.txt }} }}, serve: on }}\n    serve: off\n  other:\n    serve: {on}\n"
        )
    };
    let flags = Flags::absent_at("flags.yaml");
    flags.replace(text("off"));
    let list = flags.path().with_file_name("ids.txt");
    fs::write(&list, "ana\n").unwrap();
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    let is_on = async |flag: &str| {
        let context = json!({"targetingKey": "ana"});
        let answer: flagstaff::pb::flagd::evaluation::v2::ResolveBooleanResponse =
            client.resolve(flag, context).await.unwrap();
        answer.value == Some(true)
    };
    assert!(is_on("listed").await && !is_on("other").await);
    let lease = Held::by(LEASE, &list).unwrap();
    flags.replace(text("on"));
    eventually(DEADLINE, "the other flag", async || is_on("other").await).await;
    assert!(is_on("listed").await, "its last good definition is served");
    drop(lease);
    eventually(DEADLINE, "all is good again", async || {
        sidecar.metric("flagstaff_config_last_reload_successful").await == 1.0
    })
    .await;
    assert!(is_on("listed").await);
}

#[tokio::test]
async fn a_file_that_does_not_answer_delays_no_other_and_is_reported() {
    let (flags, options) = directory();
    let sidecar = Sidecar::start_with(&flags, &texts(&options)).await;
    let client = Client::connect(&sidecar).await;
    let Some(hung) = Held::by(HANG, &flags.path().join("two.json")) else { return };
    let start = Instant::now();
    flags.put("one.json", &file("f", "b"));
    let other = expect(&client, "f", "b").await;
    set(&sidecar, "g", "b");
    expect(&client, "g", "b").await;
    println!("beside a hung file: another file {other:.1?}, an override {:.1?}", start.elapsed());
    flags.put("one.json", &file("f", "a"));
    let next = expect(&client, "f", "a").await;
    assert!(next < Duration::from_millis(1500), "it is waited for only once: {next:?}");
    for probe in ["/livez", "/readyz"] {
        assert_eq!(http_get(sidecar.management(), probe).await.0, 200, "{probe}");
    }
    const SCAN: &str = "flagstaff_config_last_scan_timestamp_seconds";
    let scanned = sidecar.metric(SCAN).await;
    let silent = Duration::from_secs(45);
    eventually(silent, "30 s are reported", async || {
        sidecar.metric("flagstaff_config_last_reload_successful").await == 0.0
    })
    .await;
    assert!(start.elapsed() > Duration::from_secs(25), "{:?}", start.elapsed());
    sidecar.wait_for_log(&["WARN", "two.json", "does not answer"]).await;
    assert_eq!(sidecar.metric(SCAN).await, scanned, "no scan read every file");
    drop(hung);
    eventually(DEADLINE, "all is good again", async || {
        sidecar.metric("flagstaff_config_last_reload_successful").await == 1.0
    })
    .await;
    assert!(sidecar.metric(SCAN).await > scanned);
}

#[tokio::test]
async fn a_start_onto_a_mount_that_does_not_answer_is_alive_says_why_and_ends_when_told() {
    let (flags, options) = directory();
    let Some(hung) = Held::by(HANG, flags.path()) else { return };
    let mut sidecar = Sidecar::spawn(&flags, &texts(&options)).await;
    eventually(DEADLINE, "readiness says why", async || {
        let (status, why) = sidecar.readyz().await;
        status == 503 && why.contains("does not answer")
    })
    .await;
    assert_eq!(http_get(sidecar.management(), "/livez").await.0, 200);
    sidecar.sigterm();
    assert!(sidecar.wait_exit(DEADLINE).await.success());
    let sidecar = Sidecar::spawn(&flags, &texts(&options)).await;
    drop(hung);
    eventually(DEADLINE, "ready", async || sidecar.readyz().await.0 == 200).await;
    let client = Client::connect(&sidecar).await;
    expect(&client, "f", "a").await;
    // Changes are noticed by events again.
    eventually(DEADLINE, "events", async || {
        sidecar.metric("flagstaff_config_watch_mode{mode=\"inotify\"}").await == 1.0
    })
    .await;
    flags.put("one.json", &file("f", "b"));
    expect(&client, "f", "b").await;
}
