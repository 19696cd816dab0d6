//! What is told of readable flags that make no sense, or too much of it.

use crate::{
    compile,
    document::text::Format,
    flag::rule::Generation,
    flag_file::{definitions_of, layer::Layer},
    readable::lists::Lists,
};

/// The problems of a file, as they are printed.
fn problems(text: &str) -> Vec<String> {
    let compiled = compile(text.as_bytes(), Format::Yaml, Generation::V2, &Layer::default());
    let problems = match compiled {
        Ok(compilation) => compilation.diagnostics,
        Err(problems) => problems,
    };
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn problems_stand_where_the_author_wrote() {
    let text = "flagstaff: 1\nbucketing: v2\nflags:\n  a:\n    serve: onn\n  b: { rollout: 5 }\n  \
                c: { targeting: { frctional: [] } }\n  d: { metadata: { x: [] } }\n";
    assert_eq!(
        problems(text),
        [
            "5:12: error: flags.a.serve: \"onn\" is no variant (help: did you mean \"on\"?)",
            "6:17: error: flags.b.rollout: is a number without % (help: write 5%)",
            "7:21: warning: flags.c.targeting.frctional: operator \"frctional\" is not supported \
             (help: did you mean \"fractional\"?)",
            "8:20: warning: flags.d.metadata.x: is not a string, number or boolean (help: in-process \
             clients refuse it; keep metadata flat)",
        ]
    );
}

#[test]
fn a_kill_holds_whatever_else_is_wrong() {
    let text =
        "flagstaff: 1\nbucketing: v2\nflags:\n  a: { killed: true, rollout: 5, nonsense: 1 }\n";
    let layer = compile(text.as_bytes(), Format::Yaml, Generation::V2, &Layer::default());
    let layer = layer.unwrap().layer;
    assert_eq!(layer.broken().count(), 0);
    assert!(
        problems(text).iter().all(|problem| problem.contains("warning")),
        "{:?}",
        problems(text)
    );
}

#[test]
fn a_kill_with_mistyped_case_holds_and_is_named() {
    for name in ["Killed", "KILLED", "\"killed \""] {
        let text = format!(
            "flagstaff: 1\nbucketing: v2\nflags:\n  a: {{ serve: on, {name}: true }}\n  b: \
             {{ serve: on, killed: false, {name}: true }}\n"
        );
        let layer = compile(text.as_bytes(), Format::Yaml, Generation::V2, &Layer::default());
        let layer = layer.unwrap().layer;
        assert_eq!(layer.broken().count(), 0, "{name}");
        let told = problems(&text);
        assert_eq!(told.len(), 2, "{told:?}");
        let is_named =
            |told: &String| told.contains("warning") && told.contains(name.trim_matches('"'));
        assert!(told.iter().all(is_named), "{told:?}");
    }
}

#[test]
fn values_have_the_shape_that_is_asked_for() {
    let flag = |variants: &str, schema: &str| {
        problems(&format!(
            "flagstaff: 1\nbucketing: v2\nflags:\n  f:\n    variants: {variants}\n    \
             schema: {schema}\n    otherwise: a\n"
        ))
    };
    let schema = "{ retries: integer, methods: [string], note?: string, more: { x: number } }";
    let good = "{ retries: 2, methods: [card], more: { x: 0.5 } }";
    assert_eq!(flag(&format!("{{ a: {good} }}"), schema), [""; 0]);
    assert_eq!(flag("{ a: 5, b: 0.5 }", "number"), [""; 0]);
    let bad = "{ retries: 2.5, methods: [card, 7], mor: { x: 1 } }";
    assert_eq!(
        flag(&format!("{{ a: {bad} }}"), schema),
        [
            "5:17: error: flags.f.variants.a: has no \"more\" (help: add it, or write \"more?\" in \
             the schema)",
            "5:31: error: flags.f.variants.a.retries: is no integer, as the schema wants it (help: \
             mend the value, or the schema of the flag)",
            "5:52: error: flags.f.variants.a.methods[1]: is no string, as the schema wants it (help: \
             mend the value, or the schema of the flag)",
            "5:56: error: flags.f.variants.a.mor: is not in the schema (help: did you mean \"more\"?)",
        ]
    );
    assert_eq!(
        flag("{ a: 1 }", "{ x: strng }"),
        ["6:18: error: flags.f.schema.x: \"strng\" is no type (help: did you mean \"string\"?)"]
    );
}

/// A file of these segments and flags.
fn written(segments: &str, flags: &str) -> String {
    format!("flagstaff: 1\nbucketing: v2\nsegments:\n{segments}\nflags:\n{flags}\n")
}

#[test]
fn segments_that_double_come_to_an_end() {
    let mut segments = "  s00: { any: [{ a: 1 }, { b: 2 }] }\n".to_owned();
    for number in 1..40 {
        let before = number - 1;
        segments += &format!("  s{number:02}: {{ any: [s{before:02}, s{before:02}] }}\n");
    }
    let told = problems(&written(&segments, "  f: { rules: [{ if: s39, serve: on }] }"));
    assert!(told.iter().any(|problem| problem.contains("has more rules than 10000")), "{told:?}");
    let mut chain = String::new();
    for number in 0..200 {
        chain += &format!("  s{number:03}: {{ all: [s{:03}] }}\n", number + 1);
    }
    chain += "  s200: { a: 1 }\n";
    let told = problems(&written(&chain, "  f: { rules: [{ if: s000, serve: on }] }"));
    assert!(told.iter().any(|problem| problem.contains("more than 100 deep")), "{told:?}");
}

#[test]
fn a_large_rule_is_written_once_for_all_flags_that_require_it() {
    let ids: Vec<String> = (0..20_000).map(|id| format!("id-{id}")).collect();
    let mut flags =
        format!("  g: {{ rules: [{{ if: {{ a: [{}] }}, serve: on }}] }}\n", ids.join(", "));
    for number in 0..200 {
        flags += &format!("  f{number}: {{ requires: g, serve: on }}\n");
    }
    let text = written("  s: { a: 1 }", &flags);
    assert_eq!(problems(&text), [""; 0]);
    // flagd reads no reference in an evaluator, so an export has copies, of a bounded size.
    let (lists, text) = (Lists::new(), text.as_bytes());
    let layer = compile(text, Format::Yaml, Generation::V2, &Layer::default()).unwrap().layer;
    let definitions = definitions_of(&lists, text, Format::Yaml, Generation::V2, &layer);
    let told = definitions.unwrap().unwrap_err();
    assert!(told.message.contains("has more than 200000 parts"), "{told:?}");
}

#[test]
fn what_may_be_meant_in_two_ways_is_refused() {
    let beta = "  beta: { plan: beta }\n  staff: { plan: staff }";
    for (flag, message) in [
        ("{ rules: [{ if: { not: [beta, staff] }, serve: on }] }", "may mean none of these"),
        ("{ rules: [{ if: { or: [beta, staff] }, serve: on }] }", "joins no conditions here"),
        ("{ rules: [{ if: { email: '*@x.org' }, serve: on }] }", "only the text \"*@x.org\""),
        ("{ rules: [{ if: { plan: '!free' }, serve: on }] }", "write not: \"free\""),
        ("{ rules: [{ if: { age: 18..65 }, serve: on }] }", "\">= 18 <= 65\""),
        ("{ state: DISABLED, killed: true, serve: on }", "killed counts"),
        (
            "{ variants: { a: 1, b: 2 }, otherwise: a, experiment: { split: { a: 1, b: 1 }, outside: a } }",
            "as one of its variants",
        ),
    ] {
        let told = problems(&written(beta, &format!("  f: {flag}")));
        assert!(told.iter().any(|problem| problem.contains(message)), "{flag}: {told:?}");
    }
    let told = problems("flagstaff: 1\nmetadata: { fractional: v3 }\nflags: {}\n");
    assert!(told[0].contains("write bucketing"), "{told:?}");
}

#[test]
fn a_rule_whose_results_are_no_names_cannot_be_required() {
    let inline = |targeting: &str| {
        problems(&written(
            "  s: { a: 1 }",
            &format!(
                "  g: {{ variants: {{ \"true\": 1, \"false\": 2 }}, otherwise: \"false\", targeting: \
                 {targeting} }}\n  f: {{ requires: {{ g: \"false\" }}, serve: on }}"
            ),
        ))
    };
    assert_eq!(inline("{ if: [{ var: vip }, \"true\"] }"), [""; 0]);
    for targeting in ["{ \"==\": [{ var: vip }, true] }", "{ if: [{ var: vip }, nobody] }"] {
        let told = inline(targeting);
        assert!(told.iter().any(|problem| problem.contains("not all names")), "{told:?}");
    }
}
