//! What must not wake, and how long a wake may wait.

use super::*;

#[tokio::test]
async fn our_own_reads_wake_nobody() {
    for path in ["mount/flags.json", "mount"] {
        let mut watched = Watched::new(path, |root| {
            config_map(&root.join("mount"), 0, &[("flags.json", "0")]);
        });
        let file = watched.root.join("mount/flags.json");
        watched.drain().await;
        for _ in 0..100 {
            assert_eq!(fs::read_to_string(&file).unwrap(), "0");
            assert!(fs::read_dir(watched.root.join("mount")).unwrap().count() > 0);
        }
        assert!(!watched.wakes().await, "woken by reads of {path}");
    }
}

#[tokio::test]
async fn unrelated_neighbours_wake_nobody() {
    for path in ["flags/a.json", "flags"] {
        let mut watched = Watched::new(path, |root| {
            fs::create_dir(root.join("flags")).unwrap();
            fs::write(root.join("flags/a.json"), "0").unwrap();
        });
        watched.drain().await;
        for i in 0..100 {
            fs::write(watched.root.join(format!("{i}.json")), "busy").unwrap();
            fs::write(watched.root.join(format!("flags/{i}.txt")), "busy").unwrap();
            rename_over(&watched.root.join("flags/.a.json"), "busy");
        }
        assert!(!watched.wakes().await, "woken by neighbours of {path}");
        let file = watched.root.join("flags/a.json");
        watched
            .sees_in(&file, "1", |root| fs::write(root.join("flags/a.json"), "1").unwrap())
            .await;
    }
}

#[tokio::test]
async fn yaml_whose_writer_has_not_closed_it_is_given_time() {
    // Polls fall into the wait and must not cut it short.
    let interval = Duration::from_millis(100);
    let mut watched = Watched::with("flags.yaml", WatchOption::Auto, interval, |root| {
        fs::write(root.join("flags.yaml"), "0").unwrap();
    });
    let mut writer = OpenOptions::new().write(true).open(&watched.path).unwrap();
    let elapsed = watched.sees("1", |_| writer.write_all(b"1").unwrap()).await;
    assert!(elapsed >= Duration::from_millis(195), "{elapsed:?}");
}

#[tokio::test]
async fn a_wait_given_up_loses_nothing() {
    let mut watched = Watched::new("flags.yaml", |root| {
        fs::write(root.join("flags.yaml"), "0").unwrap();
    });
    watched.drain().await;
    let mut writer = OpenOptions::new().write(true).open(&watched.path).unwrap();
    writer.write_all(b"1").unwrap();
    // Dropped every few milliseconds of the 200, as a select! with a faster branch does.
    let woken = timeout(DEADLINE, async {
        while timeout(Duration::from_millis(5), watched.watcher.changed()).await.is_err() {}
    });
    assert!(woken.await.is_ok(), "the write was forgotten");
}
