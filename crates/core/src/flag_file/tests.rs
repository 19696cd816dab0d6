//! What an author is told about a definition, and what is served in spite of it.

use super::{Compilation, compile};
use crate::{
    diagnostic::{Diagnostic, Level},
    document::{protobuf::encode_object, text::Format},
    flag::{
        context::{Evaluator, Scratch},
        encoded::decode_object,
        evaluate::Outcome,
        rule::Generation,
    },
    flag_file::layer::{Layer, Standing},
};
use serde_json::{Value, json};

mod bounds;
mod shared;

fn compile_text(text: &str) -> Result<Compilation, Vec<Diagnostic>> {
    compile(text.as_bytes(), Format::Json, Generation::V2, &Layer::default())
}

/// A problem without its position.
fn told(problem: &Diagnostic) -> String {
    let (position, rest) = (problem.position.to_string(), problem.to_string());
    rest.strip_prefix(&format!("{position}: ")).expect("it begins with the position").to_owned()
}

fn compiled(document: &Value) -> Compilation {
    compile_text(&document.to_string()).expect("a document")
}

/// A document of one good flag `f`, some of whose members are others.
fn with(members: &Value) -> Value {
    let mut flag = json!({"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off"});
    for (name, value) in members.as_object().unwrap() {
        flag[name] = value.clone();
    }
    json!({"flags": {"f": flag}})
}

/// Checks every problem of a document, each as it is told; notes are no problems.
#[track_caller]
fn check(document: &Value, expected: &[&str]) {
    let found = match compile_text(&document.to_string()) {
        Ok(compilation) => compilation.diagnostics,
        Err(problems) => problems,
    };
    let notes = found.iter().filter(|problem| problem.level > Level::Note);
    let told: Vec<_> = notes.map(told).collect();
    assert_eq!(told, expected, "{document}");
}

/// Checks what the flag `f` of a document answers: its variant, or why there is none.
#[track_caller]
fn answers(document: &Value, context: &Value, expected: &str) {
    let compilation = compiled(document);
    let flag = compilation.layer.get("f").expect("the document has a flag f").flag();
    let context = encode_object(context.as_object().unwrap());
    let mut scratch = Scratch::default();
    let outcome = Evaluator::new(&mut scratch, &context, 0).unwrap().evaluate(flag);
    let told = match outcome {
        Outcome::Variant { index, .. } => flag.variants()[index].name().to_owned(),
        other => format!("{other:?}"),
    };
    assert_eq!(told, expected, "{document}");
}

#[test]
fn a_good_document_has_no_problems() {
    check(&with(&json!({"targeting": {"if": [{"var": "beta"}, "on"]}})), &[]);
}

#[test]
fn a_file_that_is_no_document_is_refused() {
    let object = "make it an object of flags by key, or a list of flags with a \"key\" each";
    let neither =
        |help: &str| format!("error: flags: is neither an object nor a list (help: {help})");
    check(&json!({}), &["error: flags: is missing (help: put the flags in an object \"flags\")"]);
    let null = "put the flags in it; in YAML they are indented below it";
    check(&json!({"flags": null}), &[&neither(null)]);
    check(&json!({"flags": "x"}), &[&neither(object)]);
    for (text, help) in [
        ("", "put the flags in an object \"flags\""),
        ("[]", "make it an object that has the flags in a member \"flags\""),
        ("{", "the file is cut off, or a bracket or quote is not closed"),
        ("{} {}", "remove what follows, or a bracket that closes too early"),
    ] {
        let problems = compile_text(text).unwrap_err();
        let path = problems[0].path.to_string();
        assert_eq!((problems.len(), &*path, &*problems[0].help), (1, "file", help), "{text}");
    }
}

#[test]
fn each_problem_of_a_flag_is_told_with_its_path_and_what_to_do() {
    let state = "such a flag counts as enabled; write \"ENABLED\" or \"DISABLED\"";
    for (members, expected) in [
        (json!({"state": null}), format!("warning: flags.f.state: is missing (help: {state})")),
        (
            json!({"state": "PAUSED"}),
            format!("warning: flags.f.state: \"PAUSED\" is no state (help: {state})"),
        ),
        (
            json!({"state": "disabled"}),
            "error: flags.f.state: \"disabled\" is no state (help: the flag is NOT switched \
             off; write \"DISABLED\")"
                .to_owned(),
        ),
        (
            json!({"state": true}),
            "error: flags.f.state: is not a string (help: write \"ENABLED\" or \"DISABLED\")"
                .to_owned(),
        ),
        (
            json!({"defaultVariant": "of"}),
            "error: flags.f.defaultVariant: \"of\" is not a variant (help: did you mean \"off\"?)"
                .to_owned(),
        ),
        (
            json!({"defaultVariant": "elsewhere"}),
            "error: flags.f.defaultVariant: \"elsewhere\" is not a variant (help: name one of the \
             variants, or add it to them)"
                .to_owned(),
        ),
        (
            json!({"variants": {"on": 1, "off": "x"}}),
            "warning: flags.f.variants: mixes types (help: give every variant of a flag the same \
             type)"
                .to_owned(),
        ),
        (
            json!({"variants": {"on": [], "off": []}}),
            "warning: flags.f.variants.off: is a list or null (help: clients get a type \
             mismatch; use a boolean, string, number or object)"
                .to_owned(),
        ),
        (
            json!({"metadata": {"a": [1]}}),
            "warning: flags.f.metadata.a: is not a string, number or boolean (help: in-process \
             clients refuse it; keep metadata flat)"
                .to_owned(),
        ),
    ] {
        let found = compiled(&with(&members)).diagnostics;
        assert_eq!(told(&found[0]), expected, "{members}");
    }
}

#[test]
fn each_problem_of_a_rule_is_told_where_it_is() {
    let rule = |rule: Value| with(&json!({"targeting": rule}));
    check(
        &rule(json!({"if": [{"stars_with": [{"var": "email"}, "a"]}, "on"]})),
        &["warning: flags.f.targeting.if[0].stars_with: operator \"stars_with\" is not supported \
           (help: did you mean \"starts_with\"?)"],
    );
    check(
        &rule(json!({"or": [true, {"log": 1}]})),
        &["warning: flags.f.targeting.or[1].log: operator \"log\" is not supported (help: use \
           one that flagd has; until then the rule answers PARSE_ERROR where it is reached)"],
    );
    check(
        &rule(json!({"if": "x"})),
        &["warning: flags.f.targeting.if: \"if\" needs a list of arguments (help: put the \
           arguments in [ ])"],
    );
    check(
        &rule(json!({"var": true})),
        &["warning: flags.f.targeting.var: the path of a \"var\" must be text (help: write \
           {\"var\": \"name\"} or {\"var\": [\"name\", default]})"],
    );
    check(
        &rule(json!({"fractional": [["on", 0], ["off", 0]]})),
        &[
            "warning: flags.f.targeting.fractional: the weights sum to 0, so nobody is in any share \
           (help: give a share a weight)",
        ],
    );
    // All of them, not the first.
    assert_eq!(compiled(&rule(json!({"or": [{"log": 1}, {"log": 2}]}))).diagnostics.len(), 2);
}

#[test]
fn one_broken_flag_hurts_no_other() {
    let mut document = with(&json!({}));
    for (key, broken) in [
        ("null", Value::Null),
        ("list", json!([])),
        ("state", json!({"state": 1})),
        ("variants", json!({"variants": []})),
        ("default", json!({"variants": {"on": 1}, "defaultVariant": "off"})),
        ("metadata", json!({"metadata": "x"})),
    ] {
        document["flags"][key] = broken;
    }
    for flag in compiled(&document).layer.flags() {
        let good = flag.flag().key() == "f";
        let expected = if good { Standing::Good } else { Standing::Broken };
        assert_eq!(flag.standing(), expected, "{}", flag.flag().key());
    }
    answers(&document, &json!({}), "off");
}

#[test]
fn a_kill_holds_whatever_else_is_broken() {
    let kill = json!({"state": "DISABLED", "defaultVariant": "nowhere", "targeting": {"log": 1}});
    answers(&with(&kill), &json!({}), "Disabled");
}

#[test]
fn what_is_switched_off_is_served_so_its_problems_are_warnings() {
    let kill = json!({"state": "DISABLED", "defaultVariant": "nowhere"});
    let help = "name one of the variants, or add it to them";
    check(
        &with(&kill),
        &[&format!("warning: flags.f.defaultVariant: \"nowhere\" is not a variant (help: {help})")],
    );
}

#[test]
fn a_flag_that_has_lost_its_key_takes_none_along() {
    let list = |second: &str| {
        let flag = |key: &str| format!(r#"{{{key}"state": "ENABLED", "variants": {{"on": 1}}}}"#);
        format!(r#"{{"flags": [{}, {}]}}"#, flag(r#""key": "f", "#), flag(second))
    };
    let before = compile_text(&list(r#""key": "g", "#)).unwrap().layer;
    for lost in ["", r#""kye": "g", "#, r#""key": "", "#, r#""key": null, "#] {
        let after = compile(list(lost).as_bytes(), Format::Json, Generation::V2, &before).unwrap();
        let standings = ["f", "g"].map(|key| after.layer.get(key).unwrap().standing());
        assert_eq!(standings, [Standing::Good, Standing::Quarantined], "{lost}");
        assert_eq!(after.diagnostics.iter().filter(|p| p.level == Level::Error).count(), 1);
    }
    // Without it, it goes.
    let without = r#"{"flags": [{"key": "f", "state": "ENABLED", "variants": {"on": 1}}]}"#;
    let after = compile(without.as_bytes(), Format::Json, Generation::V2, &before).unwrap();
    assert!(after.layer.get("g").is_none());
}

#[test]
fn only_a_change_a_flag_can_feel_changes_its_digest() {
    let digest = |change: &dyn Fn(&mut Value)| {
        let mut document = with(&json!({"targeting": {"if": [{"$ref": "used"}, "on"]}}));
        document["$evaluators"] = json!({"used": true, "unused": true});
        change(&mut document);
        *compiled(&document).layer.get("f").unwrap().flag().digest()
    };
    let before = digest(&|_| {});
    assert_eq!(before, digest(&|document| document["$evaluators"]["unused"] = json!(false)));
    assert_eq!(before, digest(&|document| document["flags"]["g"] = json!({})));
    assert_ne!(before, digest(&|document| document["$evaluators"]["used"] = json!(false)));
    assert_ne!(before, digest(&|document| document["metadata"] = json!({"a": 1})));
    assert_ne!(before, digest(&|document| document["metadata"] = json!({"fractional": "v3"})));
}

#[test]
fn a_result_that_is_no_variant_is_told() {
    let warning = |name: &'static str, help: &'static str| {
        move |place: &str| {
            format!(
                "warning: flags.f.targeting{place}: results in \"{name}\", which is not a variant \
                 (help: {help})"
            )
        }
    };
    let near = "did you mean \"on\"?";
    let gate = json!({"fractional": [[true, 20], [false, 80]]});
    check(
        &with(
            &json!({"targeting": {"if": [gate, {"fractional": [["onn", 5], ["off", 95]]}, null]}}),
        ),
        &[&warning("onn", near)(".if[1].fractional[0][0]")],
    );
    check(&with(&json!({"targeting": "onn"})), &[&warning("onn", near)("")]);
    let none = "name a variant, or add it to them";
    let rule = json!({"if": [{"var": "a"}, true, {"var": "b"}, null, 7]});
    check(
        &with(&json!({"targeting": rule})),
        &[&warning("true", none)(".if[1]"), &warning("7", none)(".if[4]")],
    );
}

#[test]
fn the_example_flags_have_no_problems() {
    let example = include_str!("../../../../config/flags.json");
    let compiled = compile_text(example).unwrap();
    assert_eq!(compiled.diagnostics, []);
    assert_eq!(compiled.layer.flags().count(), 12);
}
