//! Splits of units that have nothing to be split by.

use super::{
    findings::Findings,
    logic::{attribute, operation},
    table::UNGUARDED_SPLIT,
};
use crate::lint::context::LintContext;
use flagstaff_core::diagnostic::{Path, Step};
use serde_json::Value as Json;

pub(super) fn look(page: &LintContext, found: &mut Findings<'_>) {
    for flag in &page.flags {
        let mut path = flag.targeting_path();
        SplitWalk { known: Vec::new() }.look(&flag.targeting, &mut path, found);
    }
}

/// A way through a rule.
struct SplitWalk<'a> {
    /// Attributes that whoever gets here has.
    known: Vec<&'a str>,
}

impl<'a> SplitWalk<'a> {
    fn look(&mut self, rule: &'a Json, path: &mut Path, found: &mut Findings<'_>) {
        let Some((operator, operands)) = operation(rule) else { return };
        let known = self.known.len();
        let name = rule.as_object().and_then(|members| members.keys().next());
        path.enter(Step::Member(name.map_or("", String::as_str).into()));
        if operator == "fractional"
            && let Some(lacking) = operands.first().and_then(|by| lacking(by, &self.known))
        {
            let what = if lacking == "targetingKey" { "targeting key" } else { lacking };
            let message = format!("puts all units without a {what} into one share");
            let help = format!(
                "write {{\"if\": [{{\"var\": \"{lacking}\"}}, {{\"cat\": …}}]}}, so that they get the default"
            );
            found.tell(&UNGUARDED_SPLIT, &*path, message, help);
        }
        for (place, operand) in operands.iter().enumerate() {
            path.enter(Step::Place(place));
            if operator == "if" && place % 2 == 1 {
                // A result is reached by those for whom the condition held.
                let before = self.known.len();
                let condition = place.checked_sub(1).and_then(|before| operands.get(before));
                condition.iter().for_each(|condition| guarded(condition, &mut self.known));
                self.look(operand, path, found);
                self.known.truncate(before);
                if let Some(("!", [asked])) = condition.and_then(operation) {
                    self.known.extend(attribute(asked));
                }
            } else {
                self.look(operand, path, found);
            }
            if operator == "and" {
                guarded(operand, &mut self.known);
            }
            path.leave();
        }
        self.known.truncate(known);
        path.leave();
    }
}

/// The attribute of a salted key that nobody has made sure of.
fn lacking<'a>(by: &'a Json, known: &[&str]) -> Option<&'a str> {
    let ("cat", operands) = operation(by)? else { return None };
    let names = operands.iter().filter_map(attribute);
    let mut of_units = names.filter(|name| !name.starts_with("$flagd"));
    of_units.find(|name| !known.contains(name))
}

/// What those have for whom a condition holds.
fn guarded<'a>(condition: &'a Json, known: &mut Vec<&'a str>) {
    let Some((operator, operands)) = operation(condition) else { return };
    match operator {
        "var" => known.extend(attribute(condition)),
        "and" | "!!" => operands.iter().for_each(|operand| guarded(operand, known)),
        "!=" | "!==" if operands.contains(&Json::Null) => {
            known.extend(operands.iter().filter_map(attribute));
        }
        // Nobody without a key is in any share of a split.
        "fractional" => match operands.first().filter(|by| !by.is_array()) {
            None => known.push("targetingKey"),
            Some(by) => {
                if let Some(("if", [condition, ..])) = operation(by) {
                    guarded(condition, known);
                }
            }
        },
        "==" | "===" | "in" => {
            let splits = operands.iter().filter(|operand| {
                operation(operand).is_some_and(|(operator, _)| operator == "fractional")
            });
            splits.for_each(|split| guarded(split, known));
            // What equals a text that is not empty is there.
            if operands.iter().any(|operand| operand.as_str().is_some_and(|text| !text.is_empty()))
            {
                known.extend(operands.iter().filter_map(attribute));
            }
        }
        _ => {}
    }
}
