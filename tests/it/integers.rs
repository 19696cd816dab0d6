//! Numbers that are served as others, integers beyond ±(2^53−1) and numbers that become 0: files that
//! have them are warned of, and `export` prints what is served.

use crate::{
    flags::files,
    sidecar::{flagstaff, run},
};
use serde_json::{Value, json};
use std::path::Path;

const VALUES: &str = r#"{"metadata": {"fractional": "v2", "team": 9007199254740993}, "$evaluators": {
 "e": {"==": [{"var": "id"}, 9007199254740995]}}, "flags": {
 "big_int": {"state": "ENABLED", "variants": {"id": 9007199254740993, "other": 1}, "defaultVariant": "id"},
 "over_i64": {"state": "ENABLED", "variants": {"id": 18446744073709551615, "other": 1}, "defaultVariant": "id"},
 "fraction": {"state": "ENABLED", "variants": {"a": 3.7, "b": -0.0}, "defaultVariant": "b"},
 "long": {"state": "ENABLED", "variants": {"a": 0.1000000000000000055511151231257827, "b": 1e300}, "defaultVariant": "a"},
 "none": {"state": "ENABLED", "variants": {"a": 1e-400, "b": [4.9e-325, -1e-999]}, "defaultVariant": "a"},
 "tiny": {"state": "ENABLED", "variants": {"a": 5e-324, "b": 4}, "defaultVariant": "a"},
 "in_object": {"state": "ENABLED", "variants": {"a": {"id": 9007199254740993, "list": [1, -9007199254740995]}}, "defaultVariant": "a"},
 "rule": {"state": "ENABLED", "variants": {"a": true, "b": false}, "defaultVariant": "a", "unread": 9007199254740993,
  "targeting": {"if": [{"in": [{"var": "id"}, [9007199254740993]]}, "b", {"fractional": [["a", 90071992547409930], ["b", 1]]}]}}
}}"#;

fn command(root: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    run(flagstaff().args(arguments).current_dir(root))
}

#[test]
fn each_integer_that_is_rounded_is_a_warning_where_it_stands() {
    let root = files(&[("values.json", VALUES)]);
    let (code, told, _) = command(root.path(), &["check", "--no-lints", "values.json"]);
    for (path, from, to) in [
        ("metadata.team", "9007199254740993", "9007199254740992"),
        ("$evaluators.e.==[1]", "9007199254740995", "9007199254740996"),
        ("flags.big_int.variants.id", "9007199254740993", "9007199254740992"),
        ("flags.over_i64.variants.id", "18446744073709551615", "18446744073709552000"),
        ("flags.in_object.variants.a.id", "9007199254740993", "9007199254740992"),
        ("flags.in_object.variants.a.list[1]", "-9007199254740995", "-9007199254740996"),
        ("flags.rule.targeting.if[0].in[1][0]", "9007199254740993", "9007199254740992"),
        ("flags.rule.targeting.if[2].fractional[0][1]", "90071992547409930", "90071992547409940"),
    ] {
        let line = format!(
            "warning: {path}: {from} becomes {to}: integers beyond ±(2^53−1) are rounded \
             (help: write it in quotes: a text is not rounded)"
        );
        assert_eq!(told.matches(&line).count(), 1, "{line}\n{told}");
    }
    assert_eq!(told.matches("are rounded").count(), 8, "{told}");
    for (path, from) in [("a", "1e-400"), ("b[0]", "4.9e-325"), ("b[1]", "-1e-999")] {
        let line = format!(
            "warning: flags.none.variants.{path}: {from} becomes 0: it is closer to 0 than any \
             double but 0 is (help: write it in quotes: a text is not rounded)"
        );
        assert_eq!(told.matches(&line).count(), 1, "{line}\n{told}");
    }
    assert_eq!(told.matches("becomes 0").count(), 3, "{told}");
    assert_eq!(code, Some(0));
}

#[test]
fn an_export_has_the_numbers_that_are_served() {
    let root = files(&[("values.json", VALUES)]);
    let (code, exported, _) = command(root.path(), &["export", "values.json"]);
    assert_eq!(code, Some(0));
    std::fs::write(root.path().join("exported.json"), &exported).unwrap();
    for key in ["big_int", "over_i64", "fraction", "long", "none", "tiny", "in_object", "rule"] {
        let of = |file: &str| {
            let (code, answer, _) = command(root.path(), &["eval", file, "--flag", key]);
            assert_eq!(code, Some(0), "{key}: {answer}");
            answer
        };
        assert_eq!(of("values.json"), of("exported.json"), "{key}");
    }
    let read: Value = serde_json::from_str(&exported).unwrap();
    let flags = &read["flags"];
    assert_eq!(flags["big_int"]["variants"]["id"], json!(9_007_199_254_740_992_u64));
    assert_eq!(flags["long"]["variants"], json!({"a": 0.1, "b": 1e300}));
    assert!(exported.contains("\"b\": -0 "), "{exported}");
    assert!(!exported.contains("unread"), "{exported}");
}

#[test]
fn the_context_of_an_evaluation_is_warned_of_too() {
    let readable = "flagstaff: 1\nbucketing: v2\ntime_zone: UTC\nflags:\n  f:\n    owner: o\n    \
                    why: Shows what becomes of a number.\n    kind: ops\n    \
                    rules: [{ if: { id: 9007199254740993 }, serve: on }]\n    serve: off\ntests:\n  \
                    - { user: { id: 9007199254740995 }, expect: { f: off } }\n";
    let root = files(&[("f.yaml", readable)]);
    let (_, told, _) = command(root.path(), &["check", "--no-lints", "f.yaml"]);
    for (path, from) in
        [("flags.f.rules[0].if.id", "9007199254740993"), ("tests[0].user.id", "9007199254740995")]
    {
        assert!(told.contains(&format!("warning: {path}: {from} becomes ")), "{path}: {told}");
    }
    assert_eq!(told.matches("are rounded").count(), 2, "{told}");
    let compared = readable.replace("id: 9007199254740993", "id: \">= 1e-400\"");
    std::fs::write(root.path().join("compared.yaml"), compared).unwrap();
    let (_, told, _) = command(root.path(), &["check", "--no-lints", "compared.yaml"]);
    let small = "warning: flags.f.rules[0].if.id: 1e-400 becomes 0";
    assert_eq!(told.matches(small).count(), 1, "{told}");
    for (context, is_told) in [
        (r#"{"id": 9007199254740993}"#, true),
        (r#"{"a": [{"id": 123456789012345678901234567890}]}"#, true),
        (r#"{"a": {"share": 1e-400}}"#, true),
        (r#"{"id": 9007199254740991}"#, false),
        (r#"{"id": "9007199254740993", "share": 0.12345678901234567}"#, false),
    ] {
        let arguments = ["eval", "f.yaml", "--flag", "f", "--context", context];
        let (code, _, told) = command(root.path(), &arguments);
        assert_eq!(code, Some(0), "{told}");
        assert_eq!(told.contains("hint: in the context, "), is_told, "{context}: {told}");
    }
}
