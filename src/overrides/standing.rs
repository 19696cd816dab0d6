//! How each override stands: served, not served and why, for logs, metrics and `/status`.

use super::{Overrides, directory::shown};
use crate::overrides::override_file::{self, Override};
use serde_json::{Value as Json, json};
use std::ffi::OsStr;

/// How the override of a file stands.
pub(super) struct OverrideStanding<'a> {
    pub(super) name: &'a OsStr,
    /// What it decides, if it has not ended.
    pub(super) content: Option<&'a Override>,
    pub(super) active: bool,
    pub(super) problem: Option<String>,
}

impl Overrides {
    /// The files that matter to whoever asks: those in force, and those that cannot be read.
    pub(super) fn standing(&self) -> impl Iterator<Item = OverrideStanding<'_>> {
        self.files.iter().filter_map(|(name, known)| {
            let content = known.content.as_ref().filter(|_| self.in_force.contains(name));
            let verdict = self.verdicts.get(name);
            let not_tried = || "no flags are served yet".to_owned();
            let problem = match (&known.problem, verdict) {
                (Some(problem), _) => Some(match content {
                    None => problem.clone(),
                    Some(_) => format!("{problem}; what it said before holds until its end"),
                }),
                (None, Some(Err(problem))) => Some(problem.clone()),
                (None, None) => Some(not_tried()),
                (None, Some(Ok(()))) => None,
            };
            let active = content.is_some() && verdict == Some(&Ok(()));
            // One that has ended is of no interest any more.
            (content.is_some() || known.problem.is_some()).then_some(OverrideStanding {
                name,
                content,
                active,
                problem,
            })
        })
    }

    /// How many decide, and how many cannot although they should.
    pub(crate) fn count(&self) -> (usize, usize) {
        let active = self.standing().filter(|of| of.active).count();
        let failing = self.standing().filter(|of| !of.active && of.problem.is_some()).count();
        (active, failing + usize::from(self.trouble.is_some()))
    }

    /// What `/status` says of them.
    pub(crate) fn status(&self) -> Vec<Json> {
        let file = |of: OverrideStanding<'_>| {
            let content = of.content;
            json!({
                "flag": content.map(|of| &of.flag),
                "variant": content.map(|of| &of.variant),
                "until": content.map(|of| override_file::time(of.until)),
                "why": content.map(|of| &of.why),
                "set_at": content.and_then(|of| of.set_at).map(override_file::time),
                "file": shown(of.name),
                "active": of.active,
                "problem": of.problem,
            })
        };
        let trouble = self.trouble.iter().map(|problem| {
            json!({"flag": null, "variant": null, "until": null, "why": null, "set_at": null,
                "file": null, "active": false, "problem": problem})
        });
        self.standing().map(file).chain(trouble).collect()
    }
}
