//! Writers of every kind: how they write, and what may be served meanwhile.

use super::{
    LISTED, LONG,
    files::{definitions, json, list, readable},
};
use crate::{
    client::Client,
    flags::Flags,
    sidecar::{Sidecar, eventually},
};
use fastrand::Rng;
use flagstaff::pb::flagd::evaluation::v2::ResolveBooleanResponse;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs::{self, OpenOptions},
    io::Write,
    path::Path,
    time::{Duration, Instant, SystemTime},
};
use tokio::time::sleep;

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
    /// Opened again for each chunk, the first time to truncate it.
    Reopened,
    /// As `Truncated`, and after each chunk another program closes the file.
    Touched,
}

/// A writer of one new content, and the sidecar that watches.
#[derive(Debug)]
pub(super) struct Scenario {
    kind: Kind,
    style: Style,
    by_poll: bool,
    /// The pauses are short.
    is_short: bool,
    /// Chunks and the pauses after them; the last one has none.
    chunks: Vec<(usize, Duration)>,
    old: usize,
    new: usize,
}

impl Scenario {
    pub(super) fn generate(rng: &mut Rng) -> Self {
        let by_poll = rng.bool();
        let kind = rng.choice([Kind::Readable, Kind::Definitions, Kind::Json, Kind::List]).unwrap();
        let styles = [Style::Truncated, Style::Appended, Style::Renamed];
        let styles = [&styles[..], &[Style::Reopened, Style::Touched]].concat();
        let (mut old, new) = (rng.usize(4..60), rng.usize(4..60));
        let mut style = rng.choice(styles).unwrap();
        // A JSON file that is appended to is not one before its end, nor after.
        if matches!((kind, style), (Kind::Json, Style::Appended)) {
            style = Style::Truncated;
        }
        // A close counts if not much was lost, so each part of this content has lost much.
        if matches!(style, Style::Reopened | Style::Touched) && 4 * new >= 3 * old {
            old = 2 * new;
        }
        let pieces = rng.usize(1..6);
        // Without events a long pause is the end, if nothing was lost and nothing is cut off.
        let is_short = by_poll && !matches!(style, Style::Appended) && 4 * new >= 3 * old;
        let longest = if is_short { 100 } else { 900 };
        let chunks =
            (0..pieces).map(|_| (rng.usize(1..100), Duration::from_millis(rng.u64(0..longest))));
        Self { kind, style, by_poll, is_short, chunks: chunks.collect(), old, new }
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
    pub(super) async fn run(&self) {
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
            _ => self.text(self.new, 2),
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
        if self.is_short && longest > Duration::from_millis(170) {
            return;
        }
        // Every generation is in the log: the old content and the new one.
        eventually(LONG, &format!("all of {self:?} is served and logged"), async || {
            let generation = sidecar.metric("flagstaff_config_generation").await;
            self.is_served(&sidecar, &new).await
                && digests(&sidecar.log()).len() as f64 >= generation
        })
        .await;
        let generations: BTreeSet<_> = digests(&sidecar.log()).into_iter().collect();
        assert_eq!(generations.len(), 2, "{self:?}: {:#?}", sidecar.log());
        let lost = self.old.saturating_sub(self.new) > 0;
        let allowed = match (self.style, self.by_poll) {
            (Style::Renamed, true) if lost => Duration::from_millis(2500),
            (Style::Truncated, true) if lost => Duration::from_secs(7),
            (Style::Reopened | Style::Touched, _) => Duration::from_secs(7),
            // A closed file that lost much waits for 1 s.
            (Style::Truncated, false) if lost => Duration::from_millis(2500),
            _ => Duration::from_millis(1500),
        };
        assert!(after < allowed, "{self:?} was served {after:?} after its end");
    }

    /// Whether all of the new content is served.
    async fn is_served(&self, sidecar: &Sidecar, new: &str) -> bool {
        if !matches!(self.kind, Kind::List) {
            return sidecar.metric("flagstaff_config_bytes").await == new.len() as f64;
        }
        let context = json!({"targetingKey": new.lines().next_back().unwrap()});
        let client = Client::connect(sidecar).await;
        let answer: ResolveBooleanResponse = client.resolve("listed", context).await.unwrap();
        answer.value == Some(true)
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
            _ => path.to_owned(),
        };
        let rest = match self.style {
            Style::Appended => new.get(old..).unwrap(),
            _ => new,
        };
        let mut options = OpenOptions::new();
        match self.style {
            Style::Appended => options.append(true),
            _ => options.write(true).create(true).truncate(true),
        };
        let mut file = Some(options.open(&target).unwrap());
        let total: usize = self.chunks.iter().map(|(size, _)| size).sum();
        let (mut written, mut last, mut longest) = (0, Instant::now(), Duration::ZERO);
        for (at, (size, pause)) in self.chunks.iter().enumerate() {
            let end = match at + 1 == self.chunks.len() {
                true => rest.len(),
                false => (written + rest.len() * size / total).min(rest.len()),
            };
            let open_again = || OpenOptions::new().append(true).open(&target).unwrap();
            file.get_or_insert_with(open_again).write_all(&rest.as_bytes()[written..end]).unwrap();
            longest = longest.max(last.elapsed());
            last = Instant::now();
            written = end;
            if at + 1 < self.chunks.len() {
                match self.style {
                    Style::Reopened => file = None,
                    Style::Touched => {
                        let other = OpenOptions::new().write(true).open(&target).unwrap();
                        // As `touch` does, and as a program that has nothing to write.
                        if size % 2 == 0 {
                            other.set_modified(SystemTime::now()).unwrap();
                        }
                    }
                    _ => {}
                }
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
