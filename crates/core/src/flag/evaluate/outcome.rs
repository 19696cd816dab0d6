//! What an evaluation comes to, and the answers of flags that need none.

use crate::flag::model::{Behaviour, Flag, VariantIndex};

/// The answer for one flag.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome<'a> {
    /// A variant of the flag.
    Variant {
        /// Which of the flag's variants.
        index: VariantIndex,
        /// Why, in flagd's words.
        reason: Reason,
        /// What kind of decision it was.
        by: By,
    },
    /// Nothing matched and the flag has no default variant: the caller's own default applies.
    CodeDefault,
    /// The flag is switched off: the caller's own default applies.
    Disabled,
    /// There is no answer.
    Failed(Failure<'a>),
}

impl Outcome<'_> {
    /// The same answer with a reason that clients do not take for one that stays.
    pub fn not_to_be_cached(self) -> Self {
        match self {
            Self::Variant { index, reason: Reason::Static, by } => {
                Self::Variant { index, reason: Reason::Default, by }
            }
            other => other,
        }
    }
}

/// Why a variant was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The flag has no targeting; clients cache the answer.
    Static,
    /// The targeting decided for nothing, so the default variant applies.
    Default,
    /// The targeting named the variant.
    TargetingMatch,
}

impl Reason {
    /// The reason as the wire has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Static => "STATIC",
            Self::Default => "DEFAULT",
            Self::TargetingMatch => "TARGETING_MATCH",
        }
    }
}

/// What decided: a split of units, a rule, or the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum By {
    /// A `fractional` put the unit into a bucket on the way to the answer.
    Split,
    /// A rule without a split.
    Rule,
    /// No rule applied.
    Default,
}

/// Why there is no answer. The texts come from the definition, never from a context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure<'a> {
    /// The definition or its rule cannot be run.
    Parse(&'a str),
    /// The rule's result names no variant.
    General,
}

impl Flag {
    /// The answer of a flag that answers every context alike.
    pub fn constant(&self) -> Option<Outcome<'_>> {
        match &self.behaviour {
            Behaviour::Disabled => Some(Outcome::Disabled),
            Behaviour::Broken(why) => Some(Outcome::Failed(Failure::Parse(why))),
            Behaviour::Static => Some(default_variant(self, Reason::Static, By::Default)),
            Behaviour::Targeted(_) => None,
        }
    }
}

/// The flag's default variant or, without one, the caller's default.
pub(super) fn default_variant<'a>(flag: &Flag, reason: Reason, by: By) -> Outcome<'a> {
    flag.default.map_or(Outcome::CodeDefault, |index| Outcome::Variant { index, reason, by })
}
