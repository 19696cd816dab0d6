//! Files that are written in parts, each by a program that opens the file, appends and closes.

use super::{
    LISTED, LONG,
    files::{list, readable},
    flags_of, is_good,
};
use crate::{
    client::Client,
    flags::Flags,
    sidecar::{Sidecar, eventually},
};
use flagstaff::pb::flagd::evaluation::v2::ResolveBooleanResponse;
use serde_json::json;
use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::Path,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// Between two parts, and longer than a file that was closed once is waited for.
const PAUSE: Duration = Duration::from_millis(1700);

fn append(path: &Path, part: &str) {
    OpenOptions::new().append(true).open(path).unwrap().write_all(part.as_bytes()).unwrap();
}

/// Checks for the length of a pause.
async fn throughout(mut check: impl AsyncFnMut()) {
    let start = Instant::now();
    while start.elapsed() < PAUSE {
        check().await;
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_part_that_ends_within_a_flag_does_not_make_the_next_be_served() {
    let flags = Flags::absent_at("flags.yaml");
    let text = readable(200, 1);
    flags.write_text(&text);
    let sidecar = Sidecar::start(&flags).await;
    let within = text.find("  flag_50:").unwrap() - "ve: on\n".len();
    let between = text.find("  flag_100:").unwrap();
    let (head, rest) = text.split_at(between);
    let (first, second) = head.split_at(within);
    flags.write_text(first);
    sidecar.wait_for_log(&["WARN", "flags.yaml", "stay in force"]).await;
    let keeps_all = async || assert_eq!(flags_of(&sidecar).await, 200);
    throughout(keeps_all).await;
    append(flags.path(), second);
    throughout(keeps_all).await;
    sidecar.wait_for_log(&["WARN", "100 of 200 flags are missing", "the same for 5 s"]).await;
    append(flags.path(), rest);
    eventually(LONG, "all is in force", async || is_good(&sidecar).await).await;
    assert_eq!(sidecar.metric("flagstaff_config_generation").await, 1.0);
}

#[tokio::test]
async fn a_list_that_is_emptied_and_then_written_in_parts_keeps_its_entries() {
    let flags = Flags::absent_at("flags.yaml");
    let users = flags.path().with_file_name("users.txt");
    let text = list(8, 1);
    fs::write(&users, &text).unwrap();
    flags.replace(LISTED);
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    let keeps_the_last = async || {
        let context = json!({"targetingKey": "user-1-7"});
        let answer: ResolveBooleanResponse = client.resolve("listed", context).await.unwrap();
        assert_eq!(answer.value, Some(true));
    };
    fs::write(&users, "").unwrap();
    sidecar.wait_for_log(&["WARN", "users.txt", "is empty"]).await;
    let (first, rest) = text.split_at(text.len() / 2);
    append(&users, first);
    throughout(keeps_the_last).await;
    append(&users, rest);
    eventually(LONG, "all is in force", async || is_good(&sidecar).await).await;
    keeps_the_last().await;
}

#[tokio::test]
async fn a_file_that_is_emptied_and_appended_to_at_once_counts_as_opened_again() {
    let flags = Flags::absent_at("flags.yaml");
    let text = readable(200, 1);
    flags.write_text(&text);
    let sidecar = Sidecar::start(&flags).await;
    let (first, rest) = text.split_at(text.find("  flag_100:").unwrap());
    flags.write_text("");
    append(flags.path(), first);
    throughout(async || assert_eq!(flags_of(&sidecar).await, 200)).await;
    sidecar.wait_for_log(&["WARN", "100 of 200 flags are missing", "the same for 5 s"]).await;
    append(flags.path(), rest);
    eventually(LONG, "all is in force", async || is_good(&sidecar).await).await;
    assert_eq!(sidecar.metric("flagstaff_config_generation").await, 1.0);
}

#[tokio::test]
async fn a_kill_that_is_lifted_in_place_under_polling_is_lifted_once_the_file_is_stable() {
    let flags = Flags::absent_at("flags.yaml");
    let text = readable(20, 1);
    flags.write_text(&text);
    let options = ["--watch", "poll", "--poll-interval", "100ms"];
    let sidecar = Sidecar::start_with(&flags, &options).await;
    let start = Instant::now();
    flags.write_text(&text.replace("killed: true", "killed: false"));
    sidecar.wait_for_log(&["no longer killed"]).await;
    let took = start.elapsed();
    assert!((Duration::from_secs(5)..Duration::from_secs(9)).contains(&took), "{took:?}");
}
