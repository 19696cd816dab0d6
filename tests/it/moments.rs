//! Moments in files and options, with zones of their own, asked on the real binary.

use crate::{
    flags::files,
    sidecar::{flagstaff, run},
};
use std::path::Path;

/// A file whose clock is New York's, with one flag.
fn file(flag: &str) -> String {
    format!(
        "flagstaff: 1\nbucketing: v2\ntime_zone: America/New_York\nflags:\n  sale:\n    \
         owner: team-shop\n    why: The sale begins in Berlin, when its shops open.\n    \
         kind: ops\n    {flag}\n"
    )
}

/// Checks a file at any day: the exit code and what is said.
fn check(flag: &str) -> (Option<i32>, String) {
    let root = files(&[("flags.yaml", &file(flag))]);
    let mut command = flagstaff();
    command.args(["check", "--today", "2026-11-01", "flags.yaml"]).current_dir(root.path());
    let (code, told, error) = run(&mut command);
    (code, told + &error)
}

/// What the flag serves at a moment, or why it is not asked.
fn eval(root: &Path, at: &str) -> String {
    let mut command = flagstaff();
    command.args(["eval", "flags.yaml", "--flag", "sale", "--at", at]).current_dir(root);
    command.args(["--context", r#"{"targetingKey": "ana", "seen": 1796112000}"#]);
    let (code, answer, error) = run(&mut command);
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap_or_default();
    match answer["variant"].as_str() {
        Some(variant) => variant.to_owned(),
        None => format!("{code:?} {error}"),
    }
}

#[test]
fn a_zone_in_brackets_counts_wherever_a_moment_stands() {
    for flag in [
        "start: 2026-12-01T09:00[Europe/Berlin]\n    serve: on",
        "end: 2026-12-01T09:00[Europe/Berlin]\n    variants: { off: true, on: false }\n    \
         serve: off\n    otherwise: on",
        "rollout: [0%, \"100% from 2026-12-01T09:00[Europe/Berlin]\"]",
        "rollout: { serve: on, to: [\"100% from 2026-12-01 09:00+01:00[Europe/Berlin]\"] }",
        "rules:\n      - if: { $flagd.timestamp: \">= 2026-12-01T09:00[Europe/Berlin]\" }\n        \
         serve: on",
    ] {
        let root = files(&[("flags.yaml", &file(flag))]);
        for (at, variant) in [
            ("2026-12-01T08:59:59[Europe/Berlin]", "off"),
            ("2026-12-01T09:00[Europe/Berlin]", "on"),
            ("2026-12-01T03:00[America/New_York]", "on"),
            ("2026-12-01T07:59:59Z", "off"),
        ] {
            assert_eq!(eval(root.path(), at), variant, "{flag} at {at}");
        }
        let (code, told) = check(flag);
        assert!(!told.contains("moment") && !told.contains("zone"), "{flag}: {code:?} {told}");
    }
    let tests = "serve: on\n    start: 2026-12-01T09:00[Europe/Berlin]\ntests:\n  \
                 - { at: \"2026-12-01T09:00[Europe/Berlin]\", expect: { sale: on } }\n  \
                 - { at: \"2026-12-01T02:59\", expect: { sale: off } }";
    assert_eq!(check(tests), (Some(0), "1 file, 1 flag: no problems\n".to_owned()));
}

#[test]
fn a_wrong_moment_is_refused_wherever_it_stands() {
    let wrong = "2026-12-01T09:00+02:00[Europe/Berlin]";
    for flag in [
        "start: \"W\"\n    serve: on",
        "end: \"W\"\n    serve: on",
        "rollout: [\"5% from W\"]",
        "rules:\n      - if: { seen: \">= W\" }\n        serve: on",
        "rules:\n      - if: { seen: { time: \">= W\" } }\n        serve: on",
        "expires: \"W\"\n    serve: on",
        "created: \"W\"\n    serve: on",
        "serve: on\ntests:\n  - { at: \"W\", expect: { sale: on } }",
    ] {
        for (wrong, message) in [
            (wrong, "contradicts itself: Europe/Berlin is +01:00 then"),
            ("2026-12-01T09:00[!u-ca=hebrew]", "\"[!u-ca=hebrew]\" is not supported"),
            ("2026-02-30", "February 2026 has 28 days"),
            ("2026-12-01T24:00", "24:00, which is the next day"),
            ("2026-2-3", "(help: write 2026-02-03)"),
            ("12/31/2026", "(help: write 2026-12-31)"),
        ] {
            let (_, told) = check(&flag.replace('W', wrong));
            assert!(told.contains(message), "{flag} {wrong}: {told}");
        }
    }
    let root = files(&[("flags.yaml", &file("serve: on"))]);
    for (at, message) in [
        (wrong, "Europe/Berlin is +01:00 then"),
        ("2026-12-01", "write 2026-12-09T10:00:00Z or 2026-12-09T10:00[Europe/Berlin]"),
        ("2026-10-25T02:30[Europe/Berlin]", "happens twice"),
        ("2026-03-29T02:30[Europe/Berlin]", "does not exist"),
        ("2026-02-30T00:00Z", "February 2026 has 28 days"),
        ("2026-12-01T09:00 PST", "has \"PST\" behind the time"),
    ] {
        let told = eval(root.path(), at);
        assert!(told.starts_with("Some(2)") && told.contains(message), "{at}: {told}");
    }
}

#[test]
fn the_last_day_is_a_day_everywhere() {
    let flag = "expires: 9999-12-31\n    start: 0001-01-01\n    end: 9999-12-31\n    serve: on\n    \
                rules:\n      - { if: { seen: \"> 9999-12-31T23:59\" }, serve: off }";
    let (code, told) = check(flag);
    assert_eq!((code, &*told), (Some(0), "1 file, 1 flag: no problems\n"));
    let root = files(&[("flags.yaml", &file(flag))]);
    for (at, variant) in [
        ("0000-06-01T00:00Z", "off"),
        ("2026-12-01T00:00Z", "on"),
        ("9999-12-31T04:59:59Z", "on"),
        ("9999-12-31T05:00:00Z", "off"),
        ("9999-12-31T23:59:59Z", "off"),
    ] {
        assert_eq!(eval(root.path(), at), variant, "{at}");
    }
    let mut command = flagstaff();
    command.args(["check", "--today", "9999-12-31", "flags.yaml"]).current_dir(root.path());
    assert!(run(&mut command).1.contains("expires today"));
    let mut command = flagstaff();
    command.args(["eval", "flags.yaml", "--explain", "--flag", "sale", "--at"]);
    let (code, told, error) = run(command.arg("9999-12-31T23:00Z").current_dir(root.path()));
    assert_eq!(code, Some(0), "{told}{error}");
}
