//! Whatever way a file is updated, the new flags are served: ten times of ten, and in time. The
//! poll is ten minutes away unless a test is about it.

use crate::{
    client::Client,
    flags::Flags,
    sidecar::{DEADLINE, Sidecar, eventually},
    status::{unshare_works, without_inotify},
};
use flagstaff::pb::flagd::evaluation::v2::ResolveIntResponse;
use serde_json::{Value, json};
use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::symlink,
    time::{Duration, Instant},
};
use tokio::time::sleep;

const TIMES: i64 = 10;

/// A file with one flag that has this value.
fn generation(number: i64) -> Value {
    json!({"flags": {"generation":
        {"state": "ENABLED", "variants": {"now": number}, "defaultVariant": "now"}}})
}

async fn value(client: &Client) -> Option<i64> {
    let answer = client.resolve("generation", json!({})).await;
    answer.ok().and_then(|answer: ResolveIntResponse| answer.value)
}

/// Updates ten times and waits for each to be served. Returns how long each took.
async fn update(
    how: &str,
    sidecar: &Sidecar,
    flags: &Flags,
    update: fn(&Flags, i64),
) -> Vec<Duration> {
    let client = Client::connect(sidecar).await;
    let mut events = client.events().await;
    events.begin().await;
    let mut times = Vec::new();
    for number in 1..=TIMES {
        let start = Instant::now();
        update(flags, number);
        let changes = events.changes().await;
        times.push(start.elapsed());
        assert_eq!(changes, [("generation".to_owned(), "update".to_owned())].into());
        assert_eq!(value(&client).await, Some(number), "{how}");
    }
    assert_eq!(sidecar.metric("flagstaff_config_generation").await, 1.0 + TIMES as f64);
    assert_eq!(sidecar.metric("flagstaff_config_last_reload_successful").await, 1.0);
    times
}

/// Prints what was measured, and returns the median and the worst.
fn tell(how: &str, mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort();
    let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
    println!("{how}: {} of {TIMES}, median {median:.1?}, worst {worst:.1?}", times.len());
    (median, worst)
}

#[track_caller]
fn check_by_events(how: &str, times: Vec<Duration>) {
    let (median, worst) = tell(how, times);
    assert!(median <= Duration::from_millis(100), "{how}: median {median:?}");
    assert!(worst <= Duration::from_secs(2), "{how}: worst {worst:?}");
}

/// Every update is served by events, and is one reload.
async fn check(how: &str, flags: Flags, change: fn(&Flags, i64)) {
    let sidecar = Sidecar::start(&flags).await;
    assert_eq!(sidecar.metric("flagstaff_config_watch_mode{mode=\"inotify\"}").await, 1.0);
    let times = update(how, &sidecar, &flags, change).await;
    check_by_events(how, times);
    // Counted after it is served.
    eventually(DEADLINE, "11 reloads", async || {
        sidecar.reloads().await["applied"] == 1.0 + TIMES as f64
    })
    .await;
}

#[tokio::test]
async fn written_in_place() {
    check("written in place", Flags::new(&generation(0)), |flags, number| {
        flags.write_in_place(&generation(number));
    })
    .await;
    let yaml = Flags::named("flags.yaml", &generation(0));
    check("YAML written in place", yaml, |flags, number| {
        flags.write_in_place(&generation(number));
    })
    .await;
}

#[tokio::test]
async fn renamed_over() {
    check("renamed over", Flags::new(&generation(0)), |flags, number| {
        flags.rename_over(&generation(number));
    })
    .await;
}

#[tokio::test]
async fn saved_as_vim_does() {
    check("saved as vim does", Flags::new(&generation(0)), |flags, number| {
        let backup = flags.dir().join("flags.json~");
        fs::rename(flags.path(), &backup).unwrap();
        flags.write_in_place(&generation(number));
        fs::remove_file(backup).unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_config_map_swapped() {
    check("ConfigMap swapped", Flags::mounted(&generation(0)), |flags, number| {
        flags.config_map(&generation(number));
    })
    .await;
    let directory = Flags::mounted_directory(&[("flags.json", generation(0))]);
    check("ConfigMap swapped, as a directory", directory, |flags, number| {
        flags.config_map_of(&[("flags.json", generation(number))]);
    })
    .await;
}

/// As git-sync does: the link is two levels above the file.
fn link_swapped(flags: &Flags, number: i64) {
    let revision = flags.dir().join(format!("rev-{number}"));
    fs::create_dir_all(revision.join("deep")).unwrap();
    fs::write(revision.join("deep/flags.json"), generation(number).to_string()).unwrap();
    symlink(&revision, flags.dir().join("next")).unwrap();
    fs::rename(flags.dir().join("next"), flags.dir().join("current")).unwrap();
}

#[tokio::test]
async fn a_link_swapped_two_levels_up() {
    let flags = Flags::absent_at("current/deep/flags.json");
    link_swapped(&flags, 0);
    check("link swapped two levels up", flags, link_swapped).await;
}

#[tokio::test]
async fn deleted_and_written_again() {
    let flags = Flags::new(&generation(0));
    let sidecar = Sidecar::start(&flags).await;
    let mut times = Vec::new();
    let client = Client::connect(&sidecar).await;
    for number in 1..=TIMES {
        fs::remove_file(flags.path()).unwrap();
        let gone = "the loss is noticed";
        eventually(DEADLINE, gone, async || {
            sidecar.reloads().await.get("read_error") == Some(&(number as f64))
        })
        .await;
        assert_eq!(value(&client).await, Some(number - 1), "what was there is still served");
        let start = Instant::now();
        flags.write_in_place(&generation(number));
        let back = "the file is back";
        eventually(DEADLINE, back, async || value(&client).await == Some(number)).await;
        times.push(start.elapsed());
    }
    check_by_events("deleted and written again", times);
}

#[tokio::test]
async fn a_key_added_to_a_config_map() {
    let flags = Flags::mounted_directory(&[("00.json", generation(0))]);
    check("key added later", flags, |flags, number| {
        let name = format!("{number:02}.json");
        flags.config_map_of(&[("00.json", generation(0)), (&name, generation(number))]);
        // The key of the update before has left the volume, as when a ConfigMap drops it.
        let before = flags.path().join(format!("{:02}.json", number - 1));
        if number > 1 {
            fs::remove_file(before).unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn absent_at_the_start() {
    let mut times = Vec::new();
    for number in 1..=TIMES {
        let flags = Flags::absent_at("not/there/flags.json");
        let sidecar = Sidecar::spawn(&flags, &[]).await;
        let missing = "it knows what is missing";
        let named = async || sidecar.readyz().await.1.contains("not found");
        eventually(DEADLINE, missing, named).await;
        let client = Client::connect(&sidecar).await;
        let start = Instant::now();
        fs::create_dir_all(flags.path().parent().unwrap()).unwrap();
        flags.write_in_place(&generation(number));
        let served = "it is served";
        eventually(DEADLINE, served, async || value(&client).await == Some(number)).await;
        times.push(start.elapsed());
    }
    check_by_events("absent at the start, with its directories", times);
}

/// Every update is served within the poll interval and half a second.
async fn check_by_poll(how: &str, sidecar: &Sidecar, flags: &Flags, change: fn(&Flags, i64)) {
    assert_eq!(sidecar.metric("flagstaff_config_watch_mode{mode=\"poll\"}").await, 1.0);
    let (_, worst) = tell(how, update(how, sidecar, flags, change).await);
    assert!(worst <= POLL + Duration::from_millis(500), "{how}: worst {worst:?}");
}

const POLL: Duration = Duration::from_millis(250);
const POLL_OPTIONS: [&str; 4] = ["--watch", "poll", "--poll-interval", "250ms"];

#[tokio::test]
async fn by_polling_alone() {
    let flags = Flags::new(&generation(0));
    let sidecar = Sidecar::start_with(&flags, &POLL_OPTIONS).await;
    let in_place = |flags: &Flags, number| flags.write_in_place(&generation(number));
    check_by_poll("polled, in place", &sidecar, &flags, in_place).await;

    let flags = Flags::named("flags.yaml", &generation(0));
    let sidecar = Sidecar::start_with(&flags, &POLL_OPTIONS).await;
    check_by_poll("polled, YAML in place", &sidecar, &flags, in_place).await;

    let flags = Flags::mounted(&generation(0));
    let sidecar = Sidecar::start_with(&flags, &POLL_OPTIONS).await;
    let swap = |flags: &Flags, number| flags.config_map(&generation(number));
    check_by_poll("polled, ConfigMap", &sidecar, &flags, swap).await;
}

#[tokio::test]
async fn where_inotify_is_refused() {
    if !unshare_works() {
        return;
    }
    let flags = Flags::mounted(&generation(0));
    let options = ["--poll-interval", "250ms"];
    let sidecar = Sidecar::start_in(&flags, &options, without_inotify).await;
    let swap = |flags: &Flags, number| flags.config_map(&generation(number));
    check_by_poll("inotify refused, ConfigMap", &sidecar, &flags, swap).await;
}

/// Writes YAML files in two halves, the first of which is a good file of one flag, as most halves
/// of a YAML file are.
async fn check_halves(options: &[&str]) {
    let whole = |number: i64| {
        let flag = |key: &str| {
            format!(
                "  {key}:\n    state: ENABLED\n    variants: {{ now: {number} }}\n    \
                 defaultVariant: now\n"
            )
        };
        [format!("flags:\n{}", flag("generation")), flag("last")]
    };
    let flags = Flags::absent_at("flags.yaml");
    flags.write_text(&whole(0).concat());
    let sidecar = Sidecar::start_with(&flags, options).await;
    let mut events = Client::connect(&sidecar).await.events().await;
    events.begin().await;
    for number in 1..=TIMES {
        let [first, second] = whole(number);
        let start = Instant::now();
        let mut file = File::create(flags.path()).unwrap();
        file.write_all(first.as_bytes()).unwrap();
        // Ample for a look or several, and short of what counts as done.
        sleep(Duration::from_millis(100)).await;
        file.write_all(second.as_bytes()).unwrap();
        let in_time = start.elapsed() < Duration::from_millis(180);
        drop(file);
        let all = ["generation", "last"].map(|key| (key.to_owned(), "update".to_owned()));
        let mut changes = events.changes().await;
        // On a machine that stood still the half was there for long enough to count.
        while !in_time && changes.get("last").is_none_or(|change| change == "delete") {
            changes = events.changes().await;
        }
        assert!(!in_time || changes == all.into(), "half of it was served: {changes:?}");
    }
}

#[tokio::test]
async fn yaml_that_is_half_written_when_polled_is_never_served() {
    check_halves(&["--watch", "poll", "--poll-interval", "20ms"]).await;
}

#[tokio::test]
async fn yaml_that_is_half_written_by_a_slow_writer_is_never_served() {
    check_halves(&[]).await;
}
