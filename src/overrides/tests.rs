//! What is in force when, and what becomes of what cannot be served.

use super::*;
use flagstaff_core::{Format, Generation, Layer, compile, merge};
use serde_json::{Value as Json, json};
use std::{
    fs,
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

/// Seconds into some day.
fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_795_305_600 + seconds)
}

fn put(dir: &Path, name: &str, flag: &str, variant: &str, until: u64) {
    let (flag, variant) = (flag.to_owned(), variant.to_owned());
    let of = Override { flag, variant, until: at(until), why: "why".to_owned(), set_at: None };
    fs::write(dir.join(name), of.to_text()).unwrap();
}

fn layer(keys: &[&str]) -> Layer {
    let flags: serde_json::Map<_, _> = keys
        .iter()
        .map(|key| {
            ((*key).to_owned(), json!({"variants": {"on": 1, "off": 0}, "state": "ENABLED"}))
        })
        .collect();
    let text = json!({"flags": flags}).to_string();
    compile(text.as_bytes(), Format::Json, Generation::V2, &Layer::default()).unwrap().layer
}

/// A look at the directory at a time, over flags a and b: whether it was news, what is served and
/// the problems that are told.
#[track_caller]
fn look(overrides: &mut Overrides, now: u64) -> (bool, Vec<String>, Vec<String>) {
    let layer = layer(&["a", "b"]);
    overrides.look(at(now), ScanCause::Change);
    // This machine may be busy.
    while overrides.is_hanging() {
        overrides.look(at(now), ScanCause::Return);
    }
    let news = overrides.is_due();
    let served = overrides.decide(&merge([&layer]));
    let served = served.iter().map(|flag| {
        let flag = flag.flag();
        format!("{}={}", flag.key(), flag.default().unwrap().name())
    });
    let problems = overrides.standing().filter_map(|file| file.problem).collect();
    (news, served.collect(), problems)
}

fn texts(of: &[&str]) -> Vec<String> {
    of.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn it_begins_with_its_file_and_ends_with_its_time() {
    let dir = tempfile::tempdir().unwrap();
    let mut overrides = Overrides::new(Some(dir.path().join("later")), Disk::default());
    assert_eq!(look(&mut overrides, 0), (false, vec![], vec![]));
    assert_eq!(overrides.holds(), TimeSpan::default());
    let dir = dir.path().join("later");
    fs::create_dir(&dir).unwrap();
    put(&dir, "a.json", "a", "on", 10);
    put(&dir, "b.json", "b", "off", 20);
    assert_eq!(look(&mut overrides, 1), (true, texts(&["a=on", "b=off"]), vec![]));
    assert_eq!(overrides.holds(), TimeSpan::around(at(1), [at(10)].into_iter()));
    assert!(!look(&mut overrides, 9).0, "nothing is new");
    assert_eq!(look(&mut overrides, 10), (true, texts(&["b=off"]), vec![]));
    assert_eq!(overrides.holds(), TimeSpan::around(at(10), [at(10), at(20)].into_iter()));
    assert_eq!(overrides.status().len(), 1, "what has ended is not told");
    fs::remove_file(dir.join("b.json")).unwrap();
    assert_eq!(look(&mut overrides, 11), (true, vec![], vec![]));
    assert_eq!(overrides.holds(), TimeSpan::around(at(11), [at(10)].into_iter()));
    // A clock that is set back: by the wall clock it has not ended.
    assert_eq!(look(&mut overrides, 3), (true, texts(&["a=on"]), vec![]));
}

#[test]
fn of_two_for_one_flag_the_last_by_name_counts_while_it_lasts() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "1.json", "a", "on", 20);
    put(dir.path(), "2.json", "a", "off", 10);
    let mut overrides = Overrides::new(Some(dir.path().to_owned()), Disk::default());
    let (_, served, problems) = look(&mut overrides, 0);
    assert_eq!(served, ["a=off"]);
    assert_eq!(problems, ["2.json overrides the same flag, and the last by name counts"]);
    assert_eq!(look(&mut overrides, 10), (true, texts(&["a=on"]), vec![]));
}

#[test]
fn what_cannot_be_served_says_why_and_hurts_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    put(dir, "1.json", "aa", "on", 10);
    put(dir, "2.json", "a", "of", 10);
    put(dir, "3.json", "b", "nothing like it", 10);
    put(dir, "3a.json", "b", "no", 10);
    put(dir, "4.json", "a", "on", 10);
    let mut overrides = Overrides::new(Some(dir.to_owned()), Disk::default());
    let (_, served, problems) = look(&mut overrides, 0);
    assert_eq!(served, ["a=on"]);
    let expected = [
        "no flag \"aa\"; did you mean \"a\"?",
        "flag \"a\" has no variant \"of\"; did you mean \"off\"?",
        "flag \"b\" has no variant \"nothing like it\"; it has off, on",
        "flag \"b\" has no variant \"no\"; did you mean \"off\"?",
    ];
    assert_eq!(problems, expected);
    let status = overrides.status();
    assert_eq!((&status[1]["active"], &status[4]["active"]), (&json!(false), &json!(true)));
    assert_eq!(status[0]["problem"], expected[0]);
}

#[test]
fn a_file_that_becomes_corrupt_holds_what_it_said_until_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    put(dir, "a.json", "a", "on", 10);
    let mut overrides = Overrides::new(Some(dir.to_owned()), Disk::default());
    look(&mut overrides, 0);
    fs::write(dir.join("a.json"), "{").unwrap();
    fs::write(dir.join("b.json"), "{").unwrap();
    let (news, served, problems) = look(&mut overrides, 1);
    assert!(news);
    assert_eq!(served, ["a=on"]);
    assert!(problems[0].contains("what it said before holds until its end"), "{problems:?}");
    assert!(problems[1].starts_with("ends too early"), "{problems:?}");
    let status = overrides.status();
    assert_eq!((&status[0]["active"], &status[1]["flag"]), (&json!(true), &Json::Null));
    assert!(!look(&mut overrides, 2).0, "nothing is new");
    let (_, served, problems) = look(&mut overrides, 10);
    assert_eq!((served.len(), problems.len()), (0, 2), "{problems:?}");
    put(dir, "b.json", "b", "off", 20);
    assert_eq!(look(&mut overrides, 11).1, ["b=off"]);
}

#[test]
fn a_directory_that_cannot_be_read_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("overrides");
    fs::create_dir(&path).unwrap();
    put(&path, "a.json", "a", "on", 10);
    let mut overrides = Overrides::new(Some(path.clone()), Disk::default());
    look(&mut overrides, 0);
    fs::rename(&path, dir.path().join("away")).unwrap();
    fs::write(&path, "a file").unwrap();
    assert_eq!(look(&mut overrides, 1).1, ["a=on"]);
    let status = overrides.status();
    let problem = status[1]["problem"].as_str().unwrap();
    assert!(problem.starts_with("the directory cannot be read: "), "{problem}");
    assert_eq!(look(&mut overrides, 10).1, Vec::<String>::new());
}
