//! Lints about who answers for a flag, and why it is there.

use crate::lint::definition::{ExampleContext, Lint};
use flagstaff_core::diagnostic::Level;

pub(crate) const MISSING_OWNER: Lint = Lint {
    code: "missing-owner",
    level: Level::Warning,
    summary: "A flag has no owner.",
    why: "Somebody has to be asked before it is switched, and has to remove it one day. Write one \
        team, or a rota of people on call. A file whose flags all belong to one team can say so \
        once, in its `metadata`.",
    bad: include_str!("../examples/missing-owner.bad.yaml"),
    good: include_str!("../examples/missing-owner.good.yaml"),
    beside: ExampleContext::Nothing,
};

pub(crate) const SEVERAL_OWNERS: Lint = Lint {
    code: "several-owners",
    level: Level::Warning,
    summary: "A flag has more than one owner.",
    why: "Where two teams own a flag, each waits for the other. Name the one who decides; who else \
        is to be asked can stand in `why` or in a ticket.",
    bad: include_str!("../examples/several-owners.bad.yaml"),
    good: include_str!("../examples/several-owners.good.yaml"),
    beside: ExampleContext::Nothing,
};

pub(crate) const MISSING_WHY: Lint = Lint {
    code: "missing-why",
    level: Level::Warning,
    summary: "A flag does not say why it is there.",
    why: "Who meets it in an incident at night has nothing but this line. Say what the flag should \
        achieve, what breaks without it, or what ends it.",
    bad: include_str!("../examples/missing-why.bad.yaml"),
    good: include_str!("../examples/missing-why.good.yaml"),
    beside: ExampleContext::Nothing,
};

pub(crate) const VAGUE_WHY: Lint = Lint {
    code: "vague-why",
    level: Level::Warning,
    summary: "The reason is too short, or only repeats the name.",
    why: "\"Flag for the invoice archive\" is what the name says already. A reason names a purpose: \
        who wants it, what should become better, what it protects from. The limit \
        `min_why_length` (20 characters) is for the others.",
    bad: include_str!("../examples/vague-why.bad.yaml"),
    good: include_str!("../examples/vague-why.good.yaml"),
    beside: ExampleContext::Nothing,
};

pub(crate) const MISSING_KIND: Lint = Lint {
    code: "missing-kind",
    level: Level::Warning,
    summary: "A flag has no kind.",
    why: "The kind says how long it lives. `release` and `experiment` are temporary and need \
        `expires`; `ops` (kill switches, settings of operation) and `permission` (what a plan or \
        a contract includes) stay.",
    bad: include_str!("../examples/missing-kind.bad.yaml"),
    good: include_str!("../examples/missing-kind.good.yaml"),
    beside: ExampleContext::Nothing,
};

pub(crate) const UNKNOWN_KIND: Lint = Lint {
    code: "unknown-kind",
    level: Level::Warning,
    summary: "The kind is none of the four.",
    why: "Tables, dashboards and these lints know `release`, `experiment`, `ops` and `permission`. \
        What is temporary is told from what stays by them.",
    bad: include_str!("../examples/unknown-kind.bad.yaml"),
    good: include_str!("../examples/unknown-kind.good.yaml"),
    beside: ExampleContext::Nothing,
};
