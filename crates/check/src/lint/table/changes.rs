//! Lints about what a change does to users.

use crate::lint::definition::{ExampleContext, Lint};
use flagstaff_core::diagnostic::Level;

pub(crate) const UNITS_MOVED: Lint = Lint {
    code: "units-moved",
    level: Level::Warning,
    summary: "Changed weights move units between variants.",
    why: "Shares lie on a line, and a unit has its place on it. When an inner share grows, all \
        bounds behind it move, and units go from one variant to another: both groups are mixed \
        from then on. The share that moves is worked out. To reach more people raise `traffic`; \
        to change the weights start anew with another `salt`. A rollout, one share against the \
        rest, may grow and shrink.",
    bad: include_str!("../examples/units-moved.bad.yaml"),
    good: include_str!("../examples/units-moved.good.yaml"),
    beside: ExampleContext::Earlier(include_str!("../examples/units-moved.before.yaml")),
};

pub(crate) const HASH_CHANGED: Lint = Lint {
    code: "hash-changed",
    level: Level::Warning,
    summary: "Units are hashed in another way than before.",
    why: "Another `salt`, `by` or `bucketing` (in flagd's form: the first argument of \
        `fractional`, or the generation) deals all units anew. Some lose what they had. A flag \
        that is renamed keeps its users with `salt: old_name`.",
    bad: include_str!("../examples/hash-changed.bad.yaml"),
    good: include_str!("../examples/hash-changed.good.yaml"),
    beside: ExampleContext::Earlier(include_str!("../examples/hash-changed.before.yaml")),
};

pub(crate) const VARIANT_REMOVED: Lint = Lint {
    code: "variant-removed",
    level: Level::Warning,
    summary: "A variant is gone that was served.",
    why: "Those who had it get another one in the middle of what they do, and an override that \
        names it stops to work. Serve another variant first, and remove this one when nobody has \
        it.",
    bad: include_str!("../examples/variant-removed.bad.yaml"),
    good: include_str!("../examples/variant-removed.good.yaml"),
    beside: ExampleContext::Earlier(include_str!("../examples/variant-removed.before.yaml")),
};

pub(crate) const TYPE_CHANGED: Lint = Lint {
    code: "type-changed",
    level: Level::Warning,
    summary: "The values of a flag are of another type.",
    why: "Clients ask for a boolean, a string, a number or an object, and get an error for \
        anything else: all those that run today. A flag of another type is another flag, with a \
        name of its own.",
    bad: include_str!("../examples/type-changed.bad.yaml"),
    good: include_str!("../examples/type-changed.good.yaml"),
    beside: ExampleContext::Earlier(include_str!("../examples/type-changed.before.yaml")),
};

pub(crate) const FLAG_REMOVED: Lint = Lint {
    code: "flag-removed",
    level: Level::Warning,
    summary: "A flag is gone that still decided who gets what.",
    why: "Clients that ask for it get the default in their code from then on, all of them. First \
        serve one variant to everybody, remove the code, and the flag last.",
    bad: include_str!("../examples/flag-removed.bad.yaml"),
    good: include_str!("../examples/flag-removed.good.yaml"),
    beside: ExampleContext::Earlier(include_str!("../examples/flag-removed.before.yaml")),
};
