//! The invariants of ARCHITECTURE.md that a compiler does not check, as a scan of the sources.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// All that the pure core may depend on. `crates/clippy.toml` keeps the rest of `std` out.
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

/// The groups of the core and of the sidecar, from the top down. Each uses only those below it.
const GROUPS: [(&str, &[&str]); 2] = [
    (
        "crates/core/src",
        &["flag_file", "readable", "compile", "flag", "document", "moment", "diagnostic"],
    ),
    (
        "src",
        &[
            "cli",
            "app",
            "management",
            "status",
            "source",
            "server",
            "rpc",
            "overrides",
            "store",
            "report",
            "snapshot",
            "metrics",
            "wire",
            "page",
            "pb",
            "log_writer",
            "lifecycle",
            "files",
            "clock",
        ],
    ),
];

/// Which groups a file of a group names, each with its line, those above its own group first.
fn upward<'t>(path: &Path, text: &'t str) -> Option<(Vec<&'t str>, usize)> {
    let (root, groups) = GROUPS.iter().find(|(root, _)| path.starts_with(root))?;
    let group = path.strip_prefix(root).ok()?.iter().next()?.to_str()?;
    let place = |group: &str| groups.iter().position(|known| *known == group);
    let own = place(group.trim_end_matches(".rs"))?;
    let (mut found, mut seen) = (Vec::new(), 0);
    // Of `use crate::{…}`, which rustfmt writes in one way, the first names of each line.
    let mut in_crate = false;
    for line in code(text).filter(|line| !line.trim_start().starts_with("//")) {
        in_crate |= line.trim_start().starts_with("use crate::{");
        let indent = line.len() - line.trim_start().len();
        let inner = in_crate && indent == 4;
        let names = line.split("crate::").skip(1).chain(inner.then_some(line.trim_start()));
        for name in names.flat_map(|names| names.trim_start_matches('{').split(", ")) {
            let name = name.split(|c: char| !is_of_word(c)).next().unwrap_or_default();
            if let Some(place) = place(name) {
                seen += 1;
                found.extend((place < own).then_some(line));
            }
        }
        in_crate &= !line.starts_with("};");
    }
    Some((found, seen))
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[test]
fn a_group_uses_only_those_below_it() {
    let is_test = |path: &Path| path.iter().any(|part| part == "tests" || part == "tests.rs");
    let mut all = 0;
    for (path, text) in sources().into_iter().filter(|(path, _)| !is_test(path)) {
        let Some((found, seen)) = upward(&path, &text) else { continue };
        all += seen;
        assert_eq!(found, [""; 0], "{} uses what is above it", path.display());
    }
    assert!(all > 300, "only {all} uses were found");
}

#[test]
fn every_module_of_the_sidecar_and_the_core_is_in_a_group() {
    for (root, groups) in GROUPS {
        let entries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(root)).unwrap();
        for entry in entries {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let name = name.trim_end_matches(".rs");
            assert!(["lib", "main"].contains(&name) || groups.contains(&name), "{root}/{name}");
        }
    }
}

#[test]
fn a_use_of_what_is_above_is_found() {
    let path = Path::new("crates/core/src/document/json.rs");
    for (text, expected) in [
        ("use crate::flag::rule::Rule;\n", true),
        ("use crate::{\n    diagnostic::Path,\n    flag::rule::Rule,\n};\n", true),
        ("use crate::{diagnostic::Path, flag::Flag};\n", true),
        ("fn f() { crate::compile::g() }\n", true),
        ("use crate::{\n    diagnostic::Path,\n};\nlet flag = 1;\n", false),
        ("use crate::diagnostic::Path;\n", false),
    ] {
        assert_eq!(!upward(path, text).unwrap().0.is_empty(), expected, "{text}");
    }
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
    ("pb::", &["src/app/routes.rs"]),
    ("tasks.spawn(", &["src/lifecycle.rs"]),
    ("env::", &["src/app/greeting.rs"]),
    ("custom_flags(", &["src/files/read.rs"]),
    ("register_counter(", &["src/metrics/labels.rs"]),
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

#[test]
fn each_type_has_a_name_of_its_own() {
    let mut seen: BTreeMap<String, PathBuf> = BTreeMap::new();
    let is_ours = |path: &Path| path.starts_with("src") || path.starts_with("crates");
    for (path, text) in sources().into_iter().filter(|(path, _)| is_ours(path)) {
        for line in text.lines() {
            let mut words = line.split(|c: char| !is_of_word(c) && c != '(' && c != ')');
            let is_kind = |word: &str| ["struct", "enum", "trait", "union"].contains(&word);
            let declares = words.by_ref().take_while(|word| *word != "//").any(is_kind);
            let name = words.next().filter(|_| declares && !line.trim_start().starts_with("//"));
            let Some(name) = name.filter(|name| name.starts_with(char::is_uppercase)) else {
                continue;
            };
            let name = name.split('(').next().unwrap_or_default();
            if let Some(other) = seen.insert(name.to_owned(), path.clone()) {
                panic!("{name} is a type of {} and of {}", other.display(), path.display());
            }
        }
    }
    assert!(seen.len() > 300, "only {} types were found", seen.len());
}
