//! The memory that a rule takes, without that of the rules that it shares with others.

use super::{Arguments, AttributePath, Literal, LiteralSet, Rule, SharedRule, Strings};
use std::{mem::size_of, sync::Arc};

impl Rule {
    /// The bytes behind this node. Shared rules are shown to `see` and not counted.
    pub(crate) fn heap<'r>(&'r self, see: &mut dyn FnMut(&'r Arc<SharedRule>)) -> usize {
        let own = match self {
            Self::Literal(literal) => literal.heap(),
            Self::Broken(why) => why.len(),
            Self::List(rules) | Self::If(rules) | Self::And(rules) | Self::Or(rules) => {
                size_of::<Self>() * rules.len()
            }
            Self::Var(var) => {
                let parts = match &var.path {
                    AttributePath::Whole | AttributePath::Scalar => &[][..],
                    AttributePath::Parts(parts) => parts,
                };
                let names: usize = parts.iter().map(|part| part.name.len()).sum();
                let default = usize::from(var.default.is_some()) * size_of::<Self>();
                size_of_val(parts) + names + default
            }
            Self::ComputedVar(arguments) | Self::Apply(_, arguments) => match arguments {
                Arguments::Listed(rules) => size_of_val(&**rules),
                Arguments::Bare(rule) => size_of_val(&**rule),
            },
            Self::Compare(_, operands) | Self::Each(_, operands) => size_of_val(&**operands),
            // A version is a text and at most three numbers.
            Self::SemVer(operands) => 2 * size_of_val(&**operands),
            Self::InSet(operands) => size_of_val(&**operands) + operands.1.heap(),
            Self::Reduce(operands) => size_of_val(&**operands),
            Self::Fractional(split) => size_of_val(&**split) + size_of_val(&*split.entries),
            Self::Shared(shared) => {
                see(shared);
                return 0;
            }
        };
        let mut parts = 0;
        self.parts(&mut |part| parts += part.heap(see));
        own + parts
    }
}

impl Literal {
    /// The bytes behind this literal.
    pub(crate) fn heap(&self) -> usize {
        match self {
            Self::Null | Self::Bool(_) | Self::Number(_) => 0,
            Self::String(text) => text.len(),
            Self::List(encoded) | Self::Object(encoded) => encoded.len(),
        }
    }
}

impl LiteralSet {
    /// The bytes of the set.
    pub(crate) fn heap(&self) -> usize {
        let strings = match &self.strings {
            Strings::Few(few) => {
                size_of_val(&**few) + few.iter().map(|text| text.len()).sum::<usize>()
            }
            Strings::Many(packed) => packed.heap(),
        };
        let numbers = size_of_val(&*self.numbers) + size_of_val(&*self.ranges);
        size_of::<Self>() + strings + numbers
    }
}
