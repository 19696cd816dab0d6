//! What `flagstaff check` says of each bad file, word by word: texts a colleague can work with.
//!
//! `BLESS=1 cargo test --test it bad_files::golden` writes them anew; then read them.

use super::{Fate, LIMIT, ROOT, cases};
use crate::sidecar::flagstaff;
use serde_json::Value;
use std::{env, fs, path::Path, process::Output};
use tempfile::TempDir;

/// Checks all cases of a format in one go, in a directory where they have the names they are
/// known by.
fn check(extension: &str, format: &str) -> String {
    let root = TempDir::new().unwrap();
    for fate in Fate::ALL {
        fs::create_dir(root.path().join(fate.directory())).unwrap();
    }
    let mut command = flagstaff();
    command.current_dir(root.path());
    // What lints find of these files is beside the point.
    command.args(["check", "--no-lints", "--max-file-bytes", LIMIT, "--format", format]);
    for case in cases(extension) {
        fs::write(root.path().join(case.path()), &case.content).unwrap();
        command.arg(case.path());
    }
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert_eq!(status.code(), Some(1), "{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

fn compare(extension: &str) {
    let path = Path::new(ROOT).join(format!("{extension}.txt"));
    let told = check(extension, "text");
    if env::var_os("BLESS").is_some() {
        fs::write(&path, &told).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap();
    for (told, expected) in told.lines().zip(expected.lines()) {
        assert_eq!(told, expected, "BLESS=1 writes {} anew", path.display());
    }
    assert_eq!(told, expected, "BLESS=1 writes {} anew", path.display());
}

#[test]
fn every_bad_json_file_is_told_as_it_was_read_and_found_good() {
    compare("json");
}

#[test]
fn every_bad_yaml_file_is_told_as_it_was_read_and_found_good() {
    compare("yaml");
}

#[test]
fn a_file_has_the_problems_of_its_directory() {
    let mut seen = 0;
    for extension in ["json", "yaml"] {
        let told: Value = serde_json::from_str(&check(extension, "json")).unwrap();
        for (case, file) in cases(extension).iter().zip(told["files"].as_array().unwrap()) {
            let path = case.path();
            assert_eq!(file["path"], *path);
            let problems = file["diagnostics"].as_array().unwrap();
            let count = |level| problems.iter().filter(|problem| problem["level"] == level).count();
            let (errors, warnings) = (count("error"), count("warning"));
            let flags = file["flags"].as_u64().unwrap();
            let as_expected = match case.fate {
                Fate::Good => problems.is_empty() && flags == 2,
                Fate::Warned => errors == 0 && warnings > 0 && flags > 0,
                Fate::Quarantined => errors > 0 && flags > 0,
                Fate::Refused => errors == 1 && warnings == 0 && flags == 0,
            };
            assert!(as_expected, "{path}: {file:#}");
            for problem in problems {
                check_place(&path, &case.content, problem);
            }
            seen += 1;
        }
    }
    println!("{seen} bad files");
    assert!(seen > 250, "{seen}");
}

/// A problem stands at a character of the file, or right behind one.
fn check_place(path: &str, content: &[u8], problem: &Value) {
    let text = String::from_utf8_lossy(content);
    let place = |of: &str| usize::try_from(problem[of].as_u64().unwrap()).unwrap();
    let line = text.lines().nth(place("line") - 1).unwrap_or_default();
    let length = line.trim_start_matches('\u{feff}').chars().count();
    assert!(place("column") <= length + 1, "{path}: {problem}");
    assert!(place("line") <= text.lines().count().max(1) + 1, "{path}: {problem}");
    let is_said = |of: &str| problem[of].as_str().is_some_and(|text| text.len() > 3);
    assert!(is_said("message") && is_said("help"), "{path}: {problem}");
}
