//! What readable flags come to, as definitions.

mod meant;
mod refused;

use crate::{
    compile,
    diagnostic::problems::Problems,
    document::{
        members_of_file,
        text::{DocumentText, Format},
    },
    flag::rule::Generation,
    flag_file::{compile_with, definitions_of, layer::Layer},
    readable::{
        file::translate,
        lists::{Lists, lists_named},
    },
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
    let written = DocumentText::read(text.as_bytes(), Format::Yaml).unwrap();
    let mut found = Problems::with_room(9);
    let members = members_of_file(written.json()).unwrap();
    let translated = translate(&written, &members, &lists, generation, &mut found);
    let translated = translated.unwrap().unwrap();
    let told: Vec<_> =
        translated.found.values().flat_map(|of| &of.told).map(ToString::to_string).collect();
    assert_eq!(told, [""; 0], "{text}");
    let (told, _) = found.finish();
    assert_eq!(told, [], "{text}");
    let (content, format) = (text.as_bytes(), Format::Yaml);
    let layer = compile_with(&lists, content, format, generation, &Layer::default()).unwrap().layer;
    definitions_of(&lists, content, format, generation, &layer).unwrap().unwrap().into()
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

#[test]
fn a_kill_beats_a_state_and_a_country_is_no_truth() {
    let killed = |flag: &str| definitions(&file(&format!("f: {flag}")), Generation::V2);
    let flag = &killed("{ variants: { no: 1, de: 2 }, otherwise: de, killed: true }")["flags"]["f"];
    assert_eq!(flag["defaultVariant"], json!("de"));
    let text = file("f: { state: DISABLED, killed: true, serve: on }");
    let layer = compile(text.as_bytes(), Format::Yaml, Generation::V2, &Layer::default());
    let layer = layer.unwrap().layer;
    assert!(!layer.get("f").unwrap().flag().is_disabled());
}
