//! Where the author wrote what lints found in a definition.

use super::findings::Findings;
use crate::lint::context::LintContext;
use flagstaff_core::{
    diagnostic::{Diagnostic, Path, Step, problems::Problems},
    document::{Definition, Document, locate, text::DocumentText},
    readable::written_path,
};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashMap};

impl LintContext {
    /// What was found, each where its author wrote what it is about.
    pub(super) fn placed(&self, text: &DocumentText<'_>, found: Findings<'_>) -> Vec<Diagnostic> {
        let (mut found, untold) = found.finish();
        if found.is_empty() {
            return found;
        }
        for problem in &mut found {
            problem.path = self.authored(&problem.path);
        }
        let places = text.places();
        let Ok(root) = serde_json::from_str::<&RawValue>(text.json()) else { return found };
        let nobody = &mut Problems::with_room(0);
        let Ok(document) = Document::parse(text, nobody) else { return found };
        let written: HashMap<&str, &Definition<'_>> =
            document.flags.iter().map(|flag| (&*flag.key, flag)).collect();
        let mut by_flag: BTreeMap<Option<Box<str>>, Vec<&mut Diagnostic>> = BTreeMap::new();
        for problem in &mut found {
            let key = match problem.path.parts().0 {
                [Step::Member(flags), Step::Member(key), ..] if **flags == *"flags" => {
                    written.contains_key(&**key).then(|| Box::from(&**key))
                }
                _ => None,
            };
            by_flag.entry(key).or_default().push(problem);
        }
        for (key, mut problems) in by_flag {
            let flag = key.and_then(|key| written.get(&*key));
            let (part, above) = match flag {
                Some(flag) => ((flag.raw, flag.begins(text)), 2),
                None => ((root, text.offset_of(root.get())), 0),
            };
            locate::place(text, &places, part, above, &mut problems);
        }
        if untold > 0 {
            let message = format!("has {untold} more findings than are named here");
            let more = Diagnostic::warning("", message, "mend these first");
            let position = found.last().map(|last| last.position).unwrap_or_default();
            found.push(Diagnostic { position, ..more });
        }
        found
    }

    /// Where the author wrote what a path of the definitions leads to.
    pub(super) fn authored(&self, path: &Path) -> Path {
        let (steps, _) = path.parts();
        if !self.is_readable || self.is_written(steps) {
            return path.clone();
        }
        self.rule(steps).unwrap_or_else(|| written_path(path))
    }

    /// The rule of a flag that a path of its definition leads into.
    fn rule(&self, steps: &[Step]) -> Option<Path> {
        let [Step::Member(flags), Step::Member(key), Step::Member(targeting), within @ ..] = steps
        else {
            return None;
        };
        let within = match within {
            [Step::Member(gate), Step::Place(1), within @ ..]
                if **gate == *"if" && self.is_gated(key) =>
            {
                within
            }
            // What the gate itself asks is no rule's.
            _ if self.is_gated(key) => return None,
            within => within,
        };
        let [Step::Member(operator), Step::Place(place), ..] = within else { return None };
        if **flags != *"flags" || **targeting != *"targeting" || **operator != *"if" {
            return None;
        }
        // Behind the rules stands what everybody else gets.
        let rules = self.flag(key)?.written.get("rules")?.as_array()?;
        rules.get(place / 2)?;
        let rule = Path::from("flags").member(key).member("rules").place(place / 2);
        Some(if place % 2 == 0 { rule.member("if") } else { rule })
    }

    /// Whether the author of a flag wrote something there.
    fn is_written(&self, steps: &[Step]) -> bool {
        let [Step::Member(flags), Step::Member(key), within @ ..] = steps else { return false };
        let Some(flag) = self.flag(key).filter(|_| **flags == *"flags") else { return false };
        let found = within.iter().try_fold(&flag.written, |value, step| match step {
            Step::Member(name) => value.get(&**name),
            Step::Place(place) => value.get(place),
        });
        found.is_some()
    }
}
