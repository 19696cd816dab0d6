//! Lints about kill switches, splits and values.

use crate::lint::definition::{ExampleContext, Lint};
use flagstaff_core::diagnostic::{Level, codes};

pub(crate) const DISABLED_KILL: Lint = Lint {
    code: "disabled-kill",
    level: Level::Warning,
    summary: "DISABLED is used as a kill switch.",
    why: "A disabled flag answers nothing: each client then uses the default in its own code, \
        which may be the dangerous one, and may differ between them. A kill serves the safe \
        variant: `killed: true`, or in flagd's form the safe variant as `defaultVariant` and no \
        `targeting`.",
    bad: include_str!("../examples/disabled-kill.bad.yaml"),
    good: include_str!("../examples/disabled-kill.good.yaml"),
    beside: ExampleContext::Nothing,
};

pub(crate) const NO_SAFE_VARIANT: Lint = Lint {
    code: "no-safe-variant",
    level: Level::Warning,
    summary: "A kill switch has nothing to go back to.",
    why: "When it has to be used there is no time to invent a variant. Give it one that is safe, \
        and name it in `otherwise` unless it is called `off`.",
    bad: include_str!("../examples/no-safe-variant.bad.yaml"),
    good: include_str!("../examples/no-safe-variant.good.yaml"),
    beside: ExampleContext::Nothing,
};

pub(crate) const UNGUARDED_SPLIT: Lint = Lint {
    code: "unguarded-split",
    level: Level::Warning,
    summary: "Units without a key all land in one share.",
    why: "A split by a salted key hashes the salt alone where the key is missing, so that all such \
        requests get one variant: a spike in one arm of an experiment that looks like a result. \
        Ask for the key first; without one the split then gives nothing, and the default is \
        served. `rollout` and `experiment` of the readable form do that.",
    bad: include_str!("../examples/unguarded-split.bad.yaml"),
    good: include_str!("../examples/unguarded-split.good.yaml"),
    beside: ExampleContext::Nothing,
};

pub(crate) const UNPINNED: Lint = Lint {
    code: codes::UNPINNED,
    level: Level::Note,
    summary: "The file does not say how units are hashed.",
    why: "There are two generations of `fractional`, and at 25 % they differ about 38 % of the \
        users. Who gets what is a fact of the file: pin it, so that no option and no other \
        evaluator decides it.",
    bad: include_str!("../examples/unpinned.bad.yaml"),
    good: include_str!("../examples/unpinned.good.yaml"),
    beside: ExampleContext::Nothing,
};

pub(crate) const NO_TIME_ZONE: Lint = Lint {
    code: codes::NO_TIME_ZONE,
    level: Level::Warning,
    summary: "A moment has no time zone.",
    why: "It counts as UTC, which in Berlin is one or two hours later than was meant. Say \
        `time_zone` once in the file, or end the moment with `Z` or an offset.",
    bad: include_str!("../examples/no-time-zone.bad.yaml"),
    good: include_str!("../examples/no-time-zone.good.yaml"),
    beside: ExampleContext::Nothing,
};

pub(crate) const SECRET: Lint = Lint {
    code: "secret",
    level: Level::Error,
    summary: "A value looks like a secret.",
    why: "Flag files are in git, in every pod, and their values go to clients. A key that was \
        committed is known: revoke it. Applications read secrets from where secrets are, and a \
        flag may say which of them to use.",
    bad: include_str!("../examples/secret.bad.yaml"),
    good: include_str!("../examples/secret.good.yaml"),
    beside: ExampleContext::Nothing,
};

pub(crate) const DEFINED_TWICE: Lint = Lint {
    code: codes::DEFINED_TWICE,
    level: Level::Warning,
    summary: "Two files of a directory define a flag.",
    why: "The later by name counts. Whoever edits the other wonders why nothing happens.",
    bad: include_str!("../examples/defined-twice.bad.yaml"),
    good: include_str!("../examples/defined-twice.good.yaml"),
    beside: ExampleContext::Another(include_str!("../examples/defined-twice.other.yaml")),
};

pub(crate) const UNKNOWN_LINT: Lint = Lint {
    code: "unknown-lint",
    level: Level::Warning,
    summary: "The `lint` of a file has something that is neither a lint nor a limit.",
    why: "It would change nothing, silently. Codes have dashes, limits have underscores.",
    bad: include_str!("../examples/unknown-lint.bad.yaml"),
    good: include_str!("../examples/unknown-lint.good.yaml"),
    beside: ExampleContext::Nothing,
};
