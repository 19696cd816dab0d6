//! What an author is told about a definition, and what is served in spite of it.

use super::{Compilation, compile};
use crate::flag::{
    Diagnostic, Evaluator, Format, Generation, Layer, Level, Outcome, Scratch, Standing,
    decode_object, encode_object,
};
use serde_json::{Value, json};

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
            "warning: flags.f.state: \"disabled\" is no state (help: the flag is NOT switched \
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
fn an_evaluator_that_cannot_be_read_is_told_once() {
    let mut document = with(&json!({"targeting": {"if": [{"$ref": "insider"}, "on"]}}));
    document["flags"]["g"] = document["flags"]["f"].clone();
    document["$evaluators"] = json!({"insider": {"<": [{"var": "age"}, "BAD"]}});
    let text = document.to_string().replace("\"BAD\"", "1e999");
    let found = compile_text(&text).unwrap().diagnostics;
    let told: Vec<_> = found.iter().map(told).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("warning: $evaluators.insider: has a number"), "{told:?}");
}

#[test]
fn more_problems_than_anybody_reads_are_counted() {
    let rule = |count: usize| json!({"targeting": {"fractional": vec![json!(["on", "x"]); count]}});
    assert_eq!(compiled(&with(&rule(9_000))).diagnostics.len(), 9_001);
    let found = compiled(&with(&rule(60_000))).diagnostics;
    let (last, others) = found.split_last().unwrap();
    let count = others.len();
    assert!(count <= 10_001, "{count}");
    // The note about the generation is of the file.
    let expected = format!("has {} more problems than are named here", 60_000 - (count - 1));
    assert_eq!(last.message, expected);
    assert_eq!(last.position, others.last().unwrap().position);
}

#[test]
fn references_are_put_in_place_however_deep() {
    let mut document = with(&json!({"targeting": {"if": [{"$ref": "insider"}, "on"]}}));
    document["$evaluators"] = json!({
        "insider": {"and": [{"$ref": "employee"}, {"$ref": "opted in"}]},
        "employee": {"ends_with": [{"var": "email"}, "@example.com"]},
        "opted in": {"!!": [{"var": "beta"}]},
    });
    check(&document, &[]);
    answers(&document, &json!({"email": "a@example.com", "beta": true}), "on");
    answers(&document, &json!({"email": "a@example.com"}), "off");
}

#[test]
fn a_reference_to_nothing_or_to_itself_fails_where_it_is_reached() {
    let mut document =
        with(&json!({"targeting": {"if": [{"var": "x"}, {"$ref": "insidr"}, {"$ref": "a"}]}}));
    document["$evaluators"] =
        json!({"insider": true, "a": {"$ref": "b"}, "b": {"!": [{"$ref": "a"}]}});
    check(
        &document,
        &[
            "warning: $evaluators.b.![0].$ref: the reference is a cycle: a \
             -> b -> a (help: an evaluator cannot refer to itself, directly or through others)",
            "warning: flags.f.targeting.if[1].$ref: there is no evaluator \"insidr\" (help: did \
             you mean \"insider\"?)",
        ],
    );
    answers(
        &document,
        &json!({"x": 1}),
        "Failed(Parse(\"flags.f.targeting.if[1].$ref: there is no evaluator \\\"insidr\\\"\"))",
    );
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
fn metadata_of_the_flag_lies_over_that_of_the_file() {
    let mut document = with(&json!({"metadata": {"owner": "checkout", "team": null, "n": 1}}));
    document["metadata"] =
        json!({"owner": "nobody", "team": "x", "flagSetId": "shop", "fractional": "v3"});
    let compilation = compiled(&document);
    let metadata = decode_object(compilation.layer.get("f").unwrap().flag().metadata());
    assert_eq!(metadata, json!({"owner": "checkout", "n": 1, "flagSetId": "shop"}));
    assert_eq!(
        decode_object(compiled(&with(&json!({}))).layer.get("f").unwrap().flag().metadata()),
        json!({})
    );
}

#[test]
fn the_file_says_its_generation_of_fractional() {
    let mut document = with(&json!({
        "targeting": {"fractional": [{"var": "n"}, ["on", 1]]}, "defaultVariant": "off",
    }));
    // A number is a unit in v3 only.
    let context = json!({"n": 1});
    answers(&document, &context, "off");
    document["metadata"] = json!({"fractional": "v3"});
    check(&document, &[]);
    answers(&document, &context, "on");
    document["metadata"] = json!({"fractional": "v4"});
    check(
        &document,
        &[
            "warning: metadata.fractional: is no generation of \"fractional\", so it is ignored (help: \
           write \"v2\" or \"v3\")",
        ],
    );
    answers(&document, &context, "off");
}

#[test]
fn size_is_bounded_with_a_diagnostic() {
    let help = "split the flag, or test membership with one \"in\" over a list";
    let error = |message: &str, document: &Value| {
        let compilation = compiled(document);
        let found = compilation.diagnostics.last().expect("a problem");
        assert_eq!((&*found.message, &*found.help), (message, help));
        assert_eq!(compilation.layer.get("f").unwrap().standing(), Standing::Broken);
    };
    // Each operator is a node, and so is the "or".
    let rules = |count: usize| with(&json!({"targeting": {"or": vec![json!({"!": [1]}); count]}}));
    check(&rules(9_999), &[]);
    error("has more rules than 10000", &rules(10_000));
    // Literals are free.
    check(&with(&json!({"targeting": {"in": [{"var": "id"}, vec!["x"; 50_000]]}})), &[]);

    // References that double at each step: 2^40 rules, were they all put in place.
    let mut document = with(&json!({"targeting": {"$ref": "e0"}}));
    for step in 0..40 {
        let next = json!({"$ref": format!("e{}", step + 1)});
        document["$evaluators"][format!("e{step}")] = json!({"or": [next, next]});
    }
    document["$evaluators"]["e40"] = json!({"!": [1]});
    error("has more rules than 10000", &document);
    for step in 12..40 {
        document["$evaluators"][format!("e{step}")] = json!(1);
    }
    check(&document, &[]);

    // Literal operands of evaluators, which references repeat.
    let mut document = with(&json!({"targeting": {"or": vec![json!({"$ref": "many"}); 10]}}));
    document["$evaluators"] = json!({"many": {"and": vec!["operand"; 9_000]}});
    check(&document, &[]);
    document["$evaluators"] = json!({"many": {"and": vec!["operand"; 10_000]}});
    error("has more operands than 100000", &document);

    // A reference is not a level of its own, but the rule that it leads to is.
    let mut document = with(&json!({"targeting": {"$ref": "00"}}));
    for step in 0..100 {
        document["$evaluators"][format!("{step:02}")] = json!({"$ref": format!("{:02}", step + 1)});
    }
    document["$evaluators"]["99"] = json!("on");
    check(&document, &[]);
    for step in 0..62 {
        let next = json!({"$ref": format!("{:02}", step + 1)});
        document["$evaluators"][format!("{step:02}")] = json!({"!": [next]});
    }
    document["$evaluators"]["62"] = json!({"!": [1]});
    check(&document, &[]);
    document["$evaluators"]["62"] = json!({"!": [{"!": [1]}]});
    error("nests deeper than 63", &document);
}

#[test]
fn a_file_has_a_hundred_thousand_flags_at_most() {
    let text = |count: usize| {
        let flags: Vec<_> = (0..count).map(|flag| format!("\"{flag}\":{{}}")).collect();
        format!("{{\"flags\":{{{}}}}}", flags.join(","))
    };
    let problems = compile_text(&text(100_001)).unwrap_err();
    assert_eq!(
        told(&problems[0]),
        "error: flags: has 100001 flags, more than 100000 (help: split the file by application)"
    );
}

#[test]
fn names_too_long_for_a_typo_are_not_compared() {
    let long = "x".repeat(200_000);
    let mut document = with(&json!({"defaultVariant": format!("{long}y")}));
    document["flags"]["f"]["variants"] = json!({long: true});
    assert_eq!(
        &*compiled(&document).diagnostics[0].help,
        "name one of the variants, or add it to them"
    );
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
    let example = include_str!("../../../config/flags.json");
    let compiled = compile_text(example).unwrap();
    assert_eq!(compiled.diagnostics, []);
    assert_eq!(compiled.layer.flags().count(), 12);
}
