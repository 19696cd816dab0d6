//! Files that are written slowly: half of a file is never served. `HALF_WRITTEN=400 cargo test
//! --test it half_written` tries more writers; by default there are some of each kind.

mod files;
mod parts;
mod scenario;

use crate::{
    client::Client,
    flags::Flags,
    sidecar::{Sidecar, eventually},
};
use fastrand::Rng;
use files::{list, readable};
use flagstaff::pb::flagd::evaluation::v2::ResolveBooleanResponse;
use scenario::Scenario;
use serde_json::{Value, json};
use std::{
    env,
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};
use tokio::{
    task::{JoinSet, LocalSet},
    time::sleep,
};

/// Ample for the longest writer, and for the time until its content is trusted.
const LONG: Duration = Duration::from_secs(40);

/// So many writers write at once, each for a sidecar of its own.
const AT_ONCE: usize = 6;

const LISTED: &str = "flagstaff: 1\nbucketing: v2\nflags:\n  listed:\n    rules:\n      - { if: { \
                      targetingKey: { in_list: users.txt } }, serve: on }\n    serve: off\n";

#[tokio::test]
async fn no_writer_makes_half_of_a_file_be_served() {
    let count = env::var("HALF_WRITTEN").map_or(24, |count| count.parse().unwrap());
    let seed = env::var("HALF_WRITTEN_SEED").map_or(7, |seed| seed.parse().unwrap());
    let mut rng = Rng::with_seed(seed);
    let run = async {
        let mut running = JoinSet::new();
        for _ in 0..count {
            if running.len() == AT_ONCE {
                running.join_next().await.unwrap().unwrap();
            }
            let scenario = Scenario::generate(&mut rng);
            running.spawn_local(async move { scenario.run().await });
        }
        while let Some(done) = running.join_next().await {
            done.unwrap();
        }
    };
    LocalSet::new().run_until(run).await;
    println!("{count} writers, seed {seed}");
}

/// Writes half of a file that another has in full, waits, and writes the rest.
async fn stall(options: &[&str], pause: Duration) -> (Sidecar, Flags) {
    let flags = Flags::absent_at("flags.yaml");
    let text = readable(200, 1);
    flags.write_text(&text);
    let sidecar = Sidecar::start_with(&flags, options).await;
    let half = text.len() / 2;
    let mut file = OpenOptions::new().write(true).truncate(true).open(flags.path()).unwrap();
    file.write_all(&text.as_bytes()[..half]).unwrap();
    let start = Instant::now();
    while start.elapsed() < pause {
        assert_eq!(flags_of(&sidecar).await, 200, "after {:?}", start.elapsed());
        sleep(Duration::from_millis(20)).await;
    }
    file.write_all(&text.as_bytes()[half..]).unwrap();
    drop(file);
    (sidecar, flags)
}

async fn flags_of(sidecar: &Sidecar) -> usize {
    let client = Client::connect(sidecar).await;
    client.resolve_all(json!({})).await.unwrap().flags.len()
}

async fn is_good(sidecar: &Sidecar) -> bool {
    sidecar.metric("flagstaff_config_last_reload_successful").await == 1.0
}

#[tokio::test]
async fn a_download_that_stalls_for_seven_seconds_never_takes_flags_away() {
    let (sidecar, _flags) = stall(&[], Duration::from_secs(7)).await;
    sidecar.wait_for_log(&["WARN", "half written", "of 200 flags are missing"]).await;
    assert_eq!(sidecar.reloads().await["held"], 1.0);
    eventually(LONG, "all is in force", async || is_good(&sidecar).await).await;
    assert_eq!(flags_of(&sidecar).await, 200);
    assert_eq!(sidecar.metric("flagstaff_config_generation").await, 1.0);
}

#[tokio::test]
async fn a_download_that_stalls_under_polling_never_takes_flags_away() {
    let options = ["--watch", "poll", "--poll-interval", "100ms"];
    let (sidecar, _flags) = stall(&options, Duration::from_secs(3)).await;
    sidecar.wait_for_log(&["WARN", "half written"]).await;
    eventually(LONG, "all is in force", async || is_good(&sidecar).await).await;
    assert_eq!(sidecar.metric("flagstaff_config_generation").await, 1.0);
}

#[tokio::test]
async fn a_file_that_loses_most_flags_under_polling_is_served_once_it_is_stable() {
    let flags = Flags::absent_at("flags.yaml");
    flags.write_text(&readable(20, 1));
    let options = ["--watch", "poll", "--poll-interval", "100ms"];
    let sidecar = Sidecar::start_with(&flags, &options).await;
    let start = Instant::now();
    flags.write_text(&readable(3, 1));
    eventually(LONG, "it is held back", async || !is_good(&sidecar).await).await;
    let status = crate::sidecar::http_get(sidecar.management(), "/status").await.1;
    let status: Value = serde_json::from_str(&status).unwrap();
    let layer = &status["sources"][0]["layers"][0];
    assert_eq!((&layer["state"], &layer["flags"]), (&json!("held"), &json!(20)), "{layer}");
    eventually(LONG, "it is served", async || flags_of(&sidecar).await == 3).await;
    let took = start.elapsed();
    assert!((Duration::from_secs(5)..Duration::from_secs(9)).contains(&took), "{took:?}");
    eventually(LONG, "all is in force", async || is_good(&sidecar).await).await;
}

/// Writes half of a file, lets another program close the file, waits, and writes the rest.
async fn closed_by_another(close: fn(&Path)) {
    let flags = Flags::absent_at("flags.yaml");
    let text = readable(200, 1);
    flags.write_text(&text);
    let sidecar = Sidecar::start(&flags).await;
    let half = text.len() / 2;
    let mut file = OpenOptions::new().write(true).truncate(true).open(flags.path()).unwrap();
    file.write_all(&text.as_bytes()[..half]).unwrap();
    close(flags.path());
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(3) {
        assert_eq!(flags_of(&sidecar).await, 200, "after {:?}", start.elapsed());
        sleep(Duration::from_millis(20)).await;
    }
    sidecar.wait_for_log(&["WARN", "half written", "the same for 5 s"]).await;
    file.write_all(&text.as_bytes()[half..]).unwrap();
    drop(file);
    eventually(LONG, "all is in force", async || is_good(&sidecar).await).await;
    assert_eq!(sidecar.metric("flagstaff_config_generation").await, 1.0);
}

#[tokio::test]
async fn a_program_that_touches_the_file_does_not_end_the_wait_for_its_writer() {
    closed_by_another(|path| {
        assert!(Command::new("touch").arg(path).status().unwrap().success());
    })
    .await;
    closed_by_another(|path| drop(OpenOptions::new().write(true).open(path).unwrap())).await;
}

#[tokio::test]
async fn a_kill_that_half_of_a_file_lacks_holds() {
    let flags = Flags::absent_at("flags.yaml");
    let last = "  last:\n    serve: on\n";
    let whole = |why: &str| format!("{}{last}    killed: true\n", readable(20, 1) + why);
    flags.write_text(&whole(""));
    let sidecar = Sidecar::start(&flags).await;
    // Everything but its last line.
    let new = whole("# new\n");
    let (part, rest) = new.split_at(new.len() - "    killed: true\n".len());
    flags.write_text(part);
    sidecar.wait_for_log(&["WARN", "1 of the flags that were off"]).await;
    let mut file = OpenOptions::new().append(true).open(flags.path()).unwrap();
    file.write_all(rest.as_bytes()).unwrap();
    drop(file);
    eventually(LONG, "all is in force", async || is_good(&sidecar).await).await;
    assert_eq!(sidecar.metric("flagstaff_config_generation").await, 1.0);
}

#[tokio::test]
async fn a_rename_that_loses_most_flags_is_immediate() {
    let flags = Flags::absent_at("flags.yaml");
    flags.write_text(&readable(20, 1));
    let sidecar = Sidecar::start(&flags).await;
    let start = Instant::now();
    flags.replace(readable(3, 1));
    eventually(LONG, "it is served", async || flags_of(&sidecar).await == 3).await;
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_save_in_place_is_immediate_or_takes_a_second_if_most_flags_are_deleted() {
    let flags = Flags::absent_at("flags.yaml");
    flags.write_text(&readable(20, 1));
    let sidecar = Sidecar::start(&flags).await;
    let save = async |text: String, count: usize| {
        let (start, generation) =
            (Instant::now(), sidecar.metric("flagstaff_config_generation").await);
        flags.write_text(&text);
        eventually(LONG, "it is served", async || {
            sidecar.metric("flagstaff_config_generation").await > generation
        })
        .await;
        assert_eq!(flags_of(&sidecar).await, count);
        start.elapsed()
    };
    let others = readable(20, 1).replace("number 1", "number 2");
    assert!(save(others.clone(), 20).await < Duration::from_secs(1));
    // The head of the file, and its first flag.
    let deleted: String = others.split_inclusive('\n').take(7).collect();
    let took = save(deleted, 1).await;
    assert!((Duration::from_secs(1)..Duration::from_secs(3)).contains(&took), "{took:?}");
    sidecar.wait_for_log(&["WARN", "19 of 20 flags are missing", "the same for 1 s"]).await;
    eventually(LONG, "all is in force", async || is_good(&sidecar).await).await;
}

#[tokio::test]
async fn an_emptied_list_keeps_its_last_good_content_and_one_of_comments_takes_effect() {
    let flags = Flags::absent_at("flags.yaml");
    let users: PathBuf = flags.path().with_file_name("users.txt");
    fs::write(&users, list(8, 1)).unwrap();
    flags.replace(LISTED);
    let sidecar = Sidecar::start(&flags).await;
    let client = Client::connect(&sidecar).await;
    let is_on = async || {
        let context = json!({"targetingKey": "user-1-7"});
        let answer: ResolveBooleanResponse = client.resolve("listed", context).await.unwrap();
        answer.value == Some(true)
    };
    assert!(is_on().await);
    fs::write(&users, "").unwrap();
    sidecar.wait_for_log(&["WARN", "users.txt", "is empty"]).await;
    assert!(is_on().await, "its last good content is served");
    assert!(!is_good(&sidecar).await);
    fs::write(&users, "# none\n").unwrap();
    eventually(LONG, "it takes effect", async || !is_on().await).await;
    eventually(LONG, "all is in force", async || is_good(&sidecar).await).await;
}
