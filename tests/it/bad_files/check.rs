//! `flagstaff check`: how it ends, what it prints for whom, and that it is done in seconds.

use super::Fate;
use crate::{
    flags::{Flags, files},
    sidecar::flagstaff,
};
use serde_json::{Value, json};
use std::{
    env,
    path::Path,
    process::{Command, Output},
    time::{Duration, Instant},
};

/// Checks without lints, which have tests of their own.
fn check(root: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command: Command = flagstaff();
    let Output { status, stdout, .. } =
        command.current_dir(root).args(["check", "--no-lints"]).args(arguments).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap())
}

const GOOD: &str =
    r#"{"flags": {"a": {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on"}}}"#;
const WARNED: &str =
    r#"{"flags": {"b": {"state": "enabled", "variants": {"on": true}, "defaultVariant": "on"}}}"#;
const BROKEN: &str = "flags:\n  c:\n    state: ENABLED\n    variants: {'a%b,c:d': 1}\n    defaultVariant: \"a%b,\\nc:d\"\n";

#[test]
fn it_ends_by_the_worst_it_found() {
    let root = files(&[("good.json", GOOD), ("warned.json", WARNED), ("broken.yaml", BROKEN)]);
    for (arguments, expected) in [
        (&["good.json"][..], 0),
        (&["good.json", "--strict"], 0),
        (&["good.json", "warned.json"], 0),
        (&["good.json", "warned.json", "--strict"], 1),
        (&["broken.yaml", "good.json"], 1),
        (&["broken.yaml", "good.json", "--strict"], 1),
        (&["nowhere.json"], 1),
        (&["nowhere"], 1),
        (&[], 2),
        (&["good.json", "--format", "xml"], 2),
        (&["good.json", "--max-file-bytes", "much"], 2),
        (&["good.txt"], 1),
    ] {
        for format in ["text", "json", "github"] {
            let mut arguments = arguments.to_vec();
            if !arguments.contains(&"--format") && !arguments.is_empty() {
                arguments.extend(["--format", format]);
            }
            assert_eq!(check(root.path(), &arguments).0, Some(expected), "{arguments:?}");
        }
    }
}

#[test]
fn every_path_is_reported_whatever_is_wrong_with_those_before() {
    let root = files(&[
        ("broken.yaml", BROKEN),
        ("d/1.json", GOOD),
        ("d/2.yaml", "flags: { a: { state: ENABLED, variants: { off: false } } }\n"),
        ("d/3.json", "{"),
        ("d/4.json/inside", ""),
        ("empty/notes.txt", ""),
        ("good.json", GOOD),
    ]);
    let paths = ["missing.json", "broken.yaml", "no/directory", "empty", "d", "good.json"];
    let (code, told) = check(root.path(), &paths);
    let expected = [
        "missing.json:1:1: error: file: file not found (help: nothing in it can be served until it can be read)",
        "broken.yaml:5:21: error: flags.c.defaultVariant: \"a%b,\\nc:d\" is not a variant (help: did you mean \"a%b,c:d\"?)",
        "no/directory:1:1: error: file: directory not found (help: nothing in it can be served until it can be read)",
        "empty:1:1: error: file: has no flag file: none whose name ends in .json, .yaml or .yml (help: nothing in it can be served until it can be read)",
        "d/2.yaml:1:10: warning[defined-twice]: flags.a: is also defined in d/1.json (help: keep one of them; this one counts, since its file comes later by name)",
        "d/3.json:1:1: error: file: ends in the middle of an object (help: the file is cut off, or a bracket or quote is not closed)",
        "d/4.json:1:1: error: file: is a directory, not a file (help: nothing in it can be served until it can be read)",
        "9 files, 4 flags: 6 errors, 1 warning",
    ];
    assert_eq!(told.lines().collect::<Vec<_>>(), expected);
    assert_eq!(code, Some(1));
}

#[test]
fn programs_read_it_as_json() {
    let root = files(&[("broken.yaml", BROKEN), ("warned.json", WARNED), ("good.json", GOOD)]);
    let (_, told) =
        check(root.path(), &["broken.yaml", "warned.json", "good.json", "--format", "json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    let expected = json!({"files": [
        {"path": "broken.yaml", "flags": 1, "diagnostics": [{
            "level": "error", "line": 5, "column": 21, "path": "flags.c.defaultVariant",
            "message": "\"a%b,\nc:d\" is not a variant", "help": "did you mean \"a%b,c:d\"?",
        }]},
        {"path": "warned.json", "flags": 1, "diagnostics": [{
            "level": "warning", "line": 1, "column": 27, "path": "flags.b.state",
            "message": "\"enabled\" is no state",
            "help": "such a flag counts as enabled; write \"ENABLED\" or \"DISABLED\"",
        }]},
        {"path": "good.json", "flags": 1, "diagnostics": []},
    ], "errors": 1, "warnings": 1, "notes": 0});
    assert_eq!(told, expected);
}

#[test]
fn a_pull_request_is_annotated() {
    let split = r#"{"flags": {"s": {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on", "targeting": {"fractional": [["on", 1]]}}}}"#;
    let root = files(&[("d/a, b:c%.yaml", BROKEN), ("split.json", split)]);
    let (_, told) = check(root.path(), &["d", "split.json", "--format", "github"]);
    let mut lines = told.lines();
    assert_eq!(
        lines.next(),
        Some(
            "::error file=d/a%2C b%3Ac%25.yaml,line=5,col=21,title=flags.c.defaultVariant::\
             \"a%25b,%0Ac:d\" is not a variant (did you mean \"a%25b,c:d\"?)"
        ),
    );
    let note = lines.next().unwrap();
    assert!(note.starts_with("::notice file=split.json,line=1,col="), "{note}");
    // One line each: a name with a line break in it breaks none.
    assert_eq!(lines.count(), 1, "{told}");
}

#[test]
fn what_a_file_says_cannot_steer_a_terminal() {
    let evil =
        "{\"flags\": {\"a\\u001b[2J\\n::error::b\": {\"state\": \"\\u001b]0;x\\u0007\\r\"}}}";
    let root = files(&[("evil.json", evil)]);
    let (_, told) = check(root.path(), &["evil.json"]);
    assert!(told.contains("flags.a\\u{1b}[2J\\n::error::b.state"), "{told}");
    for format in ["text", "github"] {
        let (_, told) = check(root.path(), &["evil.json", "--format", format]);
        assert!(told.lines().all(|line| !line.chars().any(char::is_control)), "{format}: {told:?}");
        assert!(!told.lines().any(|line| line.starts_with("::error::b")), "{told}");
    }
}

/// Without optimization, and with other tests beside it, everything takes ten times as long.
const SECONDS: Duration = Duration::from_secs(if cfg!(debug_assertions) { 90 } else { 20 });

/// Checks a large file, which must not take long; says what was found and in what time.
fn timed(what: &str, name: &str, content: &str) -> (String, Duration) {
    let root = files(&[(name, content)]);
    let start = Instant::now();
    let linted = flagstaff().current_dir(root.path()).args(["check", name]).output().unwrap();
    let took = start.elapsed();
    let (code, told) = (linted.status.code(), String::from_utf8(linted.stdout).unwrap());
    let summary = told.lines().last().unwrap_or_default().to_owned();
    println!(
        "{what}: {:.1} MiB in {took:.2?}: {summary}",
        content.len() as f64 / f64::from(1 << 20)
    );
    assert!(code.is_some(), "{what}: it was killed");
    (summary, took)
}

fn flag(rest: &str) -> String {
    format!("{{\"state\":\"ENABLED\",\"variants\":{{\"on\":1}},\"defaultVariant\":\"on\"{rest}}}")
}

fn joined(count: usize, part: impl Fn(usize) -> String) -> String {
    (0..count).map(part).collect::<Vec<_>>().join(",")
}

/// Files of many problems, each with what must be found in it.
fn crowds() -> Vec<(&'static str, String)> {
    let file =
        |flags: String| format!("{{\"metadata\":{{\"fractional\":\"v2\"}},\"flags\":{{{flags}}}}}");
    let of_one = |rest: String| file(format!("\"a\":{}", flag(&format!(",{rest}"))));
    let shares = joined(9_000, |n| format!("[\"on{n}\",\"x\"]"));
    let references = joined(10_000, |n| {
        let rule = flag(&format!(",\"targeting\":{{\"if\":[{{\"$ref\":\"e{n}\"}},\"on\"]}}"));
        format!("\"f{n}\":{rule}")
    });
    let evaluators = joined(10_000, |n| format!("\"e{n}\":{{\"nope\":[{n}]}}"));
    vec![
        (
            "one flag, 18 000 problems",
            of_one(format!("\"targeting\":{{\"fractional\":[{shares}]}}")),
        ),
        ("one flag, 10 000 unknown members", of_one(joined(10_000, |n| format!("\"m{n}\":1")))),
        (
            "10 000 flags, one problem each",
            file(joined(10_000, |n| format!("\"f{n}\":{}", flag(",\"x\":1")))),
        ),
        (
            "10 000 flags, a problem each in an evaluator of its own",
            format!("{{\"$evaluators\":{{{evaluators}}},\"flags\":{{{references}}}}}"),
        ),
        (
            "10 000 flags that mean one of 10 000 evaluators",
            format!(
                "{{\"$evaluators\":{{{}}},\"flags\":{{{references}}}}}",
                joined(10_000, |n| format!("\"x{n}\":true"))
            ),
        ),
        (
            "100 000 members written twice",
            file(format!("{0},{0}", joined(100_000, |n| format!("\"f{n}\":1")))),
        ),
        ("one member written 100 000 times", file(joined(100_000, |_| "\"f\":1".to_owned()))),
        (
            "20 000 results that are none of 20 000 variants",
            file(format!(
                "\"a\":{{\"state\":\"ENABLED\",\"variants\":{{{}}},\"targeting\":{{\"if\":[{}]}}}}",
                joined(20_000, |n| format!("\"variant{n}\":1")),
                joined(20_000, |n| format!("true,\"varaint{n}\""))
            )),
        ),
        (
            "10 000 problems below a name of 100 kB",
            file(format!(
                "\"{}\":{}",
                "k".repeat(100_000),
                flag(&format!(",{}", joined(10_000, |n| format!("\"m{n}\":1"))))
            )),
        ),
    ]
}

#[test]
fn ten_thousand_problems_are_told_in_seconds() {
    for (what, json) in crowds() {
        let (summary, took) = timed(what, "flags.json", &json);
        assert!(!summary.contains("no problems"), "{what}: {summary}");
        assert!(took < SECONDS, "{what} took {took:?}");
        // On lines of their own, in YAML: it is gone through twice, and marked.
        let yaml = json.replace(",\"", ",\n \"").replace(":{", ": {").replace("\":", "\": ");
        let (in_yaml, took) = timed(what, "flags.yaml", &yaml);
        // A longer text has room for more problems.
        let kinds = |summary: &str| summary.replace(|c: char| c.is_ascii_digit(), "");
        assert_eq!(kinds(&in_yaml), kinds(&summary), "{what}");
        assert!(took < SECONDS, "{what} took {took:?}");
    }
}

/// `HOSTILE_KIB=16383 cargo test --release --test it hostile -- --nocapture` has the full size.
#[test]
fn large_hostile_files_are_told_in_seconds() {
    let size: usize = env::var("HOSTILE_KIB").map_or(512, |kib| kib.parse().unwrap()) << 10;
    let fill = |part: &str| part.repeat(size / part.len());
    let numbered = |part: &str| {
        let mut text = String::with_capacity(size);
        for number in 0.. {
            let line = part.replace('#', &number.to_string());
            if text.len() + line.len() > size - 100 {
                break;
            }
            text += &line;
        }
        text
    };
    let hostile = [
        ("brackets", fill("[")),
        ("pairs of brackets", format!("flags: [{}]", fill("[],"))),
        ("dashes", fill("- ")),
        ("question marks", fill("? ")),
        ("colons", fill(": ")),
        ("quotes", fill("'")),
        ("one long word", fill("a")),
        ("one long key", format!("{}: 1", fill("a"))),
        ("one long quoted key", format!("\"{}\": 1", fill("a"))),
        ("words", fill("a ")),
        ("lines", fill("a\n")),
        ("comments", fill("#\n")),
        ("keys of one letter", fill("a: 1\n")),
        ("keys of their own", numbered("k#: 1\n")),
        ("flags that are null", format!("flags:\n{}", numbered(" k#:\n"))),
        ("anchors", numbered("k#: &a# 1\n")),
        ("aliases", format!("a: &a 1\nflags: [{}]", fill("*a,"))),
        ("merges", format!("a: &a {{b: 1}}\nflags:\n{}", fill(" <<: *a\n"))),
        ("not finite", format!("flags: {{a: [{}]}}", fill(".inf,"))),
        ("escapes", format!("flags: \"{}\"", fill("\\0"))),
        ("documents", fill("---\n")),
        ("tags", fill("!a ")),
        ("directives", fill("%A\n")),
        ("a literal", format!("flags: |\n{}", fill(" a\n"))),
        ("nested flow mappings", fill("{a: ")),
        (
            "deep indentation",
            (0..(2 * size).isqrt() - 10).map(|depth| " ".repeat(depth) + "a:\n").collect(),
        ),
    ];
    for (what, text) in hostile {
        let (summary, took) = timed(what, "flags.yaml", &text);
        assert!(summary.contains("error") || summary.contains("warning"), "{what}: {summary}");
        assert!(took < SECONDS, "{what} took {took:?}");
    }
}

#[test]
fn a_flag_in_the_list_form_is_pointed_to_as_well() {
    let flags = Flags::absent();
    flags.write_text("{\"flags\": [\n  {\"key\": \"a\", \"state\": 1}\n]}");
    let told = flagstaff().arg("check").arg(flags.path()).output().unwrap().stdout;
    let told = String::from_utf8(told).unwrap();
    assert!(told.contains("flags.json:2:25: error: flags.a.state: is not a string"), "{told}");
    assert_eq!(Fate::ALL.len(), 4);
}
