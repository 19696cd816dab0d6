//! An override is loud: a warning when it begins, ends or cannot be served, and each time the
//! sidecar starts under one.

use super::{Overrides, directory::shown, standing::OverrideStanding};
use crate::overrides::override_file::{Override, time};
use std::{collections::BTreeMap, ffi::OsString, time::SystemTime};
use tracing::warn;

/// What was said so far, so that nothing is said at every look.
#[derive(Debug, Default)]
pub(super) struct LoggedOverrides {
    /// By flag.
    active: BTreeMap<String, Override>,
    /// By file; the directory's own under the empty name.
    problems: BTreeMap<OsString, String>,
}

impl Overrides {
    /// Says what is new since the last time.
    pub(crate) fn tell(&mut self, now: SystemTime) {
        let mut next = LoggedOverrides::default();
        for OverrideStanding { name, content, active, problem } in self.standing() {
            if let Some(of) = content.filter(|_| active) {
                next.active.insert(of.flag.clone(), of.clone());
            }
            next.problems.extend(problem.map(|problem| (name.to_owned(), problem)));
        }
        next.problems.extend(self.trouble.clone().map(|trouble| (OsString::new(), trouble)));
        for (flag, of) in &next.active {
            if self.told.active.get(flag) != Some(of) {
                let (variant, why, until) = (&of.variant, &of.why, time(of.until));
                warn!(flag, variant, until, why, "an override serves one variant to everyone");
            }
        }
        for (flag, of) in &self.told.active {
            if next.active.contains_key(flag) {
                continue;
            }
            let variant = &of.variant;
            if of.holds_at(now) {
                warn!(flag, variant, "the override is not served any more");
            } else {
                warn!(flag, variant, "the override has ended by its time");
            }
        }
        for (file, problem) in &next.problems {
            if self.told.problems.get(file) != Some(problem) {
                let directory = self.directory.as_deref().unwrap_or_else(|| "".as_ref());
                let path = directory.join(shown(file));
                warn!(path = %path.display(), problem, "an override cannot be served as it stands");
            }
        }
        self.told = next;
    }
}
