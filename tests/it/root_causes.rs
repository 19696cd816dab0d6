//! One mistake is one error, however many flags it breaks; and an export fails if the file has an
//! error that `serve` would report.

use crate::{
    flags::{Flags, files},
    sidecar::{DEADLINE, Sidecar, eventually, flagstaff, http_get, run},
};
use serde_json::{Value, json};

const FLAGS: usize = 5_000;

/// A readable file of many flags, each with these members. `{n}` stands for the flag's number.
fn many(head: &str, body: &str) -> String {
    let flag = |n: usize| format!("  f{n}: {{ {} }}\n", body.replace("{n}", &n.to_string()));
    let flags: String = (0..FLAGS).map(flag).collect();
    format!("flagstaff: 1\nbucketing: v2\n{head}{flags}")
}

#[tokio::test]
async fn a_broken_flag_that_many_require_is_reported_once() {
    let bad = many(
        "flags:\n  g: { serve: onn }\n  h: { requires: g, serve: on }\n",
        "requires: [g, h], serve: on",
    );
    let root = files(&[("flags.yaml", &bad)]);
    let (code, told, _) =
        run(flagstaff().args(["check", "--no-lints", "flags.yaml"]).current_dir(root.path()));
    let expected = "flags.yaml:4:15: error: flags.g.serve: \"onn\" is no variant (help: did you \
        mean \"on\"?)\nflags.yaml:6:20: error: flags.f0.requires[0]: \"g\" has an error of its own; \
        5001 flags have this error (help: mend it there)\n1 file, 5002 flags: 2 errors\n";
    assert_eq!((code, &*told), (Some(1), expected));

    let flags = Flags::absent_at("flags.yaml");
    flags.write_text(&many("flags:\n  g: { serve: on }\n", "requires: g, serve: on"));
    let sidecar = Sidecar::start(&flags).await;
    flags.replace(&bad);
    sidecar.wait_for_log(&["the flag file has problems"]).await;
    let log = sidecar.log();
    let line = log.iter().find(|line| line.contains("the flag file has problems")).unwrap();
    assert!(line.contains("\"errors\":2,"), "{line}");
    assert_eq!(line.matches("have this error").count(), 1, "{line}");
    let mut status = Value::Null;
    eventually(DEADLINE, "the flags are in quarantine", async || {
        let (_, body) = http_get(sidecar.management(), "/status").await;
        status = serde_json::from_str(&body).unwrap();
        status["quarantined"] != json!([])
    })
    .await;
    let layer = &status["sources"][0]["layers"][0];
    assert_eq!(layer["diagnostics"].as_array().unwrap().len(), 2, "{layer}");
    // Each flag still says why it is in quarantine.
    let quarantined = status["quarantined"].as_array().unwrap();
    assert_eq!(quarantined.len(), FLAGS + 2);
    let f7 = quarantined.iter().find(|flag| flag["flag"] == "f7").unwrap();
    assert_eq!(f7["reasons"][0], "flags.f7.requires[0]: \"g\" has an error of its own");
}

#[test]
fn a_segment_or_a_list_that_many_use_is_reported_once() {
    for (head, body, cause, first) in [
        (
            "segments: { s: { age: \"> x\" } }\nflags:\n",
            "rules: [{ if: s, serve: on }, { if: [s, { a: 1 }], serve: on }]",
            "segments.s.age",
            "flags.f0.rules[0].if: the segment \"s\" has an error; 5000 flags have this error",
        ),
        (
            "flags:\n",
            "rules: [{ if: { id: { in_list: gone.txt } }, serve: on }]",
            "",
            "flags.f0.rules[0].if.id.in_list: the list \"gone.txt\": file not found; 5000 flags have \
             this error",
        ),
        (
            "flags:\n  g: { targeting: { fractional: [[\"on\", 1], [\"off\", 1]] }, otherwise: off }\n",
            "requires: g, serve: on",
            "",
            "flags.f0.requires: \"g\" has a targeting of its own whose results are not all names; \
             5000 flags have this error",
        ),
    ] {
        let root = files(&[("flags.yaml", &many(head, body))]);
        let (code, told, _) =
            run(flagstaff().args(["check", "--no-lints", "flags.yaml"]).current_dir(root.path()));
        assert_eq!(code, Some(1));
        assert!(told.contains(first) && told.contains(cause), "{told:.600}");
        assert!(told.lines().count() <= 3, "{told:.600}");
    }
}

#[test]
fn an_error_of_one_flag_reads_as_before() {
    let flags = "flagstaff: 1\nbucketing: v2\nflags:\n  g: { serve: onn }\n  h: { requires: g, serve: on }\n";
    let root = files(&[("flags.yaml", flags)]);
    let (_, told, _) =
        run(flagstaff().args(["check", "--no-lints", "flags.yaml"]).current_dir(root.path()));
    let line = "flags.yaml:5:18: error: flags.h.requires: \"g\" has an error of its own (help: mend it \
        there)\n";
    assert!(told.contains(line), "{told}");
}

#[test]
fn an_export_of_a_cycle_fails_with_its_place() {
    let cycle = "{\"metadata\": {\"fractional\": \"v2\"},\n \"$evaluators\": {\"a\": {\"$ref\": \"b\"},\n  \
        \"b\": {\"if\": [{\"$ref\": \"a\"}, true]}},\n \"flags\": {\"f\": {\"state\": \"ENABLED\", \
        \"variants\": {\"on\": true}, \"defaultVariant\": \"on\"TARGETING}}}";
    let uses = ", \"targeting\": {\"if\": [{\"$ref\": \"a\"}, \"on\"]}";
    for targeting in ["", uses] {
        let root = files(&[("flags.json", &cycle.replace("TARGETING", targeting))]);
        let (code, out, err) =
            run(flagstaff().args(["export", "flags.json"]).current_dir(root.path()));
        assert_eq!((code, &*out), (Some(1), ""), "{err}");
        let error = "flags.json:3:3: error: $evaluators.b: is part of a cycle: a -> b -> a (help: an \
            evaluator cannot refer to itself, directly or through others)\n";
        assert_eq!(err, error);
    }
}

#[test]
fn a_test_whose_user_has_no_version_is_warned_of() {
    let flags = "flagstaff: 1\nbucketing: v2\nflags:\n  f:\n    rules: [{ if: { app.version: \">= 4.2.0\" \
        }, serve: on }]\n  g: { serve: on }\ntests:\n  - { user: { app: { version: latest } }, expect: { f: \
        off } }\n  - { user: { app: { version: 4.3.0 } }, expect: { f: on } }\n  - { user: { app: { \
        version: 5 } }, expect: { f: on } }\n  - { user: { app: { version: true } }, expect: { f: off, g: \
        on } }\n  - { user: { app: { version: latest } }, expect: { g: on } }\n  - { user: { app: 1 }, \
        expect: { f: off } }\n";
    let root = files(&[("flags.yaml", flags)]);
    let (code, told, _) =
        run(flagstaff().args(["check", "--no-lints", "flags.yaml"]).current_dir(root.path()));
    assert_eq!(code, Some(0), "{told}");
    let help = "(help: write major.minor.patch as a text, such as \"4.2.0\")";
    for line in [
        format!(":8:31: warning: tests[0].user.app.version: \"latest\" is not a version {help}"),
        format!("warning: tests[3].user.app.version: true is not a version {help}"),
    ] {
        assert_eq!(told.matches(&line).count(), 1, "{line}\n{told}");
    }
    assert_eq!(told.matches("is not a version").count(), 2, "{told}");
}

#[test]
fn a_tag_is_reported_with_its_flag_and_member() {
    let flags = "flagstaff: 1\nbucketing: v2\nflags:\n  pay:\n    variants: { a: !vault x, b: y }\n    rules:\n      \
        - { if: { plan: [p, !secret q] }, serve: a }\n    otherwise: b\n";
    let root = files(&[("flags.yaml", flags)]);
    let (_, told, _) =
        run(flagstaff().args(["check", "--no-lints", "flags.yaml"]).current_dir(root.path()));
    for line in [
        "flags.yaml:5:20: warning: flags.pay.variants.a: the tag !vault has no effect",
        "flags.yaml:7:27: warning: flags.pay.rules[0].if.plan[1]: the tag !secret has no effect",
    ] {
        assert!(told.contains(line), "{told}");
    }
}
