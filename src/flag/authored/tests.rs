//! What readable flags come to, as definitions.

use crate::flag::{
    Format, Generation, Layer, Lists,
    authored::{lists_named, run_tests, translate},
    compile_with,
    problems::Problems,
    text::Text,
};
use serde_json::{Value as Json, json};

fn file(flags: &str) -> String {
    let flags = flags.replace('\n', "\n  ");
    format!(
        "flagstaff: 1\nbucketing: v2\ntime_zone: UTC\n\
         segments:\n  beta: {{ email: [ana@x.org, bo@x.org] }}\n\
         flags:\n  {flags}\n"
    )
}

/// The definitions of a file.
#[track_caller]
fn definitions(text: &str, generation: Generation) -> Json {
    let lists = Lists::from([("ids.txt".into(), Ok(["7".into(), "8".into()].into()))]);
    let written = Text::read(text.as_bytes(), Format::Yaml).unwrap();
    let mut found = Problems::with_room(9);
    let translated = translate(&written, &lists, generation, &mut found).unwrap().unwrap();
    let told: Vec<_> =
        translated.found.values().flat_map(|of| &of.told).map(ToString::to_string).collect();
    assert_eq!(told, [""; 0], "{text}");
    let (told, _) = found.finish();
    assert_eq!(told, [], "{text}");
    serde_json::from_str(&translated.json).unwrap()
}

#[track_caller]
fn check(flag: &str, default: &str, targeting: &Json) {
    let text = file(&format!("f: {flag}"));
    let definition = &definitions(&text, Generation::V2)["flags"]["f"];
    let rule = definition.get("targeting").unwrap_or(&Json::Null);
    assert_eq!((&definition["defaultVariant"], rule), (&json!(default), targeting), "{flag}");
}

#[test]
fn a_flag_for_everybody_has_no_rule() {
    check("{}", "off", &json!(null));
    check("{ serve: off }", "off", &json!(null));
    check("{ serve: yes }", "on", &json!(null));
    check("{ serve: on, killed: true, rules: [{ if: beta, serve: on }] }", "off", &json!(null));
    check("{ rollout: 100% }", "on", &json!(null));
    check("{ rollout: 0% }", "off", &json!(null));
    check("{ variants: { a: 1, b: 2 }, serve: a }", "a", &json!(null));
    check("{ variants: { a: 1, b: 2 }, otherwise: a }", "a", &json!(null));
}

#[test]
fn rules_are_asked_in_their_order() {
    let beta = json!({"$ref": "beta"});
    check("{ rules: [{ if: beta, serve: on }] }", "off", &json!({"if": [beta, "on"]}));
    check(
        "{ rules: [{ if: beta, serve: on, because: they asked }], otherwise: off }",
        "off",
        &json!({"if": [beta, "on"]}),
    );
    check(
        "{ rules: [{ if: beta, serve: off }], serve: on }",
        "off",
        &json!({"if": [beta, "off", "on"]}),
    );
    check(
        "{ rules: [{ if: { country: \"NO\" }, serve: off }, { if: beta, rollout: 50% }], rollout: 5% }",
        "off",
        &json!({"if": [
            {"==": [{"var": "country"}, "NO"]}, "off",
            beta, {"fractional": [["on", 50], ["off", 50]]},
            {"fractional": [["on", 5], ["off", 95]]},
        ]}),
    );
}

#[test]
fn a_condition_says_what_it_says() {
    let a = json!({"var": "a"});
    for (condition, rule) in [
        ("{ a: x }", json!({"==": [a, "x"]})),
        ("{ a: 5 }", json!({"in": [a, [5]]})),
        ("{ a: true }", json!({"===": [a, true]})),
        ("{ a: [x, 5] }", json!({"in": [a, ["x", 5]]})),
        ("{ a: [x, true] }", json!({"or": [{"in": [a, ["x"]]}, {"===": [a, true]}]})),
        ("{ a.b: x }", json!({"==": [{"var": "a.b"}, "x"]})),
        ("{ a: x, b: y }", json!({"and": [{"==": [a, "x"]}, {"==": [{"var": "b"}, "y"]}]})),
        ("[beta, { a: x }]", json!({"and": [{"$ref": "beta"}, {"==": [a, "x"]}]})),
        ("{ any: [beta, { a: x }] }", json!({"or": [{"$ref": "beta"}, {"==": [a, "x"]}]})),
        ("{ not: beta }", json!({"!": [{"$ref": "beta"}]})),
        ("{ a: { not: [x, y] } }", json!({"!": [{"in": [a, ["x", "y"]]}]})),
        ("{ a: { exists: yes } }", json!({"!==": [a, null]})),
        ("{ a: { exists: false } }", json!({"===": [a, null]})),
        ("{ a: { contains: x } }", json!({"in": ["x", a]})),
        (
            "{ a: { starts_with: [x, y] } }",
            json!({"or": [{"starts_with": [a, "x"]}, {"starts_with": [a, "y"]}]}),
        ),
        (
            "{ a: { matches_any: ['*@x.org', 'admin-*', '*test*', me] } }",
            json!({"or": [{"ends_with": [a, "@x.org"]}, {"starts_with": [a, "admin-"]},
                {"in": ["test", a]}, {"==": [a, "me"]}]}),
        ),
        ("{ a: '>= 4.2.0' }", json!({"sem_ver": [a, ">=", "4.2.0"]})),
        ("{ a: { version: '^ 4.2' } }", json!({"sem_ver": [a, "^", "4.2.0"]})),
        ("{ a: { is: '> 5' } }", json!({"==": [a, "> 5"]})),
        ("{ a: { in_list: ids.txt } }", json!({"$ref": "a in ids.txt"})),
    ] {
        let flag = format!("{{ rules: [{{ if: {condition}, serve: on }}] }}");
        check(&flag, "off", &json!({"if": [rule, "on"]}));
    }
}

#[test]
fn a_rollout_is_one_split_whose_share_depends_on_the_time() {
    let seconds = json!({"var": "$flagd.timestamp"});
    let split = |part, rest| json!({"fractional": [["on", part], ["off", rest]]});
    check("{ rollout: 0.5% }", "off", &split(5, 995));
    let steps = "[1%, 25% from 2026-12-01, 100% from 2026-12-02 12:00]";
    let plan = |first: Json, second: Json, third: Json| json!({"if": [{">=": [seconds, 1_796_212_800]}, third, {">=": [seconds, 1_796_083_200]}, second, first]});
    check(
        &format!("{{ rollout: {steps} }}"),
        "off",
        &plan(split(1, 99), split(25, 75), json!("on")),
    );
    check(
        &format!("{{ rollout: {steps}, hold_at: 25% }}"),
        "off",
        &json!({"if": [{">=": [seconds, 1_796_083_200]}, split(25, 75), split(1, 99)]}),
    );
    check(&format!("{{ rollout: {steps}, hold_at: 0% }}"), "off", &json!(null));
    check(
        "{ variants: { a: 1, b: 2 }, otherwise: a, rollout: { serve: b, to: 10% } }",
        "a",
        &json!({"fractional": [["b", 10], ["a", 90]]}),
    );
}

#[test]
fn units_are_hashed_with_a_salt_and_by_what_was_said() {
    let shares = [json!(["on", 5]), json!(["off", 95])];
    let key = json!({"var": "targetingKey"});
    let salted = |salt| json!({"if": [key, {"cat": [salt, key]}]});
    check(
        "{ rollout: 5%, salt: old_key }",
        "off",
        &json!({"fractional": [salted("old_key"), shares[0], shares[1]]}),
    );
    let company = json!({"var": "company"});
    check(
        "{ rollout: 5%, by: company }",
        "off",
        &json!({"if": [company,
            {"fractional": [{"cat": ["f", company]}, shares[0], shares[1]]}]}),
    );
    // In the third generation nobody else can hash what a bare split hashes.
    let text = "flagstaff: 1\nflags: { f: { rollout: 5% } }";
    let definition = &definitions(text, Generation::V3)["flags"]["f"];
    assert_eq!(definition["targeting"], json!({"fractional": [salted("f"), shares[0], shares[1]]}));
}

#[test]
fn an_experiment_has_a_gate_and_arms_and_an_outside() {
    let key = json!({"var": "targetingKey"});
    let salted = |salt| json!({"if": [key, {"cat": [salt, key]}]});
    let text = file(
        "f:\n  variants: { classic: 1, short: 2 }\n  \
         experiment: { traffic: 30%, split: { short: 1, classic: 2 }, outside: classic }",
    );
    let definition = &definitions(&text, Generation::V2)["flags"]["f"];
    let expected = json!({
        "state": "ENABLED",
        "variants": {"classic": 1, "short": 2, "outside": 1},
        "defaultVariant": "outside",
        "targeting": {"if": [
            {"==": [{"fractional": [salted("f/traffic/"), ["in", 30], ["out", 70]]}, "in"]},
            {"fractional": [salted("f/arms/"), ["classic", 2], ["short", 1]]},
            "outside",
        ]},
    });
    assert_eq!(*definition, expected);
}

#[test]
fn what_another_flag_decides_is_written_in() {
    let key = json!({"var": "targetingKey"});
    let split = json!({"fractional": [{"if": [key, {"cat": ["g", key]}]}, ["on", 5], ["off", 95]]});
    let not = |condition: Json| json!({"!": [condition]});
    for (g, requires, condition) in [
        ("{ rollout: 5% }", "g", json!({"==": [split, "on"]})),
        ("{ rollout: 5% }", "{ g: off }", not(json!({"in": [split, ["on"]]}))),
        ("{ serve: on }", "g", json!(true)),
        ("{ serve: on, killed: true }", "g", json!(false)),
        ("{ serve: on, state: DISABLED }", "g", json!(false)),
    ] {
        let text = file(&format!("g: {g}\nf: {{ requires: {requires}, serve: on }}"));
        let definition = &definitions(&text, Generation::V2)["flags"]["f"];
        let expected = json!({"if": [condition, "on"]});
        assert_eq!(definition["targeting"], expected, "{g} {requires}");
    }
}

#[test]
fn a_launch_has_a_start_and_an_end() {
    let seconds = json!({"var": "$flagd.timestamp"});
    check(
        "{ start: 2026-12-01, end: 2026-12-02 12:00, serve: on }",
        "off",
        &json!({"if": [{"and": [{">=": [seconds, 1_796_083_200]}, {"<": [seconds, 1_796_212_800]}]}, "on"]}),
    );
}

#[test]
fn facts_become_metadata_and_a_rule_of_its_own_stays() {
    let text = file(
        "f:\n  owner: [a, b]\n  why: because\n  expires: 2027-03-01\n  metadata: { exposures: exact }\n  \
         targeting: { if: [{ var: a }, on] }",
    );
    let definitions = definitions(&text, Generation::V2);
    assert_eq!(definitions["metadata"], json!({"fractional": "v2"}));
    let flag = &definitions["flags"]["f"];
    assert_eq!(flag["targeting"], json!({"if": [{"var": "a"}, "on"]}));
    let facts =
        json!({"owner": "a, b", "why": "because", "expires": "2027-03-01", "exposures": "exact"});
    assert_eq!(flag["metadata"], facts);
}

#[test]
fn lists_are_known_before_a_file_is_compiled() {
    let text = file("f: { rules: [{ if: { id: { in_list: ids.txt } }, serve: on }] }");
    let names = lists_named(text.as_bytes(), Format::Yaml);
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["ids.txt".into()]);
    assert!(lists_named(b"{\"flags\": {\"in_list\": {}}}", Format::Json).is_empty());
}

/// The problems of a file, as they are printed.
fn problems(text: &str) -> Vec<String> {
    let compiled = compile_with(
        &Lists::new(),
        text.as_bytes(),
        Format::Yaml,
        Generation::V2,
        &Layer::default(),
    );
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
    let layer = compile_with(
        &Lists::new(),
        text.as_bytes(),
        Format::Yaml,
        Generation::V2,
        &Layer::default(),
    );
    let layer = layer.unwrap().layer;
    assert_eq!(layer.broken().count(), 0);
    assert!(
        problems(text).iter().all(|problem| problem.contains("warning")),
        "{:?}",
        problems(text)
    );
}

const TESTED: &str = "flagstaff: 1
bucketing: v2
time_zone: UTC
flags:
  page: { rules: [{ if: { plan: pro }, serve: on }], rollout: [5% from 2026-12-01, 100% from 2026-12-02] }
  layout: { variants: { a: 1, b: 2 }, otherwise: a }
  gone: { state: DISABLED }
tests:
";

#[track_caller]
fn tested(tests: &str, now: Option<i64>) -> Vec<String> {
    let text = format!("{TESTED}{tests}");
    let layer = Layer::default();
    let compiled =
        compile_with(&Lists::new(), text.as_bytes(), Format::Yaml, Generation::V2, &layer);
    let compiled = compiled.unwrap();
    assert_eq!(compiled.diagnostics, []);
    let failed = run_tests(text.as_bytes(), Format::Yaml, &compiled.layer, now);
    failed.iter().map(ToString::to_string).collect()
}

#[test]
fn tests_in_a_file_pass_when_it_does_what_they_expect() {
    let passing = "
  - { user: { plan: pro }, expect: { page: on, layout: a } }
  - { user: { targetingKey: ana }, expect: { page: off } }
  - { name: done, user: { targetingKey: ana }, at: 2026-12-02, expect: { page: true } }
  - { at: 2026-12-01 12:00, expect_share: { page: { on: 5% ± 0.7%, off: 95% } } }
  - { users: 100, vary: id, expect_share: { page: { on: 0% ± 0% } } }
";
    let told = tested(passing, Some(0));
    assert!(told.iter().all(|told| told.contains(": note: ")), "{told:?}");
}

#[test]
fn a_big_user_is_not_made_up_too_often() {
    let share = |users: u32, size: usize| {
        let big = "x".repeat(size);
        format!(
            "  - {{ users: {users}, user: {{ big: {big} }}, expect_share: {{ layout: {{ a: 100% }} }} }}\n"
        )
    };
    assert_eq!(tested(&share(100, 200_000), None), [""; 0]);
    assert_eq!(tested(&share(10_000, 100), None), [""; 0]);
    let told = tested(&share(1_000_000, 200_000), None);
    assert!(told.len() == 1 && told[0].contains("too much work"), "{told:?}");
}

#[test]
fn what_depends_on_the_day_is_told_and_needs_a_day() {
    let undated = "
  - { user: { targetingKey: ana }, expect: { page: off, layout: b } }
  - { users: 100, expect_share: { page: { on: 0% } } }
  - { user: { targetingKey: ana }, at: 2026-12-02, expect: { page: off } }
";
    let note = |place: &str| {
        format!(
            "{place}.page: depends on the day, so --tests-on-load leaves it out (help: write at: and \
             a moment beside it)"
        )
    };
    let always = [
        note("10:52: note: tests[0].expect"),
        "10:65: error: tests[0].expect.layout: is \"a\", not \"b\" (help: flagstaff eval --explain \
         with the same user and moment shows why)"
            .to_owned(),
        note("11:35: note: tests[1].expect_share"),
        "12:68: error: tests[2].expect.page: is \"on\", not \"off\" (help: flagstaff eval --explain \
         with the same user and moment shows why)"
            .to_owned(),
    ];
    assert_eq!(tested(undated, None), always);
    assert_eq!(tested(undated, Some(0)), always);
    // Once all of them have it, check says so.
    let late = tested(undated, Some(1_900_000_000));
    assert_eq!(late.iter().filter(|told| told.contains(": error: ")).count(), 4, "{late:?}");
}

#[test]
fn a_test_that_fails_says_what_happened() {
    let failing = "
  - { user: { plan: pro }, at: 2026-11-01, expect: { page: off } }
  - { expect: { gone: on, pge: on, layout: c } }
  - { at: 2026-12-01, users: 1000, expect_share: { page: { on: 50% } } }
  - { users: 2000000, at: 2026-11-01, expect_share: { page: { on: 50% } } }
  - { expects: { page: on } }
";
    assert_eq!(
        tested(failing, Some(0)),
        [
            "10:60: error: tests[0].expect.page: is \"on\", not \"off\" (help: flagstaff eval \
             --explain with the same user and moment shows why)",
            "11:23: error: tests[1].expect.gone: is DISABLED, not \"on\" (help: flagstaff eval \
             --explain with the same user and moment shows why)",
            "11:32: error: tests[1].expect.pge: \"pge\" is no flag of this file (help: did you mean \
             \"page\"?)",
            "11:44: error: tests[1].expect.layout: \"c\" is no variant (help: \"layout\" has a, b)",
            "12:64: error: tests[2].expect_share.page.on: of 1000 users 5.6% get \"on\", not 50% ± 1% \
             (help: flagstaff eval --explain shows the shares and where a user falls)",
            "13:55: error: tests[3].expect_share.page: the tests of the file are too much work up \
             to here (help: lower users in some of them, or ask for less: long rules and users with \
             much in them count for more)",
            "14:5: error: tests[4]: expects nothing (help: write expect: { FLAG: VARIANT })",
            "14:7: error: tests[4].expects: is no member of a test (help: did you mean \"expect\"?)",
        ]
    );
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

#[test]
fn a_list_is_written_once_however_many_flags_ask_it() {
    let rule = "{ rules: [{ if: { id: { in_list: ids.txt } }, serve: on }] }";
    let definitions = definitions(&file(&format!("f: {rule}\ng: {rule}")), Generation::V2);
    let expected = json!({"in": [{"var": "id"}, ["7", "8"]]});
    assert_eq!(definitions["$evaluators"]["id in ids.txt"], expected);
    let reference = json!({"if": [{"$ref": "id in ids.txt"}, "on"]});
    for flag in ["f", "g"] {
        assert_eq!(definitions["flags"][flag]["targeting"], reference);
    }
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
    assert!(
        told.iter().any(|problem| problem.contains("too large with all the segments")),
        "{told:?}"
    );
    let mut chain = String::new();
    for number in 0..200 {
        chain += &format!("  s{number:03}: {{ all: [s{:03}] }}\n", number + 1);
    }
    chain += "  s200: { a: 1 }\n";
    let told = problems(&written(&chain, "  f: { rules: [{ if: s000, serve: on }] }"));
    assert!(told.iter().any(|problem| problem.contains("more than 100 deep")), "{told:?}");
}

#[test]
fn a_large_rule_is_not_written_into_every_flag() {
    let ids: Vec<String> = (0..20_000).map(|id| format!("id-{id}")).collect();
    let mut flags =
        format!("  g: {{ rules: [{{ if: {{ a: [{}] }}, serve: on }}] }}\n", ids.join(", "));
    for number in 0..200 {
        flags += &format!("  f{number}: {{ requires: g, serve: on }}\n");
    }
    let told = problems(&written("  s: { a: 1 }", &flags));
    assert!(
        told.iter().any(|problem| problem.contains("too large to be written")),
        "{}",
        told.len()
    );
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
fn a_kill_beats_a_state_and_a_country_is_no_truth() {
    let killed = |flag: &str| definitions(&file(&format!("f: {flag}")), Generation::V2);
    let flag = &killed("{ variants: { no: 1, de: 2 }, otherwise: de, killed: true }")["flags"]["f"];
    assert_eq!(flag["defaultVariant"], json!("de"));
    let text = file("f: { state: DISABLED, killed: true, serve: on }");
    let layer = compile_with(
        &Lists::new(),
        text.as_bytes(),
        Format::Yaml,
        Generation::V2,
        &Layer::default(),
    );
    let layer = layer.unwrap().layer;
    assert!(!layer.get("f").unwrap().flag().is_disabled());
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
