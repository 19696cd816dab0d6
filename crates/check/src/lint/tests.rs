//! Each lint's bad example has exactly its mistake, and the good one none.

use super::table::{DEAD_RULE, DEEP_RULE, MANY_RULES, REPEATED_CONDITION};
use crate::lint::{
    against::Before,
    definition::{ExampleContext, Lint},
    linted::Linted,
    table::LINTS,
};
use flagstaff_core::{
    diagnostic::{Diagnostic, problems::Problems},
    document::{
        members_of_file,
        text::{DocumentText, Format},
    },
    flag::rule::Generation,
    flag_file::{compile_with, layer::Layer},
    readable::{Lists, translate},
};
use std::collections::BTreeSet;

/// 15 January 2027.
const NOW: i64 = 1_799_971_200;

fn linted<'a>(text: &'a str, lists: &'a Lists) -> Linted<'a> {
    Linted {
        content: text.as_bytes(),
        format: Format::Yaml,
        lists,
        fallback: Generation::V2,
        now: NOW,
        before: None,
        gone: &[],
    }
}

/// Everything that is found in a file.
fn found(text: &str, earlier: Option<&str>) -> Vec<Diagnostic> {
    let lists = Lists::new();
    let linted = linted(text, &lists);
    let compiled =
        compile_with(&lists, text.as_bytes(), Format::Yaml, Generation::V2, &Layer::default());
    let compiled = compiled.unwrap();
    let keys: BTreeSet<&str> = compiled.layer.flags().map(|flag| flag.flag().key()).collect();
    let before = earlier.map(|earlier| Before::read(&[self::linted(earlier, &lists)]));
    let gone: Vec<&str> = before.iter().flat_map(Before::flags).map(|(key, _)| key).collect();
    let gone: Vec<&str> = gone.into_iter().filter(|key| !keys.contains(key)).collect();
    Linted { before: before.as_ref(), gone: &gone, ..linted }.add_to(compiled.diagnostics)
}

fn codes(problems: &[Diagnostic]) -> Vec<&str> {
    problems.iter().map(|problem| problem.code.unwrap_or("none")).collect()
}

fn told(problems: &[Diagnostic]) -> String {
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

#[test]
fn every_bad_example_has_its_mistake_and_every_good_one_none() {
    let mut wrong = Vec::new();
    for Lint { code, level, bad, good, beside, .. } in LINTS {
        let earlier = match beside {
            ExampleContext::Earlier(text) => Some(text),
            ExampleContext::Nothing => None,
            // Only who reads the directory can tell; a test of the program does.
            ExampleContext::Another(_) => continue,
        };
        let problems = found(bad, earlier);
        print!("{}", told(&problems));
        if codes(&problems) != [code] || problems[0].level != level {
            wrong.push(format!("{code}, bad:\n{}", told(&problems)));
        }
        if problems.iter().any(|problem| problem.position.line < 2 && code != "unpinned") {
            wrong.push(format!("{code} has no place:\n{}", told(&problems)));
        }
        let problems = found(good, earlier);
        if !problems.is_empty() {
            wrong.push(format!("{code}, good:\n{}", told(&problems)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_hold_is_told_by_the_first_thing_it_keeps_from_happening() {
    let held = |at: &str, steps: [&str; 2]| {
        let steps = steps.map(|step| format!("      - {step}\n")).concat();
        let file = "flagstaff: 1\nbucketing: v2\ntime_zone: UTC\nflags:\n  enable_archive_search:\n    \
                    owner: team-payments\n    why: Customers ask for older invoices.\n    \
                    kind: release\n    expires: 2027-06-30\n";
        let found = found(&format!("{file}    hold_at: {at}\n    rollout:\n{steps}"), None);
        found.into_iter().map(|problem| problem.message).collect::<Vec<_>>()
    };
    let later = "without it 100% would be served from 2027-03-01";
    for (at, steps, expected) in [
        ("1%", ["1% from 2027-02-01", "100% from 2027-03-01"], Some(("1%", later))),
        ("5%", ["5%", "100% from 2027-03-01"], Some(("5%", later))),
        (
            "1%",
            ["5% from 2027-01-01", "100% from 2027-03-01"],
            Some(("1%", "without it 5% would be served now")),
        ),
        // It cuts nothing.
        ("50%", ["5%", "25% from 2027-03-01"], None),
    ] {
        let told = held(at, steps);
        let expected = expected.map(|(at, then)| format!("holds at {at}; {then}"));
        let is_told = match (&expected, told.as_slice()) {
            (Some(expected), [told]) => told.starts_with(expected),
            (None, []) => true,
            _ => false,
        };
        assert!(is_told, "{at} {steps:?}: {told:?}");
    }
}

/// A flag for others to require.
const REQUIRED: &str = "  enable_exports:
    owner: team-insights
    why: Customers take their data with them.
    kind: permission
    rules:
      - { if: { export: true }, serve: on }
";

#[test]
fn rules_behind_times_and_prerequisites_are_looked_at_as_others_are() {
    let seen = |text: &str| -> Vec<String> {
        let line = |line: usize| text.lines().nth(line - 1).unwrap_or_default();
        let problems = found(text, None).into_iter().map(|problem| {
            let (code, position) = (problem.code.unwrap_or("none"), problem.position);
            let Diagnostic { path, message, .. } = &problem;
            format!("{code} {path} {message} {} {}", position.column, line(position.line))
        });
        problems.collect()
    };
    for lint in [&DEAD_RULE, &MANY_RULES, &DEEP_RULE, &REPEATED_CONDITION] {
        for gate in [
            "start: 2026-12-01",
            "end: 2027-12-01",
            "start: 2026-12-01\n    end: 2027-12-01",
            "requires: enable_exports",
            "start: 2026-12-01\n    requires: enable_exports",
        ] {
            let gated = |text: &str| {
                let gate = format!("kind: permission\n    {gate}");
                text.replace("kind: permission", &gate) + REQUIRED
            };
            assert_eq!(seen(&gated(lint.bad)), seen(lint.bad), "{} {gate}", lint.code);
            assert_eq!(seen(&gated(lint.good)), [""; 0], "{} {gate}", lint.code);
        }
    }
}

#[test]
fn what_a_good_file_is_translated_to_is_good_as_well() {
    for Lint { code, good, beside, .. } in LINTS {
        // Levels and limits are not translated; what is not readable is no translation.
        if beside != ExampleContext::Nothing
            || good.contains("lint:")
            || !good.contains("flagstaff: 1")
        {
            continue;
        }
        let text = DocumentText::read(good.as_bytes(), Format::Yaml).unwrap();
        let mut nobody = Problems::with_room(0);
        let members = members_of_file(text.json()).unwrap();
        let json = translate(&text, &members, &Lists::new(), Generation::V2, &mut nobody);
        let problems = found(&json.unwrap().unwrap().to_json(), None);
        assert!(problems.is_empty(), "{code}:\n{}", told(&problems));
    }
}

#[test]
fn codes_are_unique_and_everything_is_said() {
    let codes: BTreeSet<&str> = LINTS.iter().map(|lint| lint.code).collect();
    assert_eq!(codes.len(), LINTS.len());
    for Lint { code, summary, why, bad, good, .. } in LINTS {
        assert!(code.chars().all(|char| char.is_ascii_lowercase() || char == '-'), "{code}");
        assert!(summary.ends_with('.') && why.len() > 60 && bad != good, "{code}");
    }
}
