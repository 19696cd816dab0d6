//! Lints about how flags are called.

use crate::lint::definition::{ExampleContext, Lint};
use flagstaff_core::diagnostic::Level;

pub(crate) const BAD_NAME: Lint = Lint {
    code: "bad-name",
    level: Level::Warning,
    summary: "A name is not written as the others.",
    why: "One style can be searched for and typed without looking. It is lower snake case, with \
        dots between areas: `shop.enable_new_checkout`. The limit `names` takes `snake`, \
        `kebab`, `camel`, `pascal` or `any`. A flag that is renamed keeps its users with `salt: \
        old_name`.",
    bad: include_str!("../examples/bad-name.bad.yaml"),
    good: include_str!("../examples/bad-name.good.yaml"),
    beside: ExampleContext::Nothing,
};

pub(crate) const VAGUE_NAME: Lint = Lint {
    code: "vague-name",
    level: Level::Warning,
    summary: "A name does not say what it switches.",
    why: "`flag_123`, `test_v2` and `new_new` say nothing to anybody who was not there. Name what \
        is switched, not that it is a flag, new, or a test.",
    bad: include_str!("../examples/vague-name.bad.yaml"),
    good: include_str!("../examples/vague-name.good.yaml"),
    beside: ExampleContext::Nothing,
};

pub(crate) const CROWDED_FEATURE: Lint = Lint {
    code: "crowded-feature",
    level: Level::Warning,
    summary: "One feature has too many flags.",
    why: "Flags of one `feature` are switched in combinations, and each more doubles these: ten \
        make a thousand, which nobody tests. More than `max_flags_per_feature` (10) are told.",
    bad: include_str!("../examples/crowded-feature.bad.yaml"),
    good: include_str!("../examples/crowded-feature.good.yaml"),
    beside: ExampleContext::Nothing,
};
