//! One sidecar, its files and the troubles of a seed.

mod layout;

use super::{
    super::SOON,
    place::{Kind, Place, Way},
    trouble::{Report, Trouble},
};
use crate::{
    client::Client,
    flags::Flags,
    sidecar::{DEADLINE, Sidecar, eventually, http_get},
};
use fastrand::Rng;
use std::{
    thread,
    time::{Duration, Instant},
};
use tokio::time::sleep;

const GOOD: &str = "flagstaff_config_last_reload_successful";
const FAILING: &str = "flagstaff_overrides{state=\"failing\"}";

/// How long files of a PATH wait for others that may have been swapped with them, if a file system
/// hangs (`PATIENCE` of `source/moment.rs`).
const HELD: Duration = Duration::from_secs(1);

/// How long a file that was seen to change twice must stay the same if no event shows its writer
/// (`MOVING` of `source/doubt.rs`): a file after a trouble, or its list, may not have been watched.
const MOVING: Duration = Duration::from_secs(1);

/// A trouble that ended this long ago has no effect any more.
const LONG_AGO: Duration = Duration::from_secs(2);

/// A place in trouble, and the version that is served meanwhile.
#[derive(Debug)]
struct Troubled {
    at: usize,
    trouble: Trouble,
    last_good: Option<u32>,
    since: Instant,
}

/// What happens to a sidecar.
pub(super) struct Run {
    seed: u64,
    rng: Rng,
    options: Vec<String>,
    places: Vec<Place>,
    troubled: Vec<Troubled>,
    /// Each trouble that has ended: its place, whether it was a hanging one, and when.
    ended: Vec<(usize, bool, Instant)>,
    /// After the troubles: what hangs must have ended before its directory is removed.
    flags: Flags,
    /// What was done so far.
    acts: Vec<String>,
    start: Instant,
}

impl Run {
    fn note(&mut self, act: &str) {
        self.acts.push(format!("{:>6} ms  {act}", self.start.elapsed().as_millis()));
    }

    pub(super) async fn finish(&mut self) {
        for _ in 0..self.rng.usize(..3).saturating_sub(1) {
            self.begin(None).await;
        }
        let options: Vec<_> = self.options.iter().map(String::as_str).collect();
        let sidecar = Sidecar::spawn(&self.flags, &options).await;
        self.note("started");
        if !self.may_start() {
            let name = self.places[self.troubled[0].at].name().to_owned();
            eventually(DEADLINE, "readiness says why", async || {
                let (status, why) = sidecar.readyz().await;
                status == 503 && why.contains(&name)
            })
            .await;
            assert_eq!(http_get(sidecar.management(), "/livez").await.0, 200);
            while !self.troubled.is_empty() {
                self.end();
            }
        }
        eventually(DEADLINE, "ready", async || sidecar.readyz().await.0 == 200).await;
        self.note("ready");
        let client = Client::connect(&sidecar).await;
        let (mut to_begin, steps) = (self.rng.usize(1..4), self.rng.usize(8..14));
        for _ in 0..steps {
            match self.rng.u8(..8) {
                0 | 1 if to_begin > 0 => {
                    to_begin -= 1;
                    self.begin(Some(&client)).await;
                }
                2 if !self.troubled.is_empty() => self.end(),
                3 => self.reported(&sidecar, &client).await,
                _ => self.change(&sidecar, &client).await,
            }
            let pause = Duration::from_millis(self.rng.u64(..120));
            self.meanwhile(&sidecar, &client, pause).await;
        }
        self.good_again(&sidecar, &client).await;
    }

    /// Whether a sidecar becomes ready with the troubles of now.
    fn may_start(&self) -> bool {
        let blocks = |of: &Troubled| {
            !matches!(self.places[of.at].kind, Kind::List | Kind::Override)
                && of.trouble.report != Report::Never
        };
        self.options.iter().any(|option| option == "--start-without-flags")
            || !self.troubled.iter().any(blocks)
    }

    /// Puts something in the way of a place. `client` is that of a sidecar that runs.
    async fn begin(&mut self, client: Option<&Client>) {
        let free = |at: &usize| !self.troubled.iter().any(|of| of.at == *at);
        let Some(at) = self.rng.choice((0..self.places.len()).filter(free).collect::<Vec<_>>())
        else {
            return;
        };
        let place = &self.places[at];
        let is_served = match client {
            Some(client) => place.serves(client, place.version).await,
            None => false,
        };
        let Some(trouble) = Trouble::begin(place, self.flags.dir(), &mut self.rng) else { return };
        let is_known = is_served && trouble.keeps && !self.is_blocked(at);
        let last_good = is_known.then_some(place.version);
        self.note(&format!("{} has {:?}", self.places[at].name(), trouble.kind));
        self.troubled.push(Troubled { at, trouble, last_good, since: Instant::now() });
    }

    /// Ends a trouble, and puts the next version in its place.
    fn end(&mut self) {
        let troubled = self.troubled.swap_remove(self.rng.usize(..self.troubled.len()));
        let place = &mut self.places[troubled.at];
        let kind = troubled.trouble.kind;
        self.ended.push((troubled.at, troubled.trouble.hangs(), Instant::now()));
        troubled.trouble.end(&place.path);
        place.version += 1;
        place.put(Way::Rename, self.flags.dir());
        let act = format!("{} had {kind:?}, is version {}", place.name(), place.version);
        self.note(&act);
    }

    /// Whether changes of a place are not served because of a trouble: the list of a flag file
    /// that cannot be read is not read.
    fn is_blocked(&self, at: usize) -> bool {
        let place = &self.places[at];
        self.troubled.iter().any(|of| {
            let other = &self.places[of.at];
            let is_file = other.kind == Kind::Listed && place.kind == Kind::List;
            of.at == at || (is_file && other.flag == place.flag)
        })
    }

    /// Changes a place without a trouble, and waits until the change is served.
    async fn change(&mut self, sidecar: &Sidecar, client: &Client) {
        let free = (0..self.places.len()).filter(|at| !self.is_blocked(*at));
        let Some(at) = self.rng.choice(free.collect::<Vec<_>>()) else { return };
        let way = self.rng.choice([Way::Rename, Way::InPlace, Way::Anew]).unwrap();
        let place = &mut self.places[at];
        place.version += 1;
        place.put(way, self.flags.dir());
        let (place, start) = (place.clone(), Instant::now());
        let bound = self.bound(&place);
        self.note(&format!("{} is version {} by {way:?}", place.name(), place.version));
        while !place.serves(client, place.version).await {
            assert!(
                start.elapsed() < bound,
                "{} is not served as version {}",
                place.name(),
                place.version
            );
            self.meanwhile(sidecar, client, Duration::from_millis(2)).await;
        }
        self.note(&format!("{} is served after {:.1?}", place.name(), start.elapsed()));
    }

    /// How long a change of a place may take.
    fn bound(&self, place: &Place) -> Duration {
        let recent = || self.ended.iter().filter(|(_, _, when)| when.elapsed() < LONG_AGO);
        let hangs = self.troubled.iter().any(|of| of.trouble.hangs())
            || recent().any(|(_, was_hanging, _)| *was_hanging);
        let is_known = !recent().any(|(at, ..)| self.places[*at].flag == place.flag);
        let held = if hangs { HELD } else { Duration::ZERO };
        SOON + held + if is_known { Duration::ZERO } else { MOVING }
    }

    /// Checks for some time what holds at all times.
    async fn meanwhile(&self, sidecar: &Sidecar, client: &Client, time: Duration) {
        let start = Instant::now();
        while start.elapsed() < time {
            assert_eq!(http_get(sidecar.management(), "/livez").await.0, 200);
            for of in &self.troubled {
                let Some(version) = of.last_good else { continue };
                let place = &self.places[of.at];
                assert!(
                    place.serves(client, version).await,
                    "{} is not served as version {version}, its last good one",
                    place.name()
                );
            }
            sleep(Duration::from_millis(2)).await;
        }
    }

    /// Waits until a trouble shows.
    async fn reported(&mut self, sidecar: &Sidecar, client: &Client) {
        let Some(of) = self.troubled.last().filter(|of| !self.is_hidden(of.at)) else { return };
        // It takes long to wait for a mount that hangs, or for a lease. A fixed test waits for a mount
        // in each run, so the first seeds do not.
        let (wait, is_rare) = match of.trouble.report {
            Report::Never => return,
            Report::Soon => (Duration::ZERO, false),
            Report::After(wait) if wait > DEADLINE => (wait, self.seed % 40 != 39),
            Report::After(wait) => (wait, self.rng.bool()),
        };
        if is_rare {
            return;
        }
        // No event shows a mount or a lease: the next scan meets it.
        let (since, place) = (of.since, self.places[of.at].clone());
        self.change(sidecar, client).await;
        let is_line = |line: &String| line.contains("WARN") && line.contains(place.name());
        loop {
            // An override that is served as it was is only logged.
            let shows = place.kind == Kind::Override || sidecar.metric(GOOD).await == 0.0;
            if shows && sidecar.log().iter().any(is_line) {
                break;
            }
            assert!(since.elapsed() < wait + DEADLINE, "{} is not reported", place.name());
            self.meanwhile(sidecar, client, Duration::from_millis(2)).await;
        }
        self.note(&format!("{} is reported after {:.1?}", place.name(), since.elapsed()));
    }

    /// Whether a trouble of a place cannot be seen because of another one.
    fn is_hidden(&self, at: usize) -> bool {
        let others = self.troubled.iter().filter(|of| of.at != at);
        others
            .filter(|of| self.places[of.at].kind == Kind::Listed)
            .any(|of| self.places[of.at].flag == self.places[at].flag)
    }

    /// Ends all troubles and waits until every file is served as it is now.
    async fn good_again(&mut self, sidecar: &Sidecar, client: &Client) {
        while !self.troubled.is_empty() {
            self.end();
        }
        for at in 0..self.places.len() {
            let (place, start) = (self.places[at].clone(), Instant::now());
            while !place.serves(client, place.version).await {
                assert!(start.elapsed() < DEADLINE, "{} is not served in the end", place.name());
                self.meanwhile(sidecar, client, Duration::from_millis(2)).await;
            }
        }
        eventually(DEADLINE, "all is good", async || {
            sidecar.metric(GOOD).await == 1.0 && sidecar.metric(FAILING).await == 0.0
        })
        .await;
        self.note("all is good");
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if thread::panicking() {
            println!("seed {}:\n{}", self.seed, self.acts.join("\n"));
        }
    }
}
