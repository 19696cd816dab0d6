//! Lints about comparisons that give another result than they seem to.

use crate::lint::definition::{ExampleContext, Lint};
use flagstaff_core::diagnostic::Level;

pub(crate) const VERSION_AS_TEXT: Lint = Lint {
    code: "version-as-text",
    level: Level::Warning,
    summary: "Versions are compared as texts or as numbers.",
    why: "As a text `10.0.0` comes before `9.0.0`, and as a number `4.10` before `4.9`. A text \
        that cannot be read as a number is neither above nor below one. Compare with \
        `sem_ver`, or in the readable format write the comparison as one text: `app_version: \
        \">= 4.2.0\"`.",
    bad: include_str!("../examples/version-as-text.bad.yaml"),
    good: include_str!("../examples/version-as-text.good.yaml"),
    beside: ExampleContext::Nothing,
};

pub(crate) const TEXT_MEMBERSHIP: Lint = Lint {
    code: "text-membership",
    level: Level::Warning,
    summary: "An attribute is looked for within a text instead of a list.",
    why: "`in` over a text finds any part of it: in `\"DE,AT\"` it finds `DE`, but also `E,A` \
        and `D`. Write the values as a list.",
    bad: include_str!("../examples/text-membership.bad.yaml"),
    good: include_str!("../examples/text-membership.good.yaml"),
    beside: ExampleContext::Nothing,
};

pub(crate) const MISSING_MEETS: Lint = Lint {
    code: "missing-meets",
    level: Level::Warning,
    summary: "A comparison holds for requests that lack the attribute.",
    why: "A missing number counts as 0, so `<` with 18 holds for everybody whose age is \
        unknown. Ask with `and` whether the attribute is there. In the readable format `age: \
        \"< 18\"` does that by itself.",
    bad: include_str!("../examples/missing-meets.bad.yaml"),
    good: include_str!("../examples/missing-meets.good.yaml"),
    beside: ExampleContext::Nothing,
};

pub(crate) const PADDED_VALUE: Lint = Lint {
    code: "padded-value",
    level: Level::Warning,
    summary: "A value has blanks around it.",
    why: "`\"DE \"` does not equal `\"DE\"`, and applications do not send the blank. Nor do they \
        compare with it, if it stands in a variant. Remove it.",
    bad: include_str!("../examples/padded-value.bad.yaml"),
    good: include_str!("../examples/padded-value.good.yaml"),
    beside: ExampleContext::Nothing,
};

pub(crate) const LIST_ENTRY: Lint = Lint {
    code: "list-entry",
    level: Level::Warning,
    summary: "A value is most likely several values, or has quotes or a comment in it.",
    why: "Values are compared whole: `\"DE,AT\"` is one value that no country equals. Write \
        each value as its own entry of a list. In a list file write each value on its own line, \
        without quotes, commas or a comment behind it.",
    bad: include_str!("../examples/list-entry.bad.yaml"),
    good: include_str!("../examples/list-entry.good.yaml"),
    beside: ExampleContext::Nothing,
};

pub(crate) const UNANNOUNCED_TIME: Lint = Lint {
    code: "unannounced-time",
    level: Level::Warning,
    summary: "A rule computes with the time.",
    why: "A comparison of `$flagd.timestamp` with a number is known beforehand: clients are \
        notified at its second. A rule that computes something else of the timestamp changes its \
        result without a notification, so clients that cache answers keep the old ones. Compare \
        the timestamp itself.",
    bad: include_str!("../examples/unannounced-time.bad.yaml"),
    good: include_str!("../examples/unannounced-time.good.yaml"),
    beside: ExampleContext::Nothing,
};
