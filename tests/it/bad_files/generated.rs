//! Bad files that are too large, or too odd, to stand in a directory.

use super::{Case, Fate};

/// A file whose flag `greeting` has this rule, in JSON.
fn with_rule(rule: &str) -> Vec<u8> {
    let file = r#"{"metadata": {"fractional": "v2"}, "flags": {
"greeting": {"state": "ENABLED", "variants": {"hello": "hello"}, "defaultVariant": "hello",
"targeting": RULE},
"neighbour": {"state": "ENABLED", "variants": {"new": "new"}, "defaultVariant": "new"}}}
"#;
    file.replace("RULE", rule).into_bytes()
}

/// The same in YAML, where the rule stands on lines of its own.
fn with_block(rule: &str) -> Vec<u8> {
    let file = "\
metadata: { fractional: v2 }
flags:
  greeting:
    state: ENABLED
    variants: { hello: hello }
    defaultVariant: hello
    targeting:
RULE
  neighbour: { state: ENABLED, variants: { new: new }, defaultVariant: new }
";
    file.replace("RULE", rule).into_bytes()
}

fn nested(open: &str, close: &str, depth: usize) -> String {
    format!("{}1{}", open.repeat(depth), close.repeat(depth))
}

pub(super) fn cases() -> Vec<Case> {
    const DEEP: usize = 50_000;
    let lists = nested("[", "]", DEEP);
    let rules = nested("{\"!\":[", "]}", DEEP);
    let binary: Vec<u8> = b"\x7fELF\x02\x01\x01".iter().copied().chain(0..=255).collect();
    let image: Vec<u8> = b"\x89PNG\r\n\x1a\n".iter().copied().chain(0..=255).collect();
    let large = " ".repeat((1 << 20) + 1).into_bytes();

    let mut bomb = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..30 {
        let before = vec![format!("*a{}", level - 1); 9].join(", ");
        bomb += &format!("a{level}: &a{level} [{before}]\n");
    }
    // What is merged does not show in the result, but has to be kept until the mapping ends.
    let merges = format!(
        "large: &large {{ text: \"{}\" }}\nflags:\n{}",
        "x".repeat(200_000),
        "  <<: *large\n".repeat(50_000)
    );
    let many: Vec<_> = (0..100_001).map(|flag| format!("\"{flag}\":1")).collect();
    let many = format!("{{\"flags\":{{{}}}}}", many.join(","));

    let case = |fate, name: &str, content: &[u8]| Case {
        fate,
        name: name.to_owned(),
        content: content.to_vec(),
    };
    let (quarantined, refused) = (Fate::Quarantined, Fate::Refused);
    let mut cases = vec![
        case(quarantined, "deep_nesting_in_a_flag.json", &with_rule(&lists)),
        case(quarantined, "deep_nesting_of_rules.json", &with_rule(&rules)),
        case(
            quarantined,
            "deep_nesting_in_a_flag.yaml",
            &with_block(&format!("      {}1", "- ".repeat(DEEP))),
        ),
        case(refused, "deep_nesting_in_brackets.yaml", &with_rule(&lists)),
        case(quarantined, "rules_nested_64_deep.json", &with_rule(&nested("{\"!\":", "}", 64))),
        case(quarantined, "rules_nested_64_deep.yaml", &with_rule(&nested("{\"!\": ", "}", 64))),
        case(refused, "deep_nesting_of_dashes.yaml", "- ".repeat(400_000).as_bytes()),
        case(refused, "alias_bomb.yaml", bomb.as_bytes()),
        case(refused, "merge_bomb.yaml", merges.as_bytes()),
        case(refused, "too_many_flags.json", many.as_bytes()),
    ];
    for extension in ["json", "yaml"] {
        let named = |name: &str| format!("{name}.{extension}");
        cases.extend([
            case(refused, &named("program"), &binary),
            case(refused, &named("image"), &image),
            case(refused, &named("larger_than_the_limit"), &large),
            case(refused, &named("deep_nesting"), lists.as_bytes()),
            case(refused, &named("deep_nesting_never_closed"), "[".repeat(DEEP).as_bytes()),
        ]);
    }
    cases
}
