//! Without events, beside them, and after they were lost.

use super::*;

#[tokio::test]
async fn lost_events_mean_a_look_by_a_new_instance_and_the_old_thread_ends() {
    let mut watched = Watched::new("flags.json", |root| rename_over(&root.join("flags.json"), "0"));
    for i in 1..=3 {
        watched.drain().await;
        // An instance that has gone deaf is the worst case; its thread holds on to the handler.
        let alive = Arc::new(());
        let held = Arc::clone(&alive);
        watched.watcher.directories = Some(Directories::open(move |_| _ = &held).unwrap());
        watched.watcher.events.on_event(Err(notify::Error::generic("queue lost")));
        let writes = timeout(DEADLINE, watched.changed()).await.unwrap();
        watched.go_on(writes);
        assert_eq!(watched.watcher.mode(), WatchMode::Inotify);
        let content = i.to_string();
        let update = |root: &Path| rename_over(&root.join("flags.json"), &i.to_string());
        watched.sees(&content, update).await;
        eventually("the end of the old thread", || Arc::strong_count(&alive) == 1).await;
    }
}

async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let waited = timeout(DEADLINE, async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    assert!(waited.await.is_ok(), "never: {what}");
}

#[tokio::test]
async fn polling_alone_looks_at_the_interval_and_opens_no_instance() {
    let interval = Duration::from_millis(50);
    let start = Instant::now();
    let mut watched = Watched::with("flags.json", WatchOption::Poll, interval, |_| {});
    assert_eq!(watched.watcher.mode(), WatchMode::Poll);
    assert!(watched.watcher.refusal().is_none());
    assert!(watched.watcher.directories.is_none());
    for _ in 0..3 {
        fs::write(&watched.path, "1").unwrap();
        timeout(DEADLINE, watched.changed()).await.unwrap();
    }
    assert!(start.elapsed() >= 3 * interval, "{:?}", start.elapsed());
}

#[tokio::test]
async fn the_poll_runs_beside_the_events() {
    let interval = Duration::from_millis(20);
    let mut watched = Watched::with("flags.json", WatchOption::Auto, interval, |_| {});
    assert_eq!(watched.watcher.mode(), WatchMode::Inotify);
    timeout(DEADLINE, watched.changed()).await.unwrap();
}

/// Runs this very test once more in a user namespace that grants no inotify instance.
#[tokio::test]
async fn where_inotify_is_refused_it_polls_and_asks_again() {
    const INSTANCES: &str = "/proc/sys/user/max_inotify_instances";
    const WATCHES: &str = "/proc/sys/user/max_inotify_watches";
    if env::var_os("FLAGSTAFF_NO_INOTIFY").is_none() {
        let unshare = Command::new("unshare").args(["-r", "true"]).output();
        if !unshare.is_ok_and(|output| output.status.success()) {
            assert!(env::var_os("CI").is_none(), "unshare -r does not work here");
            println!("skipped: unshare -r does not work here");
            return;
        }
        let module = module_path!().split_once("::").unwrap().1;
        let output = Command::new("unshare")
            .args(["-r", "sh", "-c", &format!("echo 0 > {INSTANCES} && exec \"$@\""), "sh"])
            .arg(env::current_exe().unwrap())
            .arg(format!("{module}::where_inotify_is_refused_it_polls_and_asks_again"))
            .args(["--exact", "--nocapture"])
            .env("FLAGSTAFF_NO_INOTIFY", "1")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "{output:?}");
        return;
    }

    let mut watched = Watched::new("flags.json", |root| rename_over(&root.join("flags.json"), "0"));
    assert_eq!(watched.watcher.mode(), WatchMode::Poll);
    assert!(matches!(watched.watcher.refusal(), Some(WatchRefusal::Instance(_))));
    // The interval asked for is an hour, the refusal makes it a second.
    rename_over(&watched.path, "1");
    let writes = timeout(DEADLINE, watched.changed()).await.unwrap();
    watched.go_on(writes);
    assert_eq!(watched.watcher.mode(), WatchMode::Poll);

    // An instance, but one watch only.
    fs::write(INSTANCES, "9").unwrap();
    fs::write(WATCHES, "1").unwrap();
    watched.watcher.next_attempt = Instant::now();
    let writes = timeout(DEADLINE, watched.changed()).await.unwrap();
    watched.go_on(writes);
    assert_eq!(watched.watcher.mode(), WatchMode::Poll);
    assert!(matches!(watched.watcher.refusal(), Some(WatchRefusal::Directory { .. })));

    fs::write(WATCHES, "99").unwrap();
    let writes = timeout(DEADLINE, watched.changed()).await.unwrap();
    watched.go_on(writes);
    assert_eq!(watched.watcher.mode(), WatchMode::Inotify);
    assert!(watched.watcher.refusal().is_none());
    watched.sees("2", |root| rename_over(&root.join("flags.json"), "2")).await;
}
