//! The invariants of ARCHITECTURE.md that a compiler does not check, as a scan of the sources.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// What the pure core must not know of, as it would stand in a path.
const IMPURE: [&str; 15] = [
    "tokio",
    "tonic",
    "prost",
    "hyper",
    "http",
    "tracing",
    "metrics",
    "rand",
    "fs",
    "env",
    "time",
    "net",
    "thread",
    "SystemTime",
    "Instant",
];

#[test]
fn the_core_is_pure() {
    let core = sources()
        .into_iter()
        .filter(|(path, _)| path.starts_with("src/flag") || path == Path::new("src/flag.rs"))
        .filter(|(path, _)| {
            !path.ends_with("tests.rs") && !path.iter().any(|part| part == "tests")
        });
    let mut seen = 0;
    for (path, text) in core {
        seen += 1;
        assert_eq!(impurities(&text), Vec::<String>::new(), "{}", path.display());
    }
    assert!(seen > 15, "the scan found only {seen} files of the core");
}

#[test]
fn the_scan_for_impurities_finds_them() {
    for impure in [
        "use std::fs;",
        "use std::{collections::BTreeMap, time::Instant};",
        "let now = SystemTime::now();",
        "    tracing::warn!(\"x\");",
        "use tokio::sync::watch;",
        "let x = std::env::var(\"X\");",
        "use prost::Message as _;",
    ] {
        assert!(!impurities(impure).is_empty(), "{impure}");
    }
    for pure in ["//! no tokio here", "let timestamp = 1; // std::time", "let offset = times(2);"] {
        assert_eq!(impurities(pure), Vec::<String>::new(), "{pure}");
    }
}

/// Lines of code that name something impure. Whole words count, so `timestamp` is not `time`;
/// comments, texts and the core's own tests may say what they like.
fn impurities(text: &str) -> Vec<String> {
    let is_impure = |line: &&str| {
        let code = line.split("//").next().unwrap_or_default();
        let outside_texts = code.split('"').step_by(2);
        let mut words = outside_texts.flat_map(|part| part.split(|c: char| !is_of_word(c)));
        words.any(|word| IMPURE.contains(&word))
    };
    code(text).filter(is_impure).map(str::to_owned).collect()
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
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
    let mut open =
        vec![root.join("build.rs"), root.join("src"), root.join("tests"), root.join("benches")];
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
