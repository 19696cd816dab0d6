//! What happens above the file: links swapped, directories made, replaced and deleted.

use super::*;

#[tokio::test]
async fn a_link_swapped_two_levels_up_is_seen() {
    let publish = |root: &Path, i: usize| {
        let revision = root.join(format!("rev{i}"));
        fs::create_dir_all(revision.join("deep")).unwrap();
        fs::write(revision.join("deep/flags.json"), i.to_string()).unwrap();
        symlink(&revision, root.join("tmp-link")).unwrap();
        fs::rename(root.join("tmp-link"), root.join("current")).unwrap();
    };
    let mut watched = Watched::new("current/deep/flags.json", |root| publish(root, 0));
    let mut times = Vec::new();
    for i in 1..=20 {
        times.push(watched.sees(&i.to_string(), |root| publish(root, i)).await);
    }
    check_latency("link swapped two levels up", 5, times);
}

#[tokio::test]
async fn a_file_absent_at_start_is_seen_with_its_directories() {
    let mut watched = Watched::new("a/b/c/flags.json", |_| {});
    // One step at a time: each directory must be watched before the next one appears in it.
    for dir in ["a", "a/b", "a/b/c"] {
        let dir = watched.root.join(dir);
        watched.drain().await;
        fs::create_dir(dir).unwrap();
        timeout(DEADLINE, watched.changed()).await.unwrap();
    }
    watched.sees("1", |root| fs::write(root.join("a/b/c/flags.json"), "1").unwrap()).await;
    // And all at once, after all of it has gone.
    fs::remove_dir_all(watched.root.join("a")).unwrap();
    watched
        .sees("2", |root| {
            fs::create_dir_all(root.join("a/b/c")).unwrap();
            fs::write(root.join("a/b/c/flags.json"), "2").unwrap();
        })
        .await;
    watched.sees("3", |root| fs::write(root.join("a/b/c/flags.json"), "3").unwrap()).await;
}

#[tokio::test]
async fn directories_made_during_the_look_are_not_missed() {
    const DEPTH: usize = 100;
    let mut watched = Watched::new(&format!("{}flags.json", "a/".repeat(DEPTH)), |_| {});
    // Made slowly by another thread, so that the look for the first falls among the last.
    let make = |root: &Path| {
        let mut dir = root.to_path_buf();
        thread::spawn(move || {
            for _ in 0..DEPTH {
                dir.push("a");
                fs::create_dir(&dir).unwrap();
                thread::park_timeout(Duration::from_micros(100));
            }
            fs::write(dir.join("flags.json"), "1").unwrap();
        });
    };
    watched.sees("1", make).await;
}

#[tokio::test]
async fn a_directory_replaced_by_another_is_seen() {
    for replaced in ["parent/live", "parent"] {
        let mut watched = Watched::new("parent/live/flags.json", |root| {
            fs::create_dir_all(root.join("parent/live")).unwrap();
            fs::write(root.join("parent/live/flags.json"), "0").unwrap();
        });
        let mut times = Vec::new();
        for i in 1..=10 {
            let replace = |root: &Path| {
                let old = root.join(format!("old{i}"));
                fs::create_dir(root.join("next")).unwrap();
                let below = Path::new("parent/live").strip_prefix(replaced).unwrap();
                fs::create_dir_all(root.join("next").join(below)).unwrap();
                fs::write(root.join("next").join(below).join("flags.json"), i.to_string()).unwrap();
                fs::rename(root.join(replaced), old).unwrap();
                fs::rename(root.join("next"), root.join(replaced)).unwrap();
            };
            times.push(watched.sees(&i.to_string(), replace).await);
            // The new directory is the one that is watched.
            let content = format!("{i} in place");
            let write = |root: &Path| {
                fs::write(root.join("parent/live/flags.json"), format!("{i} in place")).unwrap();
            };
            watched.sees(&content, write).await;
        }
        check_latency(&format!("directory replaced, {replaced}"), 5, times);
    }
}

#[tokio::test]
async fn a_directory_deleted_while_in_use_and_made_again_is_seen() {
    let mut watched = Watched::new("live/flags.json", |root| {
        fs::create_dir(root.join("live")).unwrap();
        fs::write(root.join("live/flags.json"), "0").unwrap();
    });
    // As a shell in it does: the directory lives on without a name and reports no end.
    let in_use = File::open(watched.root.join("live")).unwrap();
    let replace = |root: &Path| {
        fs::remove_dir_all(root.join("live")).unwrap();
        fs::create_dir(root.join("live")).unwrap();
        fs::write(root.join("live/flags.json"), "1").unwrap();
    };
    watched.sees("1", replace).await;
    // Only now the old one ends, and notify takes the new one's watch down with it.
    watched.drain().await;
    drop(in_use);
    watched.sees("2", |root| fs::write(root.join("live/flags.json"), "2").unwrap()).await;
}
