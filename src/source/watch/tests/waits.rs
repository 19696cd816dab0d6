//! What must not wake, and how long a wake may wait.

use super::*;
use notify::{
    EventKind,
    event::{DataChange, ModifyKind},
};

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
async fn what_is_known_of_the_writer_is_told() {
    let mut watched = Watched::new("flags.yaml", |root| {
        fs::write(root.join("flags.yaml"), "0").unwrap();
    });
    watched.drain().await;
    let mut writer = OpenOptions::new().write(true).open(&watched.path).unwrap();
    writer.write_all(b"1").unwrap();
    let chain = Chain::of([&watched.path]);
    let writes = watched.changed().await;
    assert!(writes.is_open(&watched.path) && !writes.is_complete(&chain), "{writes:?}");
    // Nothing is read here, so the close comes right after the write.
    drop(writer);
    let writes = watched.changed().await;
    let closing = writes.closing(&watched.path);
    assert!(!writes.is_open(&watched.path) && !writes.is_complete(&chain), "{writes:?}");
    assert_eq!(closing, Some(Closing::AfterWrite), "{writes:?}");
    rename_over(&watched.path, "2");
    let writes = watched.changed().await;
    assert!(!writes.is_open(&watched.path) && writes.is_complete(&chain), "{writes:?}");
}

/// A list is followed after the flag file that names it was read.
#[tokio::test]
async fn a_writer_is_known_before_its_file_is_followed() {
    let mut watched = Watched::new("flags.yaml", |root| {
        fs::write(root.join("flags.yaml"), "0").unwrap();
        fs::write(root.join("list.txt"), "a\n").unwrap();
    });
    let list = watched.root.join("list.txt");
    watched.drain().await;
    let mut writer = OpenOptions::new().append(true).open(&list).unwrap();
    writer.write_all(b"b\n").unwrap();
    // Events come in order, so that of the list is known when this one wakes.
    rename_over(&watched.path, "1");
    let writes = watched.changed().await;
    assert!(writes.is_open(&list), "{writes:?}");
    watched.drain().await;
    drop(writer);
    rename_over(&watched.path, "2");
    let writes = watched.changed().await;
    assert!(!writes.is_open(&list), "{writes:?}");
}

#[tokio::test]
async fn a_poll_does_not_cut_short_the_wait_for_a_writer() {
    let mut watched = Watched::new("flags.json", |root| {
        fs::write(root.join("flags.json"), "0").unwrap();
    });
    watched.drain().await;
    let start = Instant::now();
    let written = EventKind::Modify(ModifyKind::Data(DataChange::Any));
    let event = notify::Event::new(written).add_path(watched.path.clone());
    watched.watcher.events.on_event(Ok(event));
    watched.watcher.next_poll = start;
    assert!(watched.changed().await.is_open(&watched.path));
    assert!(start.elapsed() >= Duration::from_millis(10), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_wait_given_up_loses_nothing() {
    let mut watched = Watched::new("flags.yaml", |root| {
        fs::write(root.join("flags.yaml"), "0").unwrap();
    });
    watched.drain().await;
    let mut writer = OpenOptions::new().write(true).open(&watched.path).unwrap();
    writer.write_all(b"1").unwrap();
    // Dropped again and again in the 10 ms, as a select! with a faster branch does.
    let woken = timeout(DEADLINE, async {
        while timeout(Duration::from_millis(1), watched.changed()).await.is_err() {}
    });
    assert!(woken.await.is_ok(), "the write was forgotten");
}
