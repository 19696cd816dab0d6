//! Files that are written slowly: half of a file is never served. `HALF_WRITTEN=400 cargo test
//! --test it half_written` tries more writers; by default there are some of each kind.

mod files;

use crate::{
    client::Client,
    flags::Flags,
    sidecar::{Sidecar, eventually},
};
use fastrand::Rng;
use files::{definitions, json, list, readable};
use flagstaff::pb::flagd::evaluation::v2::ResolveBooleanResponse;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    env,
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
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

#[derive(Debug, Clone, Copy)]
enum Kind {
    Readable,
    Definitions,
    Json,
    List,
}

#[derive(Debug, Clone, Copy)]
enum Style {
    /// As `curl -o`.
    Truncated,
    Appended,
    Renamed,
}

/// A writer of one new content, and the sidecar that watches.
#[derive(Debug)]
struct Scenario {
    kind: Kind,
    style: Style,
    by_poll: bool,
    /// Chunks and the pauses after them; the last one has none.
    chunks: Vec<(usize, Duration)>,
    old: usize,
    new: usize,
}

impl Scenario {
    fn generate(rng: &mut Rng) -> Self {
        let by_poll = rng.bool();
        let kind = rng.choice([Kind::Readable, Kind::Definitions, Kind::Json, Kind::List]).unwrap();
        let style =
            rng.choice([Style::Truncated, Style::Truncated, Style::Appended, Style::Renamed]);
        let (old, new) = (rng.usize(4..60), rng.usize(4..60));
        let mut style = style.unwrap();
        // A JSON file that is appended to is not one before its end, nor after.
        if matches!((kind, style), (Kind::Json, Style::Appended)) {
            style = Style::Truncated;
        }
        let pieces = rng.usize(1..6);
        let chunks = (0..pieces).map(|_| {
            // Without events a pause counts only if the content has lost flags.
            let longest = if by_poll { 100 } else { 900 };
            (rng.usize(1..100), Duration::from_millis(rng.u64(0..longest)))
        });
        Self { kind, style, by_poll, chunks: chunks.collect(), old, new }
    }

    fn text(&self, size: usize, number: usize) -> String {
        match self.kind {
            Kind::Readable => readable(size, number),
            Kind::Definitions => definitions(size, number),
            Kind::Json => json(size, number),
            Kind::List => list(size, number),
        }
    }

    fn name(&self) -> &'static str {
        match self.kind {
            Kind::Json => "flags.json",
            Kind::List => "users.txt",
            Kind::Readable | Kind::Definitions => "flags.yaml",
        }
    }

    /// Runs it; panics if a state was served that neither content has.
    async fn run(&self) {
        let dir = if matches!(self.kind, Kind::List) { "flags.yaml" } else { self.name() };
        let flags = Flags::absent_at(dir);
        let path = flags.path().with_file_name(self.name());
        let old = self.text(self.old, 1);
        fs::write(&path, &old).unwrap();
        if matches!(self.kind, Kind::List) {
            flags.replace(LISTED);
        }
        let poll: &[&str] = &["--watch", "poll", "--poll-interval", "20ms"];
        let options = if self.by_poll { poll } else { &[] };
        let sidecar = Sidecar::start_with(&flags, options).await;
        let new = match self.style {
            Style::Appended => format!("{old}{}", self.appended()),
            Style::Truncated | Style::Renamed => self.text(self.new, 2),
        };
        let start = Instant::now();
        let longest = self.write(&path, old.len(), &new).await;
        let wrote = start.elapsed();
        eventually(LONG, &format!("{self:?} is served"), async || {
            sidecar.metric("flagstaff_config_generation").await >= 2.0
        })
        .await;
        let after = start.elapsed() - wrote;
        // On a machine that stood still, half of it may have been there for long enough.
        if self.by_poll && longest > Duration::from_millis(170) {
            return;
        }
        // Every generation is in the log: the old content and the new one.
        sleep(Duration::from_millis(300)).await;
        let generations: BTreeSet<_> = digests(&sidecar.log()).into_iter().collect();
        assert_eq!(generations.len(), 2, "{self:?}: {:#?}", sidecar.log());
        let lost = self.old.saturating_sub(self.new) > 0;
        let allowed = match (self.style, self.by_poll) {
            (Style::Renamed, true) if lost => Duration::from_millis(2500),
            (Style::Truncated, true) if lost => Duration::from_secs(7),
            _ => Duration::from_millis(1500),
        };
        assert!(after < allowed, "{self:?} was served {after:?} after its end");
    }

    /// What is written behind the old content: more of the same kind.
    fn appended(&self) -> String {
        let all = self.text(self.old + self.new, 1);
        let lines: Vec<_> = all.split_inclusive('\n').collect();
        let old = self.text(self.old, 1).lines().count();
        lines[old..].concat()
    }

    /// Writes it in chunks, and returns the longest time between two of them.
    async fn write(&self, path: &Path, old: usize, new: &str) -> Duration {
        let target = match self.style {
            Style::Renamed => path.with_extension("next"),
            Style::Truncated | Style::Appended => path.to_owned(),
        };
        let mut options = OpenOptions::new();
        let rest = match self.style {
            Style::Appended => new.get(old..).unwrap(),
            Style::Truncated | Style::Renamed => new,
        };
        match self.style {
            Style::Appended => options.append(true),
            Style::Truncated | Style::Renamed => options.write(true).create(true).truncate(true),
        };
        let mut file = options.open(&target).unwrap();
        let total: usize = self.chunks.iter().map(|(size, _)| size).sum();
        let (mut written, mut last, mut longest) = (0, Instant::now(), Duration::ZERO);
        for (at, (size, pause)) in self.chunks.iter().enumerate() {
            let end = match at + 1 == self.chunks.len() {
                true => rest.len(),
                false => (written + rest.len() * size / total).min(rest.len()),
            };
            file.write_all(&rest.as_bytes()[written..end]).unwrap();
            longest = longest.max(last.elapsed());
            last = Instant::now();
            written = end;
            if at + 1 < self.chunks.len() {
                sleep(*pause).await;
            }
        }
        drop(file);
        if matches!(self.style, Style::Renamed) {
            fs::rename(target, path).unwrap();
        }
        longest
    }
}

/// The digests of the generations that a log names.
fn digests(log: &[String]) -> Vec<String> {
    let lines = log.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let fields = lines.map(|line| line["fields"].clone());
    let applied = fields.filter(|fields| fields["message"] == "flags applied");
    applied.map(|fields| fields["digest"].as_str().unwrap().to_owned()).collect()
}

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

#[tokio::test]
async fn a_rename_that_loses_most_flags_is_immediate() {
    let flags = Flags::absent_at("flags.yaml");
    flags.write_text(&readable(20, 1));
    let sidecar = Sidecar::start(&flags).await;
    let start = Instant::now();
    flags.replace(readable(3, 1));
    eventually(LONG, "it is served", async || flags_of(&sidecar).await == 3).await;
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    // So is a file that its writer has closed.
    let start = Instant::now();
    flags.write_text(&readable(1, 1));
    eventually(LONG, "it is served", async || flags_of(&sidecar).await == 1).await;
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
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
