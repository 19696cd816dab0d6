//! What changed between two definitions of a flag, in words for a person.

use crate::flag::{
    model::{Behaviour, Flag, Variant, VariantValue},
    split_summary::Split,
};

/// A change of one flag. The order of fields is the order in which a log line lists changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlagChange {
    /// How urgent it is.
    pub weight: Weight,
    /// The change in words.
    pub words: String,
}

/// How urgent a change is, most urgent first. A log line abbreviates only the last kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// A kill begins, ends or is overridden; or everyone gets `false` from now on.
    Kill,
    /// DISABLED or ENABLED, an override, or a definition that cannot be served.
    State,
    /// Any other change.
    Other,
}

/// A flag at a moment in Unix seconds.
#[derive(Debug, Clone, Copy)]
pub struct FlagAt<'f> {
    /// The flag.
    pub flag: &'f Flag,
    /// Unix seconds.
    pub at: i64,
}

/// The next moment at which the clock alone may change a flag.
#[derive(Debug, PartialEq, Eq)]
pub struct NextChange {
    /// Unix seconds.
    pub at: i64,
    /// What changes: `on 10 % → 20 %`.
    pub words: String,
}

/// Describes the change from a flag at one moment to a flag at a later one.
pub fn describe(before: FlagAt<'_>, after: FlagAt<'_>) -> FlagChange {
    let other = |words: String| FlagChange { weight: Weight::Other, words };
    if let Some(change) = override_change(before.flag, after) {
        return change;
    }
    if let Some(change) = state_change(before.flag, after) {
        return change;
    }
    if means_the_same(before.flag, after.flag) {
        return other(clock_change(before, after));
    }
    let (old, new) = (before.flag, after.flag);
    let mut changes = Vec::new();
    if old.default_name() != new.default_name() {
        let name = |flag: &Flag| flag.default_name().unwrap_or("the caller's").to_owned();
        changes.push(format!("default {} → {}", name(old), name(new)));
    }
    let is_targeted = old.is_targeted() || new.is_targeted();
    if is_targeted && old.digests.targeting != new.digests.targeting {
        changes.push(targeting_change(before, after));
    }
    if old.variants != new.variants {
        changes.push("variants changed".to_owned());
    }
    if changes.is_empty() {
        let words = if old.digest() == new.digest() {
            "time zone changed"
        } else if old.metadata != new.metadata {
            "metadata changed"
        } else {
            "definition changed"
        };
        changes.push(words.to_owned());
    }
    // The flagd format has no word for a kill. It is the variant `false`, without a rule.
    let weight = match new.serves_false() && !old.serves_false() {
        true => Weight::Kill,
        false => Weight::Other,
    };
    FlagChange { weight, words: changes.join(", ") }
}

/// Whether two flags are the same, whatever the time. The origin is compared too: a kill of a flag
/// that served its safe variant before is news, although no answer changes.
pub fn means_the_same(before: &Flag, after: &Flag) -> bool {
    before.digest() == after.digest() && before.origin == after.origin
}

fn override_change(before: &Flag, after: FlagAt<'_>) -> Option<FlagChange> {
    let flag = after.flag;
    let over_kill = if flag.is_killed() { ", although its file kills it" } else { "" };
    let words = match (before.is_overridden(), flag.is_overridden()) {
        (false, false) => return None,
        (true, true) if before.default == flag.default => {
            let kill = (before.is_killed(), flag.is_killed());
            let (weight, change) = match kill {
                (false, true) => (Weight::Kill, "killed"),
                (true, false) => (Weight::Kill, "no longer killed"),
                _ => (Weight::Other, "changed"),
            };
            return Some(FlagChange { weight, words: format!("{change} below its override") });
        }
        (true, true) => format!("override changes: {}{over_kill}", served(after)),
        (false, true) => format!("override starts: {}{over_kill}", served(after)),
        (true, false) if flag.is_killed() => format!("override ends, killed: {}", served(after)),
        (true, false) => format!("override ends: {}", served(after)),
    };
    let is_kill = flag.is_killed() || flag.serves_false();
    Some(FlagChange { weight: if is_kill { Weight::Kill } else { Weight::State }, words })
}

/// A kill, a switch of the state, or a definition that became servable or ceased to be.
fn state_change(before: &Flag, after: FlagAt<'_>) -> Option<FlagChange> {
    let flag = after.flag;
    let changed = |is: fn(&Flag) -> bool| (is(before) != is(flag)).then(|| is(flag));
    let (weight, word) = if let Some(killed) = changed(Flag::is_killed) {
        (Weight::Kill, if killed { "killed" } else { "no longer killed" })
    } else if let Some(disabled) = changed(Flag::is_disabled) {
        (Weight::State, if disabled { "DISABLED" } else { "ENABLED" })
    } else {
        let broken = changed(|flag| matches!(flag.behaviour, Behaviour::Broken(_)))?;
        (Weight::State, if broken { "cannot be served" } else { "can be served" })
    };
    Some(FlagChange { weight, words: format!("{word}: {}", served(after)) })
}

/// What a flag serves at a moment, as far as that does not depend on the context.
fn served(FlagAt { flag, at }: FlagAt<'_>) -> String {
    match (&flag.behaviour, flag.default_name()) {
        (Behaviour::Disabled, _) | (Behaviour::Static, None) => {
            "clients use the default in their code".to_owned()
        }
        (Behaviour::Broken(_), _) => "clients get PARSE_ERROR".to_owned(),
        (Behaviour::Static, Some(variant)) => format!("everyone gets {variant}"),
        (Behaviour::Targeted(_), default) => match flag.split_at(at) {
            Some(split) => {
                let ratios = split.ratios();
                let rolled_out = ratios.iter().find(|(name, _)| Some(*name) != default);
                let share = rolled_out.or(ratios.first());
                let text = |(name, share): &(&str, f64)| format!("{name} {}", percent(*share));
                share.map(text).unwrap_or_default()
            }
            None => "its rules decide".to_owned(),
        },
    }
}

fn targeting_change(before: FlagAt<'_>, after: FlagAt<'_>) -> String {
    let shares = || share_change(before, after);
    match &after.flag.behaviour {
        Behaviour::Targeted(_) => shares().unwrap_or_else(|| {
            let is_plan = before.flag.boundaries != after.flag.boundaries;
            if is_plan { "moments changed" } else { "rules changed" }.to_owned()
        }),
        _ => format!("rules removed, {}", served(after)),
    }
}

/// What the clock alone changes: `step of 3 Dec, on 10 % → 20 %`.
fn clock_change(before: FlagAt<'_>, after: FlagAt<'_>) -> String {
    let step = after.flag.holds(after.at).start;
    let is_forward = step > before.at;
    let day = after.flag.origin.day(step).filter(|_| is_forward);
    let cause = day.map_or_else(|| "clock set back".to_owned(), |day| format!("step of {day}"));
    format!("{cause}, {}", moved(before, after))
}

/// What differs between two moments of one flag.
fn moved(before: FlagAt<'_>, after: FlagAt<'_>) -> String {
    let variants = || {
        let [old, new] = [before, after].map(|FlagAt { flag, at }| flag.variant_at(at));
        let (old, new) = (old?, new?);
        (old != new).then(|| format!("{old} → {new}"))
    };
    let change = share_change(before, after).or_else(variants);
    change.unwrap_or_else(|| "other rules apply".to_owned())
}

fn share_change(before: FlagAt<'_>, after: FlagAt<'_>) -> Option<String> {
    let [before, after] = [before, after].map(|FlagAt { flag, at }| flag.split_at(at));
    describe_split(&before?, &after?)
}

/// The first share that is another than it was; `None` if all shares are what they were.
fn describe_split(before: &Split, after: &Split) -> Option<String> {
    let mut shares = after.ratios().into_iter().map(|(name, now)| (name, before.ratio(name), now));
    let (name, then, now) = shares.find(|(_, then, now)| then != now)?;
    Some(format!("{name} {} → {}", percent(then), percent(now)))
}

/// A share of 1 as a percentage of at most three decimals.
fn percent(share: f64) -> String {
    let text = format!("{:.3}", share * 100.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

impl Flag {
    /// The variant that everyone gets, if the flag is static.
    pub fn serves_everyone(&self) -> Option<&str> {
        self.default_name().filter(|_| self.is_static())
    }

    /// The next change by the clock after a moment.
    pub fn next_change(&self, at: i64) -> Option<NextChange> {
        let next = self.holds(at).end;
        let flag_at = |at| FlagAt { flag: self, at };
        (next != i64::MAX)
            .then(|| NextChange { at: next, words: moved(flag_at(at), flag_at(next)) })
    }

    fn default_name(&self) -> Option<&str> {
        self.default().map(Variant::name)
    }

    fn serves_false(&self) -> bool {
        let default = self.default().map(Variant::value);
        self.is_static() && default == Some(&VariantValue::Bool(false))
    }
}

#[cfg(test)]
mod tests;
