//! What the flags of a file share: evaluators, metadata and the generation of `fractional`.

use super::*;

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
