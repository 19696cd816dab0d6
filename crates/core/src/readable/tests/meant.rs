//! What people write instead of the word that counts here, and the help they get.

use crate::{compile, document::text::Format, flag::rule::Generation, flag_file::layer::Layer};

/// The helps for a file with one flag.
fn helps(flag: &str) -> String {
    let text = format!(
        "flagstaff: 1\nbucketing: v2\nflags:\n  other: {{ variants: {{ new: 1, old: 2 }}, serve: new \
         }}\n  faulty: {{ serve: neither }}\n  f: {flag}\n"
    );
    let read = compile(text.as_bytes(), Format::Yaml, Generation::V2, &Layer::default()).unwrap();
    let told = read.diagnostics.iter().filter(|told| told.path.to_string().starts_with("flags.f."));
    told.map(|told| format!("{}\n", told.help)).collect()
}

#[test]
fn a_word_of_another_product_gets_the_word_that_counts_here() {
    let killed = "write killed: true; everybody then gets the safe variant";
    let rule = |of: &str| format!("{{ rules: [{{ if: {of}, serve: on }}] }}");
    for (flag, help) in [
        ("{ kill: true }".to_owned(), killed),
        ("{ disabled: true }".to_owned(), killed),
        ("{ off: true, serve: on }".to_owned(), killed),
        ("{ default: off }".to_owned(), "write otherwise, as it is called here"),
        ("{ else: off }".to_owned(), "write otherwise, as it is called here"),
        (
            "{ users: [ana], serve: on }".to_owned(),
            "write rules: [{ if: CONDITION, serve: VARIANT }]",
        ),
        ("{ depends_on: other, serve: on }".to_owned(), "write requires, as it is called here"),
        ("{ serve: disabled }".to_owned(), "did you mean \"off\"?"),
        ("{ serve: enabled }".to_owned(), "did you mean \"on\"?"),
        ("{ rollout: \"%5\" }".to_owned(), "write 5%"),
        ("{ rollout: 5 percent }".to_owned(), "write 5%"),
        ("{ requires: othr, serve: on }".to_owned(), "did you mean \"other\"?"),
        ("{ requires: falty, serve: on }".to_owned(), "did you mean \"faulty\"?"),
        (
            "{ requires: { other: nwe }, serve: on }".to_owned(),
            "did you mean requires: { other: new }?",
        ),
        ("{ rules: [{ else: on }] }".to_owned(), "write otherwise: VARIANT for everybody else"),
        (rule("{ and: [{ a: 1 }, { b: 1 }] }"), "write all: [CONDITION, …]"),
        (rule("{ or: [{ a: 1 }, { b: 1 }] }"), "write any: [CONDITION, …]"),
        (rule("{ app_version: \"=> 4.2.0\" }"), "write \">= 4.2.0\""),
        (rule("{ age: \"≥ 18\" }"), "write \">= 18\""),
        (rule("{ email: { regex: x } }"), "there are no regular expressions"),
        (rule("{ age: { gte: 18 } }"), "write the comparison as a text"),
        (rule("{ email: \"@example.com\" }"), "write ends_with: \"@example.com\""),
        (rule("{ email: [\"@example.com\", ana] }"), "write ends_with: \"@example.com\""),
    ] {
        let told = helps(&flag);
        assert!(told.contains(help), "{flag}: {told}");
    }
}
