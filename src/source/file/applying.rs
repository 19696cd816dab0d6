//! What becomes of a flag file after a scan: applied, held back or unreadable, and logged.

use super::{SeenContent, WatchedFile};
use crate::{
    metrics::Reload,
    report::OperatorLog,
    source::{
        compiling::{CompileResult, has_errors, refusal},
        lists::Loaded,
        loss::Losses,
        scan_result::{Finding, ScannedContent},
    },
};
use flagstaff_core::{Diagnostic, Layer, Standing};
use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

impl WatchedFile {
    /// Keeps the last good flags instead of content that lost too much.
    pub(super) fn hold(
        &mut self,
        losses: &Losses,
        needed: Duration,
        teller: OperatorLog,
    ) -> Option<Reload> {
        let is_first = self.before_hold.is_none();
        let state = &self.state;
        let (_, logged) = self.before_hold.get_or_insert_with(|| (state.clone(), Duration::ZERO));
        if *logged >= needed {
            return None;
        }
        *logged = needed;
        let (held, outcome) = losses.held(needed);
        teller.held(&self.state.path, &held.message, &outcome);
        self.state.problems = [held].into();
        if is_first { self.remember(Reload::Held) } else { None }
    }

    /// The content that was held back has gone, and what is served is in the file again.
    pub(super) fn release(&mut self) -> Option<Reload> {
        (self.state, _) = self.before_hold.take()?;
        Some(Reload::Unchanged)
    }

    pub(super) fn note_mount(&mut self, finding: &Finding, teller: OperatorLog) {
        match (finding.cannot_update, &finding.content) {
            (Some(why), _) => {
                if self.state.cannot_update.replace(why).is_none() {
                    teller.cannot_update(&self.state.path, why);
                }
            }
            (None, ScannedContent::New(..)) => self.state.cannot_update = None,
            (None, _) => {}
        }
    }

    pub(super) fn unreadable(&mut self, why: String, teller: OperatorLog) -> Option<Reload> {
        if matches!(&self.seen, Some(SeenContent::Unreadable(seen)) if *seen == why) {
            return None;
        }
        teller.unreadable(&self.state.path, &why, self.state.applied);
        self.seen = Some(SeenContent::Unreadable(why.clone()));
        self.before_hold = None;
        let help = "the file must be there, and readable for the user this process runs as";
        self.state.problems = [Diagnostic::error("", why, help)].into();
        self.remember(Reload::ReadError)
    }

    pub(super) fn apply(
        &mut self,
        compiled: CompileResult,
        loaded: &Loaded,
        teller: OperatorLog,
    ) -> Reload {
        let state = &mut self.state;
        let unchanged =
            if state.applied { "the last good flags stay in force" } else { "it gives no flags" };
        let (layer, problems) = match compiled {
            CompileResult::Layer { layer, problems } => (layer, problems),
            CompileResult::Refused { problems, by } => {
                let outcome = by.map_or_else(
                    || unchanged.to_owned(),
                    |option| format!("{option} rejects the whole file: {unchanged}"),
                );
                teller.problems(&state.path, &problems, &outcome);
                state.problems = problems.into();
                return refusal(by);
            }
        };
        let errors = has_errors(&problems);
        let outcome = match errors {
            true => in_spite_of_errors(&layer),
            false => "every flag is served".to_owned(),
        };
        teller.problems(&state.path, &problems, &outcome);
        state.problems = problems.into();
        state.layer = Arc::new(layer);
        let was_bad = state.applied && state.last != Some(Reload::Applied);
        state.applied = true;
        state.bytes = loaded.content.len();
        let all_good = state.layer.broken().next().is_none();
        // What has no key is no flag, but not in force either.
        let good = all_good && !errors;
        if good && was_bad {
            teller.good_again(&state.path, state.layer.flags().count());
        }
        if good { Reload::Applied } else { Reload::Partial }
    }

    pub(super) fn remember(&mut self, result: Reload) -> Option<Reload> {
        self.state.last = Some(result);
        self.state.last_change = Some(SystemTime::now());
        self.state.last
    }
}

/// So many flags that are off in spite of their errors are named.
const MOST_NAMED: usize = 3;

/// What is served of a file that has errors: a kill holds, and other broken flags go back.
fn in_spite_of_errors(layer: &Layer) -> String {
    let is_off = |standing| standing == Standing::SwitchedOff;
    let off: Vec<_> = layer.broken().filter(|flag| is_off(flag.standing())).collect();
    let mut words: Vec<_> = off
        .iter()
        .take(MOST_NAMED)
        .map(|flag| flag.flag())
        .map(|flag| match (flag.is_killed(), flag.default()) {
            (true, Some(variant)) => {
                format!("the kill of {} holds: everyone gets {}", flag.key(), variant.name())
            }
            _ => format!("{} stays switched off", flag.key()),
        })
        .collect();
    if let Some(more @ 1..) = off.len().checked_sub(MOST_NAMED) {
        words.push(format!("{more} more flags stay switched off"));
    }
    if off.is_empty() || layer.broken().count() > off.len() {
        let which = if off.is_empty() { "a" } else { "any other" };
        words.push(format!(
            "{which} broken flag serves its last good definition or, without one, PARSE_ERROR"
        ));
    }
    words.join("; ")
}
