//! One flag file: a layer that remembers its last good flags.

use super::{
    Look,
    finding::{Content, Finding},
    lists::{Loaded, Stamp},
    state::LayerState,
    wait::{GONE, HALF_WRITTEN, Wait},
    watch::Notice,
};
use crate::{
    flag::{Diagnostic, Digest, Format, Layer, Level, compile_with, run_tests},
    telemetry::{metrics::Reload, report::Teller},
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::Arc,
    time::SystemTime,
};

/// A file of a source.
#[derive(Debug)]
pub(super) struct File {
    state: LayerState,
    /// What the last look found, by which the next one knows whether anything is new.
    seen: Option<Seen>,
    /// New content that may be half written.
    doubt: Option<Wait<Digest>>,
    /// The file is not there, as while an editor saves it.
    missing: Option<Wait<()>>,
}

#[derive(Debug, PartialEq)]
enum Seen {
    Content(Stamp),
    Unreadable(String),
}

impl File {
    pub(super) fn new(path: PathBuf) -> Self {
        let state = LayerState {
            path,
            layer: Arc::default(),
            last: None,
            last_change: None,
            applied: false,
            bytes: 0,
            problems: Arc::default(),
            cannot_update: None,
        };
        Self { state, seen: None, doubt: None, missing: None }
    }

    pub(super) fn state(&self) -> &LayerState {
        &self.state
    }

    pub(super) fn layer(&self) -> &Layer {
        &self.state.layer
    }

    /// What it held, if it could be read.
    pub(super) fn seen(&self) -> Option<&Stamp> {
        match &self.seen {
            Some(Seen::Content(stamp)) => Some(stamp),
            _ => None,
        }
    }

    /// Whether all that stands in the file is in force.
    pub(super) fn is_wholly_good(&self) -> bool {
        self.state.last == Some(Reload::Applied)
    }

    /// Why the file was never applied, if it was not.
    pub(super) fn not_applied(&self) -> Option<String> {
        let why = match &self.seen {
            _ if self.state.applied => return None,
            None => "has not been read yet",
            Some(Seen::Unreadable(why)) => why,
            Some(Seen::Content(_)) if self.state.last == Some(Reload::Rejected) => {
                "has errors or failing tests, and is not taken because of --strict or --tests-on-load (the log \
                 names each)"
            }
            Some(Seen::Content(_)) => "is no flag definition file (the log names each problem)",
        };
        Some(format!("{}: {why}", self.state.path.display()))
    }

    /// Takes in what a look found; `None` if nothing counts as new. New content replaces the layer,
    /// unless nothing in it can be served. A file that `may_go` is not missed at once.
    pub(super) fn take(
        &mut self,
        finding: Finding,
        may_go: bool,
        look: &mut Look<'_>,
    ) -> Option<Reload> {
        self.note_mount(&finding, look.teller);
        let was_missing = self.missing.take();
        let was_doubtful = self.doubt.take();
        match finding.content {
            Content::Same => None,
            Content::Missing(why) => {
                self.missing = was_missing;
                if may_go && self.seen.is_some() && !self.is_gone(look) {
                    return None;
                }
                self.unreadable(why, look.teller)
            }
            Content::Unreadable(why) => self.unreadable(why, look.teller),
            Content::New(loaded, stamp) => {
                self.doubt = was_doubtful;
                if self.may_be_half_written(&loaded, look.notice)
                    && !look.is_over(&mut self.doubt, stamp.digest, HALF_WRITTEN)
                {
                    return None;
                }
                self.doubt = None;
                self.seen = Some(Seen::Content(stamp));
                let result = self.apply(&loaded, look);
                self.remember(result)
            }
        }
    }

    /// Whether the file, which its directory does not have, has been missing for long enough.
    pub(super) fn is_gone(&mut self, look: &mut Look<'_>) -> bool {
        look.is_over(&mut self.missing, (), GONE)
    }

    /// Starts every wait over, because nothing is known of the file.
    pub(super) fn forget_waits(&mut self) {
        (self.doubt, self.missing) = (None, None);
    }

    /// No flag file is empty, but many are for a moment while they are written; and half a YAML
    /// file is very often one too, so somebody must know that its writer is done. Half a JSON file
    /// never is.
    fn may_be_half_written(&self, loaded: &Loaded, notice: Notice) -> bool {
        let is_yaml = Format::of(&self.state.path) == Format::Yaml;
        // Half a list is a list.
        let can_be_half = is_yaml || !loaded.lists.is_empty();
        loaded.content.is_empty() || (notice == Notice::Unsure && can_be_half)
    }

    fn note_mount(&mut self, finding: &Finding, teller: Teller) {
        match (finding.cannot_update, &finding.content) {
            (Some(why), _) => {
                if self.state.cannot_update.replace(why).is_none() {
                    teller.cannot_update(&self.state.path, why);
                }
            }
            (None, Content::New(..)) => self.state.cannot_update = None,
            (None, _) => {}
        }
    }

    fn unreadable(&mut self, why: String, teller: Teller) -> Option<Reload> {
        let seen = Seen::Unreadable(why.clone());
        if self.seen.as_ref() == Some(&seen) {
            return None;
        }
        teller.unreadable(&self.state.path, &why, self.state.applied);
        self.seen = Some(seen);
        let help = "the file must be there, and readable for the user this process runs as";
        self.state.problems = [Diagnostic::error("", why, help)].into();
        self.remember(Reload::ReadError)
    }

    fn apply(&mut self, loaded: &Loaded, look: &Look<'_>) -> Reload {
        let (state, teller) = (&mut self.state, look.teller);
        let format = Format::of(&state.path);
        let Loaded { content, lists } = loaded;
        let generation = look.options.fractional;
        let compiled = or_bad(|| compile_with(lists, content, format, generation, &state.layer));
        let unchanged =
            if state.applied { "the last good flags stay in force" } else { "it gives no flags" };
        let compilation = match compiled {
            Ok(compilation) => compilation,
            Err(problems) => {
                teller.problems(&state.path, &problems, unchanged);
                state.problems = problems.into();
                return Reload::ParseError;
            }
        };
        let mut problems = compilation.diagnostics;
        let mut rejected = None;
        if look.options.strict && problems.iter().any(|problem| problem.level == Level::Error) {
            rejected = Some("--strict");
        } else if look.options.tests_on_load {
            let failed = run_tests(content, format, &compilation.layer, None);
            let fails = failed.iter().any(|problem| problem.level == Level::Error);
            rejected = fails.then_some("--tests-on-load");
            problems.extend(failed);
        }
        if let Some(option) = rejected {
            let outcome = format!("{option} rejects the whole file: {unchanged}");
            teller.problems(&state.path, &problems, &outcome);
            state.problems = problems.into();
            return Reload::Rejected;
        }
        let errors = problems.iter().any(|problem| problem.level == Level::Error);
        let outcome = match errors {
            true => "a broken flag serves its last good definition or, without one, PARSE_ERROR",
            false => "every flag is served",
        };
        teller.problems(&state.path, &problems, outcome);
        state.problems = problems.into();
        state.layer = Arc::new(compilation.layer);
        let was_bad = state.applied && state.last != Some(Reload::Applied);
        state.applied = true;
        state.bytes = content.len();
        let all_good = state.layer.broken().next().is_none();
        // What has no key is no flag, but not in force either.
        let good = all_good && !errors;
        if good && was_bad {
            teller.good_again(&state.path, state.layer.flags().count());
        }
        if good { Reload::Applied } else { Reload::Partial }
    }

    fn remember(&mut self, result: Reload) -> Option<Reload> {
        self.state.last = Some(result);
        self.state.last_change = Some(SystemTime::now());
        self.state.last
    }
}

/// Nothing of ours panics over a file, but parsers are not all ours: should one, the file is bad,
/// and the sidecar lives.
fn or_bad<T>(compile: impl FnOnce() -> Result<T, Vec<Diagnostic>>) -> Result<T, Vec<Diagnostic>> {
    // What a panic leaves half done is dropped with it; the layer it saw is only read.
    catch_unwind(AssertUnwindSafe(compile)).unwrap_or_else(|_| {
        let help = "this is a defect of flagstaff: please report it with the file";
        Err(vec![Diagnostic::of_file("makes the parser panic", help)])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_bad_file() {
        let problems = or_bad::<()>(|| panic!("a defect of a parser")).unwrap_err();
        assert_eq!(problems[0].message, "makes the parser panic");
    }
}
