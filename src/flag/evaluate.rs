//! From a flag and a context to an answer: the resolution order of flagd's contract.
//!
//! Evaluating is total. Whatever can go wrong was found by `compile` or is an [`Outcome`].

mod arithmetic;
mod cbor;
mod compare;
mod list;
mod lookup;
mod split;
mod text;

pub(crate) use lookup::index;
pub(crate) use split::Draw;

use super::{
    Behaviour, Flag, VariantIndex,
    budget::NODE,
    context::Evaluator,
    number,
    rule::{Arguments, Operator, Rule},
    value::{Object, Value},
};

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
    pub(crate) fn not_to_be_cached(self) -> Self {
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

/// What a running evaluation remembers.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// A unit was bucketed.
    split: bool,
    /// A split was reached that had nobody to bucket, for want of a targeting key.
    lacks_targeting_key: bool,
}

/// The data a rule looks at: the context or, within a list operator, an element.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'s, 'a> {
    data: Value<'a>,
    /// Data further out that attributes are looked up in first (see [`lookup`]).
    outer: Option<&'s Self>,
}

impl<'a> Scope<'_, 'a> {
    /// What a targeting looks at: the context, and nothing around it.
    pub(crate) const CONTEXT: Self = Self { data: Value::Object(Object::Context), outer: None };
}

/// A rule that failed, and why.
pub(crate) type Evaluated<'a> = Result<Value<'a>, &'a str>;

impl<'a> Evaluator<'a, '_> {
    /// Answers for one flag.
    pub fn evaluate(&mut self, flag: &'a Flag) -> Outcome<'a> {
        let Behaviour::Targeted(rule) = &flag.behaviour else {
            return flag.constant().unwrap_or(Outcome::CodeDefault);
        };
        self.begin(flag);
        let result = self.rule(rule, Scope::CONTEXT);
        self.conclude(flag, result)
    }

    /// Forgets what ran before.
    pub(crate) fn begin(&mut self, flag: &'a Flag) {
        self.arena.clear();
        self.key = flag.key();
        self.state = State::default();
    }

    /// The answer that the result of a flag's targeting comes to.
    pub(crate) fn conclude(&mut self, flag: &'a Flag, result: Evaluated<'a>) -> Outcome<'a> {
        let result = match result {
            Ok(result) => result,
            Err(why) => return Outcome::Failed(Failure::Parse(why)),
        };
        if self.arena.budget.is_exhausted() {
            return Outcome::Failed(Failure::Parse(self.arena.budget.why()));
        }
        let by = if self.state.split { By::Split } else { By::Rule };
        let name = match result {
            Value::Null if self.state.split => {
                return default_variant(flag, Reason::Default, By::Split);
            }
            Value::Null => return default_variant(flag, Reason::Default, By::Default),
            Value::String(text) => self.arena.str(text),
            Value::Bool(true) => "true",
            Value::Bool(false) => "false",
            Value::Object(_) => return Outcome::Failed(Failure::General),
            Value::Number(_) | Value::List(_) => {
                let start = self.arena.text.len();
                let is_finite = self.write_result(result).is_some();
                if self.arena.budget.is_exhausted() {
                    return Outcome::Failed(Failure::Parse(self.arena.budget.why()));
                }
                if !is_finite {
                    return Outcome::Failed(Failure::Parse("the result is not a finite number"));
                }
                self.arena.text.get(start..).unwrap_or_default()
            }
        };
        match flag.variant_named(name) {
            Some(index) => Outcome::Variant { index, reason: Reason::TargetingMatch, by },
            None => Outcome::Failed(Failure::General),
        }
    }

    /// Whether a split of the targeting run last had nobody to bucket, for want of a targeting key.
    pub fn lacks_targeting_key(&self) -> bool {
        self.state.lacks_targeting_key
    }

    /// Writes a result as flagd compares it with variant names: JSON without its double quotes.
    fn write_result(&mut self, value: Value<'a>) -> Option<()> {
        match value {
            Value::Number(number) => {
                if !number.is_finite() {
                    return None;
                }
                self.arena.append_number(number, number::write_json);
            }
            Value::List(list) => {
                self.arena.append("[");
                let mut elements = self.arena.elements(list);
                let mut is_first = true;
                while let Some(element) = self.arena.next(&mut elements) {
                    if !is_first {
                        self.arena.append(",");
                    }
                    is_first = false;
                    self.write_result(element)?;
                }
                self.arena.append("]");
            }
            Value::Null => self.arena.append("null"),
            // No variant is named after an object.
            Value::Object(_) => self.arena.append("{}"),
            Value::Bool(_) | Value::String(_) => self.append_text(value),
        }
        Some(())
    }

    /// Runs one node of a rule.
    pub(crate) fn rule(&mut self, rule: &'a Rule, scope: Scope<'_, 'a>) -> Evaluated<'a> {
        match rule {
            Rule::Literal(literal) => Ok(literal.value()),
            Rule::List(rules) => {
                self.visit(rules.len())?;
                let base = self.arena.stack.len();
                self.push_all(rules, scope)?;
                Ok(self.arena.list_from_stack(base))
            }
            Rule::Var(var) => self.var(var, scope),
            Rule::ComputedVar(arguments) => {
                self.visit(arguments.len())?;
                let path = self.computed_path(arguments, scope)?;
                Ok(self.look_up(path, scope.data).unwrap_or(Value::Null))
            }
            Rule::If(clauses) => {
                self.visit(clauses.len())?;
                self.conditional(clauses, scope)
            }
            Rule::And(rules) => {
                self.visit(rules.len())?;
                self.deciding(rules, scope, false)
            }
            Rule::Or(rules) => {
                self.visit(rules.len())?;
                self.deciding(rules, scope, true)
            }
            Rule::Apply(operator, arguments) => {
                self.visit(arguments.len())?;
                let base = self.arena.stack.len();
                self.push_arguments(arguments, scope)?;
                let result = self.apply(*operator, base, scope);
                self.arena.stack.truncate(base);
                self.within_budget(result)
            }
            Rule::Compare(operator, operands) => {
                self.visit(2)?;
                let (a, b) = &**operands;
                let (a, b) = (self.rule(a, scope)?, self.rule(b, scope)?);
                Ok(Value::Bool(self.compare(*operator, &[a, b])))
            }
            Rule::SemVer(operands) => {
                self.visit(1)?;
                let (actual, range, target) = &**operands;
                let actual = self.rule(actual, scope)?;
                Ok(self.version_in(actual, *range, target))
            }
            Rule::InSet(in_set) => {
                self.visit(1)?;
                let (needle, set) = &**in_set;
                let needle = self.rule(needle, scope)?;
                Ok(Value::Bool(self.in_set(needle, set)))
            }
            Rule::Each(each, operands) => {
                self.visit(2)?;
                let result = self.each(*each, operands, scope)?;
                self.within_budget(result)
            }
            Rule::Reduce(operands) => {
                self.visit(3)?;
                self.reduce(operands, scope)
            }
            Rule::Fractional(fractional) => self.fractional(fractional, scope),
            Rule::Shared(shared) => {
                self.visit(1)?;
                self.rule(&shared.rule, scope)
            }
            Rule::Broken(why) => Err(why),
        }
    }

    fn conditional(&mut self, clauses: &'a [Rule], scope: Scope<'_, 'a>) -> Evaluated<'a> {
        let (pairs, otherwise) = clauses.as_chunks::<2>();
        for [condition, result] in pairs {
            if self.rule(condition, scope)?.is_true(&self.arena) {
                return self.rule(result, scope);
            }
        }
        match otherwise {
            [rule] => self.rule(rule, scope),
            _ => Ok(Value::Null),
        }
    }

    /// `and` and `or`: the first operand that decides, or the last.
    fn deciding(&mut self, rules: &'a [Rule], scope: Scope<'_, 'a>, truth: bool) -> Evaluated<'a> {
        let mut last = Value::Null;
        for rule in rules {
            last = self.rule(rule, scope)?;
            if last.is_true(&self.arena) == truth {
                break;
            }
        }
        Ok(last)
    }

    fn push_all(&mut self, rules: &'a [Rule], scope: Scope<'_, 'a>) -> Result<(), &'a str> {
        for rule in rules {
            let value = self.rule(rule, scope)?;
            self.arena.push(value);
        }
        Ok(())
    }

    fn push_arguments(
        &mut self,
        arguments: &'a Arguments,
        scope: Scope<'_, 'a>,
    ) -> Result<(), &'a str> {
        match arguments {
            Arguments::Listed(rules) => self.push_all(rules, scope)?,
            Arguments::Bare(rule) => match self.rule(rule, scope)? {
                Value::List(list) => self.arena.push_elements(list),
                value => self.arena.push(value),
            },
        }
        Ok(())
    }

    fn apply(&mut self, operator: Operator, base: usize, scope: Scope<'_, 'a>) -> Value<'a> {
        match operator {
            Operator::Equal
            | Operator::StrictEqual
            | Operator::NotEqual
            | Operator::StrictNotEqual
            | Operator::Less
            | Operator::LessOrEqual
            | Operator::Greater
            | Operator::GreaterOrEqual => {
                Value::Bool(self.compare(operator, self.arena.arguments(base)))
            }
            Operator::Not => Value::Bool(!self.is_true(base)),
            Operator::Truth => Value::Bool(self.is_true(base)),
            Operator::Add
            | Operator::Subtract
            | Operator::Multiply
            | Operator::Divide
            | Operator::Remainder
            | Operator::Max
            | Operator::Min
            | Operator::Abs => self.arithmetic(operator, base),
            Operator::In => Value::Bool(self.is_in(base)),
            Operator::Cat { trim } => self.cat(base, trim),
            Operator::Substr => self.substr(base),
            Operator::Merge => self.merge(base),
            Operator::Missing => self.missing(base, scope.data),
            Operator::MissingSome => self.missing_some(base, scope.data),
            Operator::Set => self.set(base),
            Operator::ContainsAll | Operator::ContainsAny | Operator::ContainsNone => {
                Value::Bool(self.contains(operator, base))
            }
            Operator::StartsWith | Operator::EndsWith => self.affix(operator, base),
            Operator::SemVer => self.sem_ver(base),
        }
    }

    fn argument(&self, base: usize, place: usize) -> Option<Value<'a>> {
        self.arena.arguments(base).get(place).copied()
    }

    fn is_true(&self, base: usize) -> bool {
        self.argument(base, 0).is_some_and(|value| value.is_true(&self.arena))
    }

    /// Charges for a rule with so many parts. A part that is a literal costs nothing itself, and an
    /// attribute is charged where it is looked up.
    #[inline]
    pub(crate) fn visit(&self, parts: usize) -> Result<(), &'a str> {
        if self.arena.budget.affords(NODE * (parts + 1)) {
            Ok(())
        } else {
            Err(self.arena.budget.why())
        }
    }

    /// The value, unless it is void because the budget was exhausted on the way to it.
    #[inline]
    pub(crate) fn within_budget(&self, value: Value<'a>) -> Evaluated<'a> {
        if self.arena.budget.is_exhausted() { Err(self.arena.budget.why()) } else { Ok(value) }
    }
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
fn default_variant<'a>(flag: &Flag, reason: Reason, by: By) -> Outcome<'a> {
    flag.default.map_or(Outcome::CodeDefault, |index| Outcome::Variant { index, reason, by })
}
