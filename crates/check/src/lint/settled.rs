//! Flags that serve everybody the same: the code can go.

use super::{
    findings::Findings,
    logic::{self, clauses, operands},
    table::SETTLED,
};
use crate::lint::context::{LintContext, LintedFlag};
use flagstaff_core::{diagnostic::Path, document::yaml_bool::truth, moment};
use serde_json::Value as Json;

/// What everybody gets.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Everybody {
    pub(super) variant: String,
    /// Since when, if it was another before.
    pub(super) since: Option<i64>,
}

pub(super) fn look(page: &LintContext, now: i64, found: &mut Findings<'_>) {
    for flag in page.flags.iter().filter(|flag| page.is_temporary(flag)) {
        if flag.is_disabled || flag.written.get("killed").is_some_and(is_true) {
            continue;
        }
        let Some(Everybody { variant, since }) = everybody(flag, now) else { continue };
        // What was never switched on waits for its launch.
        let is_off = flag.variants.get(&variant) == Some(&Json::Bool(false))
            || truth(&variant) == Some(false);
        let waits = flag.targeting.is_null() && !flag.is_switch();
        if since.is_none() && (is_off || (waits && !is_experiment(page, flag))) {
            continue;
        }
        let since =
            since.map(|since| format!(" since {}", moment::text(since, page.zone.as_ref())));
        let since = since.unwrap_or_default();
        let message = format!("serves \"{variant}\" to everybody{since}, and will go on to");
        let help = "keep that code, remove the other and the flag";
        found.tell(&SETTLED, flag.path(), message, help);
    }
}

fn is_true(value: &Json) -> bool {
    match value {
        Json::Bool(bit) => *bit,
        Json::String(text) => truth(text) == Some(true),
        _ => false,
    }
}

fn is_experiment(page: &LintContext, flag: &LintedFlag) -> bool {
    page.fact(flag, "kind").as_deref() == Some("experiment")
}

/// What a flag serves to everybody from now on, if it does.
pub(super) fn everybody(flag: &LintedFlag, now: i64) -> Option<Everybody> {
    let default = match &flag.default {
        Json::String(name) => name.clone(),
        _ => return None,
    };
    let mut seen = SettledAnswer { now, default, variant: None, since: None };
    seen.look(&flag.targeting)?;
    Some(Everybody { variant: seen.variant?, since: seen.since })
}

/// What was seen on the way through a rule.
struct SettledAnswer {
    now: i64,
    default: String,
    variant: Option<String>,
    since: Option<i64>,
}

impl SettledAnswer {
    /// Goes through everything that can still happen; `None` if more than one thing can.
    fn look(&mut self, rule: &Json) -> Option<()> {
        match rule {
            Json::Null => self.serves(&self.default.clone()),
            Json::String(name) => self.serves(name),
            Json::Bool(bit) => self.serves(if *bit { "true" } else { "false" }),
            rule if operands(rule, "if").is_some() => self.chain(rule),
            rule => {
                let shares = operands(rule, "fractional")?;
                let shares = shares.iter().filter_map(Json::as_array);
                for share in shares.filter(|share| share.get(1) != Some(&Json::from(0))) {
                    self.look(share.first().filter(|name| name.is_string())?)?;
                }
                Some(())
            }
        }
    }

    fn chain(&mut self, rule: &Json) -> Option<()> {
        let (clauses, rest) = clauses(rule, Path::default());
        for clause in clauses {
            match (logic::moment(clause.condition), clause.condition) {
                (Some((">=" | ">", from)), _) if from <= self.now => {
                    self.since = self.since.max(Some(from));
                    return self.look(clause.result);
                }
                (Some(("<" | "<=", until)), _) if until <= self.now => {
                    self.since = self.since.max(Some(until));
                }
                (None, Json::Bool(true)) => return self.look(clause.result),
                (None, Json::Bool(false)) => {}
                _ => self.look(clause.result)?,
            }
        }
        self.look(rest.unwrap_or(&Json::Null))
    }

    fn serves(&mut self, name: &str) -> Option<()> {
        match &self.variant {
            None => self.variant = Some(name.to_owned()),
            Some(known) if known == name => {}
            Some(_) => return None,
        }
        Some(())
    }
}
