//! A real browser, driven over Chromium's DevTools protocol: one page, what it shows and asks for.

use serde_json::{Value, json};
use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, channel},
    },
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::time::sleep;

/// Ample for a browser that starts on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

const ADVICE: &str = "the page's tests need Chromium; on Debian: apt-get install chromium";

/// One browser at a time: several would only slow each other down.
static ONE: Mutex<()> = Mutex::new(());

/// A browser with one page open, which is ended on drop.
pub(crate) struct Browser {
    child: Child,
    commands: ChildStdin,
    messages: Receiver<Value>,
    last: u64,
    session: String,
    /// What happened so far, oldest first.
    events: Vec<Value>,
    _profile: TempDir,
    _one: MutexGuard<'static, ()>,
}

impl Browser {
    /// Starts it, unless there is none: then the test has to skip, which CI does not allow.
    pub(crate) fn start() -> Option<Self> {
        let Some(program) = installed() else {
            let on_ci = env::var_os("CI").is_some_and(|value| value == "true");
            assert!(!on_ci, "{ADVICE}");
            println!("skipped: {ADVICE}");
            return None;
        };
        // A test that failed with a browser says nothing of this one.
        let one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let profile = TempDir::new().unwrap();
        // The protocol is spoken over descriptors 3 and 4, which end with this process: no port
        // that others could use, and no browser that is left behind.
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null", "sh"])
            .arg(program)
            .args(["--headless=new", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu"])
            // As root, and in a container that has no user namespaces, there is no sandbox.
            .args(["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let commands = child.stdin.take().unwrap();
        let messages = received(child.stdout.take().unwrap());
        let mut browser = Self {
            child,
            commands,
            messages,
            last: 0,
            session: String::new(),
            events: Vec::new(),
            _profile: profile,
            _one: one,
        };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let attached = browser.call("Target.attachToTarget", attach);
        browser.session = attached["sessionId"].as_str().unwrap().to_owned();
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    /// Sends a command and returns its result.
    pub(crate) fn call(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let mut command = json!({"id": self.last, "method": method});
        command["params"] = params;
        if !self.session.is_empty() {
            command["sessionId"] = self.session.as_str().into();
        }
        let mut command = command.to_string().into_bytes();
        command.push(0);
        self.commands.write_all(&command).unwrap();
        loop {
            let message = self.messages.recv_timeout(PATIENCE).unwrap();
            if message["id"] == self.last {
                assert!(message.get("error").is_none(), "{method}: {message:#}");
                return message["result"].clone();
            }
            self.events.push(message);
        }
    }

    /// Sets the size of the window and the colours that the person prefers.
    pub(crate) fn look(&mut self, width: u32, height: u32, scheme: &str) {
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", size);
        let scheme = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.call("Emulation.setEmulatedMedia", scheme);
    }

    pub(crate) fn open(&mut self, url: &str) {
        let opened = self.call("Page.navigate", json!({"url": url}));
        assert!(opened.get("errorText").is_none(), "{url}: {opened}");
    }

    /// What an expression of JavaScript comes to in the page.
    pub(crate) fn ask(&mut self, expression: &str) -> Value {
        let params = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let answer = self.call("Runtime.evaluate", params);
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer:#}");
        answer["result"]["value"].clone()
    }

    /// Waits until an expression comes to this.
    pub(crate) async fn expect(&mut self, expression: &str, value: impl Into<Value>) {
        let value = value.into();
        let start = Instant::now();
        loop {
            let found = self.ask(expression);
            if found == value {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "{expression} is {found}, not {value}");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Types a text, or presses a key that has a name.
    pub(crate) fn press(&mut self, key: &str) {
        let text = if key.chars().count() == 1 { key } else { "" };
        for kind in ["keyDown", "keyUp"] {
            let text = if kind == "keyDown" { text } else { "" };
            let event = json!({"type": kind, "key": key, "text": text});
            self.call("Input.dispatchKeyEvent", event);
        }
    }

    pub(crate) fn screenshot(&mut self, name: &str) -> PathBuf {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let taken = self.call("Page.captureScreenshot", json!({"format": "png"}));
        let png = taken["data"].as_str().unwrap();
        fs::write(&path, decoded(png)).unwrap();
        path
    }

    /// The address of every request of the page so far.
    pub(crate) fn requests(&mut self) -> Vec<String> {
        let sent = self.events("Network.requestWillBeSent").into_iter();
        sent.map(|event| event["request"]["url"].as_str().unwrap().to_owned()).collect()
    }

    /// What the page complained about: exceptions, its console, the browser's own log.
    pub(crate) fn complaints(&mut self) -> Vec<Value> {
        let mut complaints = self.events("Runtime.exceptionThrown");
        complaints.extend(self.events("Runtime.consoleAPICalled"));
        complaints.extend(self.events("Log.entryAdded"));
        complaints
    }

    fn events(&mut self, method: &str) -> Vec<Value> {
        self.events.extend(self.messages.try_iter());
        let events = self.events.iter().filter(|event| event["method"] == method);
        events.map(|event| event["params"].clone()).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Its other processes end with it. It may be gone already, which is as good.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn installed() -> Option<PathBuf> {
    let directories: Vec<_> = env::split_paths(&env::var_os("PATH")?).collect();
    let programs = ["chromium", "chromium-browser", "google-chrome"].into_iter();
    let mut places = programs.flat_map(|name| directories.iter().map(move |dir| dir.join(name)));
    places.find(|place| place.is_file())
}

/// What the browser says, message by message, until it ends.
fn received(stdout: ChildStdout) -> Receiver<Value> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for message in BufReader::new(stdout).split(0).map_while(Result::ok) {
            let Ok(message) = serde_json::from_slice(&message) else { return };
            if sender.send(message).is_err() {
                return;
            }
        }
    });
    receiver
}

fn decoded(base64: &str) -> Vec<u8> {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    BASE64_STANDARD.decode(base64).unwrap()
}
