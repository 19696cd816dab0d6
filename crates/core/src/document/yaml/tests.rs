//! What YAML comes to, as JSON text.

use super::to_json;
use crate::diagnostic::Position;

#[track_caller]
fn check(yaml: &str, expected: &str) {
    let read = to_json(yaml, true).unwrap_or_else(|error| panic!("{yaml}: {error}"));
    assert_eq!(read.json, expected, "{yaml}");
    let unmarked = to_json(yaml, false).map(|read| read.json);
    assert_eq!(unmarked.as_deref(), Ok(expected), "marks change nothing");
}

#[track_caller]
fn check_error(yaml: &str, expected: &str) {
    let error = to_json(yaml, false).unwrap_err().to_string();
    assert!(error.contains(expected), "{yaml}: {error}");
}

#[test]
fn scalars_are_those_of_the_core_schema() {
    for (yaml, json) in [
        ("null", "null"),
        ("~", "null"),
        ("", "null"),
        ("nuLL", "\"nuLL\""),
        ("true", "true"),
        ("True", "true"),
        ("FALSE", "false"),
        ("on", "\"on\""),
        ("off", "\"off\""),
        ("yes", "\"yes\""),
        ("NO", "\"NO\""),
        ("2026-11-22", "\"2026-11-22\""),
        ("2026-11-22T10:00:00Z", "\"2026-11-22T10:00:00Z\""),
        ("12:30:45", "\"12:30:45\""),
        ("7", "7"),
        ("+7", "7"),
        ("-0", "-0"),
        ("007", "7"),
        ("000", "0"),
        ("0x1F", "31"),
        ("0o17", "15"),
        ("0x", "\"0x\""),
        ("0x-1", "\"0x-1\""),
        ("1_000", "\"1_000\""),
        ("12345678901234567890123", "12345678901234567890123"),
        ("1.50", "1.50"),
        (".5", "0.5"),
        ("-.5", "-0.5"),
        ("1.", "1"),
        ("1e3", "1e3"),
        ("1.e+3", "1e+3"),
        ("1e", "\"1e\""),
        (".", "\".\""),
        ("+", "\"+\""),
        ("1.2.3", "\"1.2.3\""),
        ("'7'", "\"7\""),
        ("\"true\"", "\"true\""),
        ("!!str 7", "\"7\""),
        ("!!int '7'", "7"),
        ("!ours 7", "\"7\""),
        ("! 7", "\"7\""),
        ("!!float 7", "7"),
        ("!!bool 'true'", "true"),
        ("!!bool 'yes'", "\"yes\""),
        ("!!bool yes", "\"yes\""),
        ("!!int 7.5", "7.5"),
        ("!!int '7.5'", "\"7.5\""),
        ("!!null ''", "null"),
        ("!!str", "\"\""),
        ("!<tag:yaml.org,2002:str> 7", "\"7\""),
        ("\"a\\tb\\u0001\\\"\\\\\"", "\"a\\u0009b\\u0001\\\"\\\\\""),
        ("grün 🏔", "\"grün 🏔\""),
    ] {
        check(&format!("v: {yaml}"), &format!("{{\"v\":{json}}}"));
    }
}

#[test]
fn collections_keys_and_comments_are_what_they_look_like() {
    check("a: 1\nb:\n  - x\n  - {y: 2, z: [3]}\n", r#"{"a":1,"b":["x",{"y":2,"z":[3]}]}"#);
    check("# only\na: 1 # one\n", r#"{"a":1}"#);
    check("1: a\ntrue: b\non: c\n~: d\n", r#"{"1":"a","true":"b","on":"c","~":"d"}"#);
    check("---\na: |\n  x\n  y\nb: >-\n  x\n  y\n...\n", r#"{"a":"x\ny\n","b":"x y"}"#);
    check("a: {}\nb: []\nc:\n", r#"{"a":{},"b":[],"c":null}"#);
    check("{\"a\": {\"b\": [1, 2]}}", r#"{"a":{"b":[1,2]}}"#);
    // Both are kept, so that the author can be told; the last one counts.
    check("a: 1\na: 2\n", r#"{"a":1,"a":2}"#);
}

#[test]
fn layouts_that_other_readers_accept_are_read() {
    check("a: {\n  b: [\n  ]\n}\n", r#"{"a":{"b":[]}}"#);
    check("a:\n  b: {\n    c: 1\n  }\n", r#"{"a":{"b":{"c":1}}}"#);
    check("a:\n  b: 'one\n\n  two\n  three'\n", r#"{"a":{"b":"one\ntwo three"}}"#);
    check("a: {b:\t1,\t\"c\":2}\t# d\n", r#"{"a":{"b":1,"c":2}}"#);
    check("a:\t1\t\n", r#"{"a":1}"#);
    check("\u{feff}a: 1\r\nb: |\r\n  x\r\n  y\r\n", r#"{"a":1,"b":"x\ny\n"}"#);
    check("a: |\n  x", r#"{"a":"x"}"#);
    // Line breaks to YAML 1.1, and characters of a text to YAML 1.2.
    check("a: x\u{85}y\u{2028}z\u{2029}\n", "{\"a\":\"x\u{85}y\u{2028}z\u{2029}\"}");
    check(": 1\n", r#"{"":1}"#);
    check("? a\n: 1\n", r#"{"a":1}"#);
}

#[test]
fn documents_without_content_do_not_count() {
    for yaml in [
        "a: 1\n---\n",
        "a: 1\n---",
        "---\na: 1\n...\n",
        "---\n---\na: 1\n",
        "---\n# nothing\n...\n---\na: 1\n--- # no more\n---\n",
        "%YAML 1.2\n---\na: 1\n",
        "%YAML 1.1\n---\na: 1\n",
    ] {
        check(yaml, r#"{"a":1}"#);
    }
    check("--- ~\n", "null");
    check_error("---\n", "1:1: error: file: is empty");
    check_error("---\na: 1\n---\n---\nb: 2\n", "4:1: error: file: has more than one YAML doc");
    check_error("a: 1\n---\n~\n", "2:1: error: file: has more than one YAML document");
}

#[test]
fn a_tag_is_applied_or_reported() {
    for (yaml, warning) in [
        (
            "a: !vault x",
            "1:4: warning: a: the tag !vault has no effect; the value is read as a text",
        ),
        ("a: !vault {x: 1}", "!vault has no effect; the value is read as a mapping"),
        ("a: !!set {x}", "!!set has no effect; the value is read as a mapping"),
        ("a: !!omap [x: 1]", "!!omap has no effect; the value is read as a list"),
        ("a: !!binary aGk=", "!!binary has no effect; the value is read as a text"),
        ("a: !!timestamp 2026-12-01", "!!timestamp has no effect; the value is read as a text"),
        ("a: !!bool \"yes\"", "the tag !!bool does not fit its value; the value is read as a text"),
        ("a: !!int 7.5", "!!int does not fit its value; the value is read as a number"),
        ("a: !!map 7", "!!map does not fit its value; the value is read as a number"),
        ("a: !!seq {x: 1}", "!!seq does not fit its value; the value is read as a mapping"),
        (
            "!vault a: 1",
            "1:1: warning: a: the tag !vault has no effect; the value is read as a key",
        ),
        ("%TAG !e! tag:example.com,2026:\n---\na: !e!x 1", "!e!x has no effect; the value"),
        ("a: !<tag:example.com,2026:x> 1", "!<tag:example.com,2026:x> has no effect; the value"),
        ("a: &x !vault y\nb: *x\nc: {<<: {d: 1}}", "1:7: warning: a: "),
        ("a: {b: 1, \"c\\\"d\": [0, [1, !x 2]]}", "warning: a.c\"d[1][1]: the tag !x"),
        ("a: {b: 1, c: !x {d: 2}}", "warning: a.c: the tag !x"),
        ("a: [{b: 1}, !x [2]]", "warning: a[1]: the tag !x"),
        ("a: {<<: {b: !x 1}}", "warning: a.<<.b: the tag !x"),
        ("- !x", "warning: [0]: the tag !x"),
        ("!x a", "warning: file: the tag !x"),
    ] {
        let told = to_json(yaml, false).unwrap().warnings.finish().0;
        let [told] = told.as_slice() else { panic!("{yaml}: {told:?}") };
        assert!(told.to_string().contains(warning), "{yaml}: {told}");
    }
    for yaml in
        ["a: !!str 3", "a: !!int \"3\"", "a: ! 3", "a: !!map {x: 1}", "a: ! [1]", "!!str a: 1"]
    {
        let told = to_json(yaml, false).unwrap().warnings.finish().0;
        assert_eq!(told, [], "{yaml}");
    }
}

#[test]
fn aliases_repeat_and_merges_fill_in() {
    check("a: &x [1]\nb: *x\n", r#"{"a":[1],"b":[1]}"#);
    check("&k a: 1\nb: *k\n", r#"{"a":1,"b":"a"}"#);
    check("a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}\n", r#"{"a":{"p":1,"q":2},"b":{"q":3,"p":1}}"#);
    check(
        "a: &x {p: 1}\nb: &y {p: 2, r: 2}\nc:\n  s: 4\n  <<: [*x, *y]\n",
        r#"{"a":{"p":1},"b":{"p":2,"r":2},"c":{"s":4,"p":1,"r":2}}"#,
    );
    check("a: &x {p: 1}\nb: &y {<<: *x}\nc: *y\n", r#"{"a":{"p":1},"b":{"p":1},"c":{"p":1}}"#);
    check("a: {<<: {p: &z 1}, q: *z}\n", r#"{"a":{"q":1,"p":1}}"#);
    check("a: {<<: []}\n", r#"{"a":{}}"#);
    // Quoted it is a key like any other.
    check("a: {\"<<\": 1}\n", r#"{"a":{"<<":1}}"#);
}

#[test]
fn two_merges_that_disagree_are_a_fault_of_their_mapping() {
    for yaml in
        ["x: &x {p: 1}\na:\n  <<: *x\n  <<: *x\n", "x: &x {p: 1}\na:\n  <<: *x\n  <<: {q: 2}\n"]
    {
        assert!(to_json(yaml, false).unwrap().faults.is_empty(), "{yaml}");
    }
    let read = to_json("x: &x {p: 1}\ny: &y {p: 2}\na:\n  <<: *x\n  <<: *y\n", false).unwrap();
    assert_eq!(read.json, r#"{"x":{"p":1},"y":{"p":2},"a":{"p":1}}"#);
    let told: Vec<_> = read.faults.iter().map(|fault| (fault.at, fault.message)).collect();
    assert_eq!(told, [(29, "merges two values of one name with several \"<<\"")]);
}

#[test]
fn what_json_cannot_say_is_a_fault_at_its_place() {
    for yaml in ["a: [1, .inf]", "a: [1, &x -.Inf]", "a: [1, .NaN]", "a: [1, !!float .nan]"] {
        let read = to_json(yaml, false).unwrap();
        assert_eq!(read.json, r#"{"a":[1,0]}"#);
        assert_eq!(read.faults.iter().map(|fault| fault.at).collect::<Vec<_>>(), [8], "{yaml}");
    }
    let read = to_json("a: &x {p: .nan}\nb: *x\nc: {<<: *x}\nd: {<<: 1}\n", false).unwrap();
    assert_eq!(read.json, r#"{"a":{"p":0},"b":{"p":0},"c":{"p":0},"d":{}}"#);
    let at = read.faults.iter().map(|fault| read.json.split_at(fault.at).1.split([',', ':']));
    let at: Vec<_> = at.filter_map(|mut parts| parts.next()).collect();
    assert_eq!(at, ["0}", "{\"p\"", "{\"p\"", "{}}"]);
}

#[test]
fn what_is_no_single_document_is_refused_at_its_place() {
    check_error("", "1:1: error: file: is empty");
    check_error("# nothing\n", "is empty");
    check_error("a: 1\n---\nb: 2\n", "2:1: error: file: has more than one YAML document");
    check_error("a: [1\nb: 2\n", "is not YAML");
    check_error("a: 1\n\tb: 2\n", "2:1: error: file: is not YAML: a tab where only spaces may be");
    check_error(
        "a: *x\n",
        "1:4: error: file: is not YAML: while parsing node, found unknown anchor",
    );
    check_error("a: &x [*x]\n", "1:8: error: file: has an alias within its own anchor");
    check_error("? [a]\n: 1\n", "1:3: error: file: has a key that is no scalar");
    check_error("&x a: 1\n? *x\n: 2\n", "2:3: error: file: has a key that is no scalar");
}

#[test]
fn aliases_cannot_blow_a_file_up() {
    let mut bomb = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..30 {
        let before = format!("*a{}", level - 1);
        bomb += &format!("a{level}: &a{level} [{}]\n", vec![before; 9].join(", "));
    }
    check_error(&bomb, "repeats too much with aliases");
    let nested = format!("a: {}1{}", "&x [".repeat(200), "]".repeat(200));
    check_error(&format!("{nested}\nb: {nested}\n").replace("&x", "&y"), "");
}

#[test]
fn what_is_merged_counts_though_nothing_is_written() {
    let large = format!("a: &x {{p: {}}}\n", "x".repeat(100_000));
    let merges = |count: usize| format!("{large}b:\n{}", "  <<: *x\n".repeat(count));
    assert!(to_json(&merges(3), false).unwrap().json.len() < 300_000);
    check_error(&merges(100), "repeats too much with aliases");
}

#[test]
fn depth_is_no_danger() {
    let deep = format!("a: {}1{}", "[".repeat(200), "]".repeat(200));
    assert_eq!(to_json(&deep, false).unwrap().json.matches('[').count(), 200);
    check_error(&"[".repeat(50_000), "1:256: error: file: nests brackets deeper than 255 levels");
    let blocks = "- ".repeat(50_000);
    assert_eq!(to_json(&blocks, false).unwrap().json.matches('[').count(), 50_000);
    check_error(&"- ".repeat(200_000), "1:200001: error: file: nests deeper than 100000 levels");
}

#[test]
fn keys_and_values_are_marked_where_they_stand() {
    let yaml = "flags:\n  a:\n    variants: { grün: 1, off: 2 }\n";
    let read = to_json(yaml, true).unwrap();
    let place = |what: &str| {
        let at = read.json.find(what).unwrap();
        let found = read.marks.before(at).filter(|(marked, _)| *marked == at);
        found.map(|(_, Position { line, column })| (line, column))
    };
    assert_eq!(place("\"flags\""), Some((1, 1)));
    assert_eq!(place("\"a\""), Some((2, 3)));
    assert_eq!(place("\"off\""), Some((3, 26)));
    assert_eq!(place("2}"), Some((3, 31)));
}
