//! Troubles in random places while everything else changes, from seeds. `FLAGSTAFF_DISK_SEEDS=200
//! cargo test --test it slow_disks::generated` tries more of them, and `FLAGSTAFF_DISK_SEED=7`
//! begins with seed 7, which a failure prints.

mod place;
mod run;
mod trouble;

use fastrand::Rng;
use run::Run;
use std::env;
use tokio::task::{JoinSet, LocalSet};

/// So many sidecars run at once. They wait most of the time.
const AT_ONCE: usize = 3;

#[tokio::test]
async fn no_trouble_of_one_file_reaches_another() {
    let number = |name, default| env::var(name).map_or(default, |text| text.parse().unwrap());
    let (first, count) = (number("FLAGSTAFF_DISK_SEED", 0), number("FLAGSTAFF_DISK_SEEDS", 36));
    let run = async {
        let mut running = JoinSet::new();
        for seed in first..first + count {
            if running.len() == AT_ONCE {
                running.join_next().await.unwrap().unwrap();
            }
            running.spawn_local(async move {
                let mut run = Run::new(seed, Rng::with_seed(seed));
                run.finish().await;
            });
        }
        while let Some(done) = running.join_next().await {
            done.unwrap();
        }
    };
    LocalSet::new().run_until(run).await;
    println!("seeds {first} to {}", first + count - 1);
}
