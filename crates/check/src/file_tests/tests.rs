//! Tests that stand in a file.

use crate::file_tests::run_tests;
use flagstaff_core::{
    compile, document::text::Format, flag::rule::Generation, flag_file::layer::Layer,
};

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
    let compiled = compile(text.as_bytes(), Format::Yaml, Generation::V2, &layer);
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
            "14:7: error: tests[4].expects: is not a member of a test (help: did you mean \"expect\"?)",
        ]
    );
}

#[test]
fn an_attribute_with_a_dot_in_its_name_is_mentioned() {
    let flat = "\n  - { user: { user.plan: pro }, at: 2026-11-01, expect: { page: on } }\n";
    let told = tested(flat, Some(0)).join("\n");
    let expected = "warning: tests[0].user.user.plan: has a dot in its name, so no rule reads it \
                    (help: nest it: user: { plan: ... })";
    assert!(told.contains(expected), "{told}");
}
