//! All lints, in the order of docs/lints.md.

mod changes;
mod comparisons;
mod lifetime;
mod names;
mod people;
mod rules;
mod switches;

use crate::lint::definition::Lint;
pub(crate) use changes::{FLAG_REMOVED, HASH_CHANGED, TYPE_CHANGED, UNITS_MOVED, VARIANT_REMOVED};
pub(crate) use comparisons::{
    LIST_ENTRY, MISSING_MEETS, PADDED_VALUE, TEXT_MEMBERSHIP, UNANNOUNCED_TIME, VERSION_AS_TEXT,
};
pub(crate) use lifetime::{BAD_DATE, EXPIRED, HELD, NO_EXPIRY, SETTLED, TOO_OLD};
pub(crate) use names::{BAD_NAME, CROWDED_FEATURE, VAGUE_NAME};
pub(crate) use people::{
    MISSING_KIND, MISSING_OWNER, MISSING_WHY, SEVERAL_OWNERS, UNKNOWN_KIND, VAGUE_WHY,
};
pub(crate) use rules::{
    DEAD_RULE, DEEP_RULE, MANY_RULES, MIXED_TYPES, REPEATED_CONDITION, UNQUOTED,
};
pub(crate) use switches::{
    DEFINED_TWICE, DISABLED_KILL, NO_SAFE_VARIANT, NO_TIME_ZONE, SECRET, UNGUARDED_SPLIT,
    UNKNOWN_LINT, UNPINNED,
};

/// Every lint.
pub const LINTS: [Lint; 40] = [
    MISSING_OWNER,
    SEVERAL_OWNERS,
    MISSING_WHY,
    VAGUE_WHY,
    MISSING_KIND,
    UNKNOWN_KIND,
    NO_EXPIRY,
    EXPIRED,
    BAD_DATE,
    TOO_OLD,
    SETTLED,
    HELD,
    BAD_NAME,
    VAGUE_NAME,
    CROWDED_FEATURE,
    MANY_RULES,
    DEEP_RULE,
    DEAD_RULE,
    REPEATED_CONDITION,
    MIXED_TYPES,
    UNQUOTED,
    VERSION_AS_TEXT,
    TEXT_MEMBERSHIP,
    MISSING_MEETS,
    PADDED_VALUE,
    LIST_ENTRY,
    UNANNOUNCED_TIME,
    DISABLED_KILL,
    NO_SAFE_VARIANT,
    UNGUARDED_SPLIT,
    UNPINNED,
    NO_TIME_ZONE,
    SECRET,
    DEFINED_TWICE,
    UNKNOWN_LINT,
    UNITS_MOVED,
    HASH_CHANGED,
    VARIANT_REMOVED,
    TYPE_CHANGED,
    FLAG_REMOVED,
];

/// The lint of this code.
pub fn lint_named(code: &str) -> Option<&'static Lint> {
    static ALL: &[Lint] = &LINTS;
    ALL.iter().find(|lint| lint.code == code)
}
