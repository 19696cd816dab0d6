//! What the tests stand on: real files, updated the way people and the kubelet do it. The poll is
//! an hour away unless a test is about it, so that only an event can end a wait.

mod directories;
mod modes;
mod updates;
mod waits;

use std::{
    env,
    fs::{self, File, OpenOptions},
    io::Write,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use tempfile::TempDir;
use tokio::time::{Instant, timeout};

use super::*;

const NEVER: Duration = Duration::from_secs(3600);
const DEADLINE: Duration = Duration::from_secs(10);

/// A watched path in a directory of its own.
struct Watched {
    path: PathBuf,
    root: PathBuf,
    watcher: Watcher,
    _dir: TempDir,
}

impl Watched {
    /// Watches `path`, after `lay_out` has put what is there from the start.
    fn new(path: &str, lay_out: impl FnOnce(&Path)) -> Self {
        Self::with(path, WatchOption::Auto, NEVER, lay_out)
    }

    fn with(
        path: &str,
        option: WatchOption,
        poll_interval: Duration,
        lay_out: impl FnOnce(&Path),
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        lay_out(&root);
        let path = root.join(path);
        let mut watcher = Watcher::new(vec![path.clone()], option, poll_interval, Arc::default());
        let writes = watcher.prepare();
        let mut watched = Self { path, root, watcher, _dir: dir };
        watched.go_on(writes);
        watched
    }

    /// Updates the files and waits to be woken for it, with the watched path showing `content`.
    /// Returns how long that took.
    async fn sees(&mut self, content: &str, update: impl FnOnce(&Path)) -> Duration {
        let path = self.path.clone();
        self.sees_in(&path, content, update).await
    }

    /// As [`Self::sees`], for one file of a watched directory.
    async fn sees_in(
        &mut self,
        file: &Path,
        content: &str,
        update: impl FnOnce(&Path),
    ) -> Duration {
        self.drain().await;
        let start = Instant::now();
        update(&self.root);
        loop {
            let woken = timeout(DEADLINE, self.changed()).await;
            assert!(woken.is_ok(), "not woken for {content:?} in {}", file.display());
            if fs::read_to_string(file).is_ok_and(|found| found == content) {
                return start.elapsed();
            }
        }
    }

    /// Uses up what earlier updates left, so that a wake can only come from the next one.
    async fn drain(&mut self) {
        for _ in 0..50 {
            if !self.wakes().await {
                return;
            }
        }
        panic!("woken again and again without a change");
    }

    /// Waits for a change, and makes ready to read.
    async fn changed(&mut self) -> Writes {
        self.watcher.changed().await;
        self.watcher.prepare()
    }

    /// Goes on, as the sidecar does, until the disk has answered, which takes a while under load.
    fn go_on(&mut self, mut writes: Writes) {
        while self.watcher.is_slow() {
            thread::yield_now();
            writes = self.watcher.go_on(&writes);
        }
    }

    /// Whether there is a wake within a time ample for an event.
    async fn wakes(&mut self) -> bool {
        timeout(Duration::from_millis(40), self.changed()).await.is_ok()
    }
}

/// Fails at five times the claim, since machines are noisy, and prints what was measured.
#[track_caller]
fn check_latency(style: &str, claimed_millis: u64, mut times: Vec<Duration>) {
    times.sort();
    let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
    println!("{style}: median {median:.1?}, worst {worst:.1?} of {}", times.len());
    assert!(median < Duration::from_millis(5 * claimed_millis), "{style}: {median:?}");
}

/// Puts content into a mount the way the kubelet's AtomicWriter does.
fn config_map(mount: &Path, revision: usize, files: &[(&str, &str)]) {
    fs::create_dir_all(mount).unwrap();
    let old = fs::read_link(mount.join("..data"));
    let new = format!("..2026_{revision}");
    fs::create_dir(mount.join(&new)).unwrap();
    for (name, content) in files {
        fs::write(mount.join(&new).join(name), content).unwrap();
    }
    symlink(&new, mount.join("..data_tmp")).unwrap();
    fs::rename(mount.join("..data_tmp"), mount.join("..data")).unwrap();
    for (name, _) in files {
        if !mount.join(name).is_symlink() {
            symlink(format!("..data/{name}"), mount.join(name)).unwrap();
        }
    }
    if let Ok(old) = old {
        fs::remove_dir_all(mount.join(old)).unwrap();
    }
}

fn rename_over(path: &Path, content: &str) {
    let tmp = path.with_extension("tmp");
    fs::write(&tmp, content).unwrap();
    fs::rename(tmp, path).unwrap();
}
