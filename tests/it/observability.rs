//! Dashboards, rules and documented queries against a real Prometheus that scrapes the built
//! binary: runs `tests/observability`.

use crate::python;
use std::{env, process::Command};

#[test]
fn the_observability_suite_passes() {
    if has_prometheus() {
        python::passes("observability");
    }
}

/// Whether there is a Prometheus to test with; CI has to have one.
pub(crate) fn has_prometheus() -> bool {
    let is_missing = |name: &&str| Command::new(name).arg("--version").output().is_err();
    let Some(name) = ["prometheus", "promtool"].into_iter().find(is_missing) else { return true };
    let advice = format!("{name} is missing; on Debian or Ubuntu: apt-get install prometheus");
    assert!(env::var("CI").as_deref() != Ok("true"), "{advice}");
    println!("skipped: {advice}");
    false
}
