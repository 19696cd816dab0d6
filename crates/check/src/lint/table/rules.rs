//! Lints about conditions and rules.

use crate::lint::definition::{ExampleContext, Lint};
use flagstaff_core::diagnostic::Level;

pub(crate) const MANY_RULES: Lint = Lint {
    code: "many-rules",
    level: Level::Warning,
    summary: "A flag has too many rules.",
    why: "The first rule that matches counts, so the tenth can only be understood by whoever has \
        the nine before it in mind. Join those that serve the same, give conditions names, or \
        split the flag. The limit is `max_rules` (10).",
    bad: include_str!("../examples/many-rules.bad.yaml"),
    good: include_str!("../examples/many-rules.good.yaml"),
    beside: ExampleContext::Nothing,
};

pub(crate) const DEEP_RULE: Lint = Lint {
    code: "deep-rule",
    level: Level::Warning,
    summary: "A condition nests too deep.",
    why: "More than `max_nesting` (3) times \"all of\" and \"any of\" inside of each other is a \
        puzzle. Name the inner part: a segment in the readable form, an evaluator in flagd's. \
        `not` does not count.",
    bad: include_str!("../examples/deep-rule.bad.yaml"),
    good: include_str!("../examples/deep-rule.good.yaml"),
    beside: ExampleContext::Nothing,
};

pub(crate) const DEAD_RULE: Lint = Lint {
    code: "dead-rule",
    level: Level::Warning,
    summary: "A rule can never match.",
    why: "Either it contradicts itself (a country that is two at once), or the rules before it \
        take everybody it is for. Most often a narrow rule stands behind a wide one: put it \
        first. What cannot be told for sure is not told.",
    bad: include_str!("../examples/dead-rule.bad.yaml"),
    good: include_str!("../examples/dead-rule.good.yaml"),
    beside: ExampleContext::Nothing,
};

pub(crate) const REPEATED_CONDITION: Lint = Lint {
    code: "repeated-condition",
    level: Level::Note,
    summary: "The same condition stands in three flags.",
    why: "When the contract changes, one of them is forgotten. Give the condition a name and write \
        that: `segments` in the readable form, `$evaluators` in flagd's. More flags than \
        `max_repeats` (2) are told.",
    bad: include_str!("../examples/repeated-condition.bad.yaml"),
    good: include_str!("../examples/repeated-condition.good.yaml"),
    beside: ExampleContext::Nothing,
};

pub(crate) const MIXED_TYPES: Lint = Lint {
    code: "mixed-types",
    level: Level::Warning,
    summary: "An attribute is compared with a text here and a number there.",
    why: "An application sends it as one of them, and the other comparison is never true, or true \
        by accident. Write all of them as what is sent.",
    bad: include_str!("../examples/mixed-types.bad.yaml"),
    good: include_str!("../examples/mixed-types.good.yaml"),
    beside: ExampleContext::Nothing,
};

pub(crate) const UNQUOTED: Lint = Lint {
    code: "unquoted",
    level: Level::Warning,
    summary: "A value that other readers of YAML take for something else.",
    why: "This program reads YAML 1.2, where `NO` is a text. Others read 1.1, where it is false, \
        and Norway is gone. Likewise `1_000` and `0b101` are texts here and numbers to others, `017` \
        is 17 here and 15 to others, and a date as a variant is a text here. `1.10` is the number \
        1.1 to all of them. Put such values in quotes.",
    bad: include_str!("../examples/unquoted.bad.yaml"),
    good: include_str!("../examples/unquoted.good.yaml"),
    beside: ExampleContext::Nothing,
};
