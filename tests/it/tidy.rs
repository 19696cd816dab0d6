//! The invariants of ARCHITECTURE.md that a compiler does not check, as a scan of the sources.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// All that the pure core may depend on. `crates/core/clippy.toml` keeps the rest of `std` out.
const OF_THE_CORE: [&str; 7] =
    ["granit-parser", "jiff", "serde", "serde_json", "sha2", "strsim", "thiserror"];

#[test]
fn the_core_depends_on_nothing_that_reads_waits_or_logs() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/core/Cargo.toml");
    let manifest = fs::read_to_string(manifest).unwrap();
    let section = manifest.split("\n[").find_map(|part| part.strip_prefix("dependencies]"));
    let lines = section.unwrap().lines().filter_map(|line| line.split_once(" = "));
    let found: Vec<&str> = lines.map(|(name, _)| name).collect();
    assert_eq!(found, OF_THE_CORE);
}

/// The lines of a file before its tests.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().take_while(|line| line.trim() != "#[cfg(test)]")
}

#[test]
fn every_file_says_what_it_is_and_is_short_enough_to_read() {
    for (path, text) in sources() {
        let name = path.display();
        assert!(text.starts_with("//!"), "{name} does not open with what it is");
        let lines = text.lines().count();
        assert!(lines <= 500, "{name} has {lines} lines");
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let says_nothing = ["mod", "utils", "util", "common", "helpers", "helper", "misc", "types"];
        assert!(!says_nothing.contains(&stem), "{name} has a name that says nothing");
    }
}

/// Who may do what: a word of code, and the only files it may stand in.
const RESERVED: [(&str, &[&str]); 5] = [
    ("pb::", &["src/app.rs"]),
    ("tasks.spawn(", &["src/lifecycle.rs"]),
    ("env::", &["src/greeting.rs"]),
    ("custom_flags(", &["src/source/read.rs"]),
    ("register_counter(", &["src/telemetry/metrics/labels.rs"]),
];

#[test]
fn what_one_module_does_no_other_does() {
    for (word, allowed) in RESERVED {
        let mut used = false;
        let is_test = |path: &Path| path.iter().any(|part| part == "tests" || part == "tests.rs");
        let of_the_program =
            |(path, _): &(PathBuf, String)| path.starts_with("src") && !is_test(path);
        for (path, text) in sources().into_iter().filter(of_the_program) {
            let mut lines = code(&text).filter(|line| !line.trim_start().starts_with("//"));
            let uses = lines.any(|line| line.contains(word));
            let is_allowed = allowed.iter().any(|allowed| path.starts_with(allowed));
            assert!(!uses || is_allowed, "{} uses {word}", path.display());
            used |= uses;
        }
        assert!(used, "{word} is used nowhere: the rule is stale");
    }
}

/// Every Rust file of the package, with its path from the root.
fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> =
        ["build.rs", "src", "crates", "tests", "benches"].map(|part| root.join(part)).into();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path.strip_prefix(root).unwrap().to_owned(), text));
        }
    }
    found
}
