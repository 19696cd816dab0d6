//! Which comparisons mislead, and which only look like those that do.

use crate::lint::linted::Linted;
use flagstaff_core::{
    document::text::Format,
    flag::rule::Generation,
    flag_file::{compile_with, layer::Layer},
    readable::Lists,
};

/// The codes that are found in a rule of flagd's format.
fn codes(rule: &str) -> Vec<&'static str> {
    let text = format!(
        r#"{{"flags": {{"f": {{"state": "ENABLED", "variants": {{"on": true, "off": false}},
            "defaultVariant": "off", "targeting": {{"if": [{rule}, "on"]}}}}}}}}"#
    );
    let lists = Lists::new();
    let (content, format, fallback) = (text.as_bytes(), Format::Json, Generation::V2);
    let compiled = compile_with(&lists, content, format, fallback, &Layer::default()).unwrap();
    let (now, before, gone) = (0, None, [].as_slice());
    let linted = Linted { content, format, lists: &lists, fallback, now, before, gone };
    let found = linted.add_to(compiled.diagnostics);
    let own = [
        "version-as-text",
        "text-membership",
        "missing-meets",
        "padded-value",
        "list-entry",
        "unannounced-time",
    ];
    let codes = found.iter().filter_map(|problem| problem.code);
    codes.filter(|code| own.contains(code)).collect()
}

#[test]
fn only_comparisons_that_mislead_are_found() {
    for (rule, expected) in [
        (r#"{"<": [{"var": "age"}, 18]}"#, "missing-meets"),
        (r#"{">": [18, {"var": "age"}]}"#, "missing-meets"),
        (r#"{">=": [{"var": "age"}, 0]}"#, "missing-meets"),
        (r#"{"or": [{"<": [{"var": "age"}, 18]}, {"var": "beta"}]}"#, "missing-meets"),
        (r#"{"<": [{"var": "age"}, 0]}"#, ""),
        (r#"{">": [{"var": "age"}, 18]}"#, ""),
        (r#"{"<": [{"var": ["age", 99]}, 18]}"#, ""),
        (r#"{"<": [0, {"var": "age"}, 18]}"#, ""),
        (r#"{"and": [{"var": "age"}, {"<": [{"var": "age"}, 18]}]}"#, ""),
        (r#"{"and": [{">": [{"var": "age"}, 3]}, {"<": [{"var": "age"}, 18]}]}"#, ""),
        (r#"{"!": [{"<": [{"var": "age"}, 18]}]}"#, ""),
        (r#"{"some": [{"var": "ages"}, {"<": [{"var": ""}, 18]}]}"#, ""),
        (r#"{"<": [{"var": "$flagd.timestamp"}, 1811808000]}"#, ""),
        (r#"{"==": [{"%": [{"var": "$flagd.timestamp"}, 2]}, 0]}"#, "unannounced-time"),
        (r#"{"<": [{"var": "$flagd.timestamp"}, {"var": "end"}]}"#, "unannounced-time"),
        (r#"{">=": [{"var": "v"}, "1.2.3"]}"#, "version-as-text"),
        (r#"{">=": [{"var": "app_version"}, 4.2]}"#, "version-as-text"),
        (r#"{"starts_with": [{"var": "app_version"}, "4.1"]}"#, "version-as-text"),
        (r#"{"starts_with": [{"var": "app_version"}, "4.1."]}"#, ""),
        (r#"{"==": [{"var": "app_version"}, "4.1.0"]}"#, ""),
        (r#"{">=": [{"var": "schema_version"}, 4]}"#, ""),
        (r#"{">=": [{"var": "day"}, "2026-12-01"]}"#, ""),
        (r#"{"in": [{"var": "country"}, "DE,AT"]}"#, "text-membership"),
        (r#"{"in": ["@example.com", {"var": "email"}]}"#, ""),
        (r#"{"in": [{"var": "country"}, ["DE", "AT"]]}"#, ""),
        (r#"{"in": [{"var": "country"}, ["DE,AT"]]}"#, "list-entry"),
        (r#"{"==": [{"var": "country"}, "'DE'"]}"#, "list-entry"),
        (r#"{"==": [{"var": "city"}, "Frankfurt, Oder"]}"#, ""),
        (r#"{"==": [{"var": "country"}, "DE, AT"]}"#, "list-entry"),
        (r#"{"==": [{"var": "title"}, "Hello there, you"]}"#, ""),
        (r#"{"==": [{"var": "price"}, "1,50"]}"#, ""),
        (r#"{"==": [{"var": "country"}, " DE"]}"#, "padded-value"),
        (r#"{"in": [{"var": "country"}, ["DE", "AT "]]}"#, "padded-value"),
        (r#"{"in": [" beta ", {"var": "tags"}]}"#, ""),
    ] {
        assert_eq!(codes(rule).join(" "), expected, "{rule}");
    }
}

/// The problems of one variant in the readable format, as they are printed.
fn of_variant(name: &str, value: &str) -> Vec<String> {
    let other = if value.starts_with('{') { "{ k: [] }" } else { "x" };
    let text = format!(
        "flagstaff: 1\nbucketing: v2\nflags:\n  f:\n    variants: {{ {name}: {value}, b: {other} }}\n    \
         serve: b\n"
    );
    let lists = Lists::new();
    let (content, format, fallback) = (text.as_bytes(), Format::Yaml, Generation::V2);
    let compiled = compile_with(&lists, content, format, fallback, &Layer::default()).unwrap();
    let (now, before, gone) = (0, None, [].as_slice());
    let linted = Linted { content, format, lists: &lists, fallback, now, before, gone };
    let found = linted.add_to(compiled.diagnostics);
    let padded = found.iter().filter(|problem| problem.code == Some("padded-value"));
    padded.map(|problem| format!("{}: {}", problem.path, problem.message)).collect()
}

#[test]
fn blanks_around_a_value_of_a_variant_are_found_wherever_they_stand() {
    for (name, value, path, text) in [
        ("a", "\"on \"", "a", "\"on \""),
        ("a", "\" on\"", "a", "\" on\""),
        ("a", "\"on\\t\"", "a", "\"on\\t\""),
        ("a", "\"two words \"", "a", "\"two words \""),
        ("a", "\"on \\n\"", "a", "\"on \\n\""),
        ("a", "{ k: [x, \"y \"] }", "a.k[1]", "\"y \""),
    ] {
        let told = format!("flags.f.variants.{path}: is {text}, blanks included");
        assert_eq!(of_variant(name, value), [told], "{value}");
    }
    let told = "flags.f.variants.a : is called \"a \", blanks included";
    assert_eq!(of_variant("\"a \"", "y"), [told]);
    for value in ["on", "\" \"", "\"\"", "\"one\\n two \\n\"", "\"text\\n\"", "{ k: [1, v] }"] {
        assert_eq!(of_variant("a", value), [""; 0], "{value}");
    }
}
