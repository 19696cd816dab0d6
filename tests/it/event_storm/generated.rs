//! Storms of random acts, from seeds. `FLAGSTAFF_STORM_SEEDS=100 cargo test --test it
//! event_storm::generated` tries more of them, and `FLAGSTAFF_STORM_SEED=7` begins with seed 7,
//! which a failure prints.

mod deed;

use super::{Load, Storm, padded, serves};
use crate::{
    client::Client,
    flags::Flags,
    sidecar::{DEADLINE, Sidecar, eventually},
};
use deed::{ACTS, Deed, NAMES};
use fastrand::Rng;
use std::{
    env, fs,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

/// A sidecar and the storm of a seed.
struct Scenario {
    seed: u64,
    flags: Flags,
    options: Vec<String>,
    served: PathBuf,
    deeds: Vec<Deed>,
}

impl Scenario {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let path = rng.choice(["flags.d", "a/b/flags.d", "a/flags.json", "flags.json"]).unwrap();
        let flags = Flags::absent_at(path);
        let root = flags.dir().to_owned();
        let directory = match path.strip_suffix(".json") {
            Some(_) => flags.path().parent().unwrap().to_owned(),
            None => flags.path().to_owned(),
        };
        fs::create_dir_all(&directory).unwrap();
        let mut options = Vec::new();
        let mut directories = vec![directory.clone(), directory.clone(), root.clone()];
        directories.push(directory.parent().unwrap().to_owned());
        if rng.bool() {
            let second = root.join("second.d");
            fs::create_dir(&second).unwrap();
            let other =
                "{\"flags\": {\"other\": {\"state\": \"ENABLED\", \"variants\": {\"a\": 1}}}}";
            fs::write(second.join("other.json"), other).unwrap();
            options.push(second.display().to_string());
            directories.push(second);
        }
        if rng.bool() {
            let overrides = root.join("overrides");
            fs::create_dir(&overrides).unwrap();
            options.extend(["--overrides".to_owned(), overrides.display().to_string()]);
            directories.push(overrides);
        }
        let deed = |rng: &mut Rng| {
            let directory = rng.choice(&directories).unwrap();
            let path = directory.join(rng.choice(NAMES).unwrap());
            Deed { act: rng.choice(ACTS).unwrap(), path }
        };
        let deeds = (0..rng.usize(1..6)).map(|_| deed(&mut rng)).collect();
        let served = directory.join("flags.json");
        Self { seed, flags, options, served, deeds }
    }

    fn put(&self, number: i64) {
        let next = self.flags.dir().join("next");
        fs::write(&next, padded(number).to_string()).unwrap();
        fs::rename(next, &self.served).unwrap();
    }

    async fn run(&self) {
        self.put(0);
        let options: Vec<_> = self.options.iter().map(String::as_str).collect();
        let sidecar = Sidecar::start_with(&self.flags, &options).await;
        let client = Client::connect(&sidecar).await;
        let outside = tempfile::tempdir().unwrap();
        let (deeds, served) = (self.deeds.clone(), self.served.clone());
        let (out, mut rng) = (outside.path().to_owned(), Rng::with_seed(self.seed));
        let mut storm = Storm::of(move || {
            rng.choice(&deeds).unwrap().attempt(&out, &served).ok();
        });
        let (credit, time) = (Duration::from_millis(300), Duration::from_millis(1500));
        let load = Load::of(&sidecar, credit, time).await;
        let mut worst = Duration::ZERO;
        for number in 1..=4 {
            let start = Instant::now();
            self.put(number);
            eventually(DEADLINE, "the change", async || serves(&client, number).await).await;
            worst = worst.max(start.elapsed());
        }
        let acts = storm.end();
        load.is_bounded(&format!("seed {}", self.seed), acts, worst);
        self.clear();
        self.put(5);
        eventually(DEADLINE, "all is good after the storm", async || {
            sidecar.metric("flagstaff_config_last_reload_successful").await == 1.0
                && serves(&client, 5).await
        })
        .await;
    }

    /// Removes what the storm has left behind.
    fn clear(&self) {
        for deed in &self.deeds {
            let others = ["storm-2.json", "storm-link.json"];
            let others = others.map(|name| deed.path.with_file_name(name));
            for path in others.iter().chain([&deed.path]) {
                // It may never have been there.
                fs::remove_file(path).ok();
                fs::remove_dir(path).ok();
            }
        }
    }
}

impl Drop for Scenario {
    fn drop(&mut self) {
        if thread::panicking() {
            let Self { seed, flags, options, deeds, .. } = self;
            println!("seed {seed}: {}, {options:?}, {deeds:#?}", flags.path().display());
        }
    }
}

#[tokio::test]
async fn no_storm_keeps_a_core_busy_or_delays_a_change() {
    let number = |name, default| env::var(name).map_or(default, |text| text.parse().unwrap());
    let (first, count) = (number("FLAGSTAFF_STORM_SEED", 0), number("FLAGSTAFF_STORM_SEEDS", 8));
    for seed in first..first + count {
        Scenario::new(seed).run().await;
    }
}
