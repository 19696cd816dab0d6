//! The rules that a rule is made of.

use super::{Arguments, Rule};

impl Rule {
    /// Shows the rules one level down, whether or not an evaluation would come to them.
    pub fn parts<'r>(&'r self, see: &mut dyn FnMut(&'r Self)) {
        match self {
            Self::Literal(_) | Self::Broken(_) => {}
            Self::Shared(shared) => see(&shared.rule),
            Self::List(rules) | Self::If(rules) | Self::And(rules) | Self::Or(rules) => {
                rules.iter().for_each(see);
            }
            Self::Var(var) => var.default.iter().for_each(|default| see(default)),
            Self::ComputedVar(arguments) | Self::Apply(_, arguments) => match arguments {
                Arguments::Listed(rules) => rules.iter().for_each(see),
                Arguments::Bare(rule) => see(rule),
            },
            Self::InSet(operands) => see(&operands.0),
            Self::SemVer(operands) => see(&operands.0),
            Self::Compare(_, operands) | Self::Each(_, operands) => {
                see(&operands.0);
                see(&operands.1);
            }
            Self::Reduce(operands) => {
                see(&operands.0);
                see(&operands.1);
                see(&operands.2);
            }
            Self::Fractional(split) => {
                split.by.iter().for_each(&mut *see);
                for entry in &split.entries {
                    see(&entry.variant);
                    entry.weight.iter().for_each(&mut *see);
                }
            }
        }
    }
}
