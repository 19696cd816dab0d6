//! References written out in a readable file's definitions, for other readers of flagd's format.
//!
//! A readable file's evaluators refer to each other, and flags refer to those of flags that they
//! require. flagd reads neither, so an export has copies instead, of a bounded size.

use crate::diagnostic::Diagnostic;
use serde_json::{Map, Value as Json};
use std::collections::BTreeSet;

/// An export has at most this many copied parts of rules, elements of lists included.
const MAX_PARTS: usize = 200_000;

/// References lead to references at most this deep.
const MAX_DEPTH: usize = 200;

/// Writes references out: in evaluators all of them, in flags those to `required` flags. Evaluators
/// that no flag refers to then are removed if they are `required` or `inner`.
pub(super) fn write_out(
    flags: &mut Map<String, Json>,
    evaluators: &Map<String, Json>,
    required: &BTreeSet<String>,
    inner: &BTreeSet<String>,
) -> Result<Map<String, Json>, Diagnostic> {
    let mut copies = Copies { evaluators, left: MAX_PARTS, depth: 0 };
    for flag in flags.values_mut() {
        if let Some(targeting) = flag.get_mut("targeting") {
            *targeting = copies.of(targeting, &|name| required.contains(name))?;
        }
    }
    let is_kept = |name: &&String| !required.contains(*name) && !inner.contains(*name);
    let kept = evaluators.iter().filter(|(name, _)| is_kept(name));
    kept.map(|(name, rule)| Ok((name.clone(), copies.of(rule, &|_| true)?))).collect()
}

/// Copies of evaluators.
struct Copies<'a> {
    evaluators: &'a Map<String, Json>,
    /// Parts that may still be copied.
    left: usize,
    depth: usize,
}

impl Copies<'_> {
    /// A rule with a copy in place of each reference that is to be followed.
    fn of(&mut self, rule: &Json, follow: &dyn Fn(&str) -> bool) -> Result<Json, Diagnostic> {
        if self.depth > 0 {
            self.left = self.left.checked_sub(1).ok_or_else(too_large)?;
        }
        Ok(match rule {
            Json::Array(elements) => {
                let copies = elements.iter().map(|element| self.of(element, follow));
                Json::Array(copies.collect::<Result<_, _>>()?)
            }
            Json::Object(members) => {
                if let (1, Some(Json::String(name))) = (members.len(), members.get("$ref"))
                    && follow(name)
                    && let Some(rule) = self.evaluators.get(name)
                {
                    if self.depth >= MAX_DEPTH {
                        return Err(too_large());
                    }
                    self.depth += 1;
                    let copy = self.of(rule, follow);
                    self.depth -= 1;
                    return copy;
                }
                let mut copies = Map::new();
                for (name, member) in members {
                    copies.insert(name.clone(), self.of(member, follow)?);
                }
                Json::Object(copies)
            }
            scalar => scalar.clone(),
        })
    }
}

fn too_large() -> Diagnostic {
    let message = format!(
        "has more than {MAX_PARTS} parts once segments and required flags are written out in rules"
    );
    Diagnostic::of_file(message, "name fewer segments in segments, or require smaller flags")
}
