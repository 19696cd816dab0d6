//! Links to a file system that does not answer, beside files that do.

use super::{
    SOON, expect, file,
    held::{HANG, Held},
};
use crate::{
    client::Client,
    flags::Flags,
    sidecar::{DEADLINE, Sidecar, eventually},
};
use std::{
    fs,
    os::unix::fs::symlink,
    path::Path,
    time::{Duration, Instant},
};

/// Puts a link in place that leads to a mount that hangs.
fn hang(flags: &Flags, path: &Path) -> Option<Held> {
    let target = flags.dir().join("hung");
    fs::write(&target, "").unwrap();
    let held = Held::by(HANG, &target)?;
    symlink(target, path).unwrap();
    Some(held)
}

#[tokio::test]
async fn a_link_that_hangs_from_the_start_does_not_keep_its_directory_from_being_watched() {
    let flags = Flags::directory(&[("one.json", &file("f", "a"))]);
    let Some(_hung) = hang(&flags, &flags.path().join("two.json")) else { return };
    let sidecar = Sidecar::start_with(&flags, &["--start-without-flags"]).await;
    let client = Client::connect(&sidecar).await;
    // Files of a directory wait up to 1 s for others that may have been swapped with them.
    expect(&client, "f", "a").await;
    for variant in ["b", "a", "b", "a"] {
        flags.put("one.json", &file("f", variant));
        let took = expect(&client, "f", variant).await;
        println!("beside a link that hangs: {took:.1?}");
        assert!(took < SOON, "{took:?}");
    }
}

#[tokio::test]
async fn a_file_that_waits_for_its_hung_list_does_not_forget_that_its_writer_is_done() {
    let text = |now: &str| {
        format!(
            "flagstaff: 1\nbucketing: v2\nflags:\n  listed:\n    rules:\n      - {{ if: {{ targetingKey: {{ in_list: \
             ids.txt }} }}, serve: on }}\n    serve: off\n  f:\n    variants: {{ a: a, b: b }}\n    serve: {now}\n"
        )
    };
    let flags = Flags::absent_at("flags.yaml");
    flags.replace(text("a"));
    let Some(_hung) = hang(&flags, &flags.path().with_file_name("ids.txt")) else { return };
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    // A scan meets no file, and a later one another inode that was not renamed into place.
    fs::remove_file(flags.path()).unwrap();
    sidecar.wait_for_log(&["WARN", "flags.yaml", "file not found"]).await;
    flags.write_text(&text("b"));
    let took = expect(&client, "f", "b").await;
    println!("with a list that hangs: {took:.1?}");
    assert!(took < SOON, "{took:?}");
}

#[tokio::test]
async fn files_that_wait_for_one_that_hangs_are_not_read_all_the_time() {
    const PADDING: usize = 100_000;
    let flags = Flags::absent_at("flags.json");
    let mut padded = file("f", "a");
    padded["padding"] = "x".repeat(PADDING).into();
    flags.write_in_place(&padded);
    let other = flags.path().with_file_name("other.json");
    let Some(_hung) = hang(&flags, &other) else { return };
    let sidecar = Sidecar::spawn(&flags, &[other.to_str().unwrap()]).await;
    let (start, before) = (Instant::now(), sidecar.bytes_read());
    eventually(DEADLINE, "the other file is met", async || {
        sidecar.readyz().await.1.contains("does not answer")
    })
    .await;
    // How much is read in a time is what is tested.
    while start.elapsed() < Duration::from_secs(1) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let reads = (sidecar.bytes_read() - before) / PADDING as u64;
    println!("beside a file that hangs: {reads} reads in {:.1?}", start.elapsed());
    assert!(reads < 30, "{reads} reads");
}
