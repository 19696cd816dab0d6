//! The bounds of definitions, and of what is told of them.

use super::*;

#[test]
fn more_problems_than_anybody_reads_are_counted() {
    // Of so long a text many problems have room.
    let file = |count: usize, text: usize| {
        let rule = json!({"fractional": vec![json!(["on", "x"]); count]});
        let mut file = with(&json!({"targeting": rule}));
        file["$schema"] = "x".repeat(text).into();
        file
    };
    assert_eq!(compiled(&file(9_000, 1 << 20)).diagnostics.len(), 9_001);
    let found = compiled(&file(9_000, 0)).diagnostics;
    let untold = 9_001 - (found.len() - 1);
    assert!(found.len() < 4_000, "{}", found.len());
    let expected = format!("has {untold} more problems than are named here");
    assert_eq!(*found.last().unwrap().message, *expected);
    let found = compiled(&file(60_000, 2 << 20)).diagnostics;
    let (last, others) = found.split_last().unwrap();
    let count = others.len();
    assert!(count <= 10_001, "{count}");
    // The note about the generation is of the file.
    let expected = format!("has {} more problems than are named here", 60_000 - (count - 1));
    assert_eq!(*last.message, *expected);
    assert_eq!(last.position, others.last().unwrap().position);
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
fn a_rule_that_takes_more_than_its_file_may_is_not_compiled_to_its_end() {
    let rule = format!("{{\"and\":[{}1]}}", "1,".repeat(60_000));
    let text = format!("{{\"flags\":{{\"f\":{{\"variants\":{{\"a\":1}},\"targeting\":{rule}}}}}}}");
    let problems = compile_text(&text).unwrap().diagnostics;
    let errors = problems.iter().filter(|problem| problem.level == Level::Error);
    let errors: Vec<_> = errors.map(told).collect();
    assert_eq!(errors.len(), 1, "{errors:?}");
    let most = 8 * text.len() + 4096;
    let expected = format!("error: flags.f: takes more than {most} bytes in memory");
    assert!(errors[0].starts_with(&expected), "{errors:?}");
}

#[test]
fn flags_of_a_readable_file_share_the_room_for_problems() {
    let flag = |at: usize| {
        format!(
            "\n  f{at}:\n    rules:{}",
            "\n      - { if: { a: { x: 1 } }, serve: on }".repeat(4_000)
        )
    };
    let text = format!("flagstaff: 1\nflags:{}", (0..4).map(flag).collect::<String>());
    let compiled = compile(text.as_bytes(), Format::Yaml, Generation::V2, &Layer::default());
    let problems = compiled.unwrap().diagnostics;
    assert!((5_000..10_010).contains(&problems.len()), "{}", problems.len());
    for flag in ["flags.f0", "flags.f1", "flags.f2", "flags.f3"] {
        let is_error = |problem: &&Diagnostic| problem.level == Level::Error;
        let mut errors = problems.iter().filter(is_error).map(told);
        assert!(errors.any(|told| told.contains(flag)), "why {flag} is not served");
    }
}
