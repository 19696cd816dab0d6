//! One flag file: a layer that remembers its last good flags.

use super::{
    Look,
    compiling::{Compiled, has_errors, refusal},
    doubt::{Doubt, Loss, Verdict},
    finding::{Content, Finding},
    lists::{Loaded, Met, Stamp},
    state::LayerState,
    wait::{GONE, LEASED, UNANSWERED, Wait},
};
use crate::{
    flag::{Diagnostic, Format, Layer},
    telemetry::{metrics::Reload, report::Teller},
};
use std::{path::PathBuf, sync::Arc, time::Duration, time::SystemTime};

/// A leased file is tried again at these intervals: sooner at first, as most leases end soon.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// A file of a source.
#[derive(Debug)]
pub(super) struct File {
    state: LayerState,
    /// What the last scan found, by which the next one knows whether anything is new.
    seen: Option<Seen>,
    /// New content that may be half written.
    doubt: Option<Doubt>,
    /// How the file stood before new content was held back.
    before_hold: Option<LayerState>,
    /// The file is not there, as while an editor saves it.
    missing: Option<Wait<()>>,
    /// Why the file cannot be read at the moment, although that may pass.
    silent: Option<Wait<String>>,
}

#[derive(Debug)]
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
        Self { state, seen: None, doubt: None, before_hold: None, missing: None, silent: None }
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
        let why = match (&self.seen, &self.silent) {
            _ if self.state.applied => return None,
            (_, Some(silent)) => silent.what(),
            (None, None) => "has not been read yet",
            (Some(Seen::Unreadable(why)), None) => why,
            (Some(Seen::Content(_)), None) if self.state.last == Some(Reload::Rejected) => {
                "has errors or failing tests, and is not taken because of --strict or --tests-on-load (the log \
                 names each)"
            }
            (Some(Seen::Content(_)), None) => {
                "is not a flag definition file (the log names each problem)"
            }
        };
        Some(format!("{}: {why}", self.state.path.display()))
    }

    /// Takes in what a scan found; `None` if nothing counts as new. New content replaces the layer,
    /// unless nothing in it can be served. A file that `may_go` is not missed at once.
    pub(super) fn take(
        &mut self,
        finding: Finding,
        may_go: bool,
        look: &mut Look<'_>,
    ) -> Option<Reload> {
        self.note_mount(&finding, look.teller);
        let was_missing = self.missing.take();
        let was_silent = self.silent.take();
        if !matches!(finding.content, Content::New(_)) {
            self.doubt = None;
        }
        match finding.content {
            Content::Same { is_leased } => {
                if is_leased {
                    look.look_in(RETRY.1);
                }
                self.release()
            }
            Content::Missing(why) => {
                self.missing = was_missing;
                // A new name may be gone again before it is read, as that of a temporary file.
                if may_go && !self.is_gone(look) {
                    return None;
                }
                self.unreadable(why, look.teller)
            }
            Content::Leased(why) => {
                self.silent = was_silent;
                let is_over = look.is_over(&mut self.silent, why.clone(), LEASED);
                let since = self.silent.as_ref().map_or(look.now, Wait::since);
                look.look_in((look.now - since).clamp(RETRY.0, RETRY.1));
                if is_over { self.unreadable(why, look.teller) } else { None }
            }
            Content::Unanswered(why) => {
                self.silent = was_silent;
                let is_over = look.is_over(&mut self.silent, why.clone(), UNANSWERED);
                if is_over { self.unreadable(why, look.teller) } else { None }
            }
            Content::Unreadable(why) => self.unreadable(why, look.teller),
            Content::New(met) => self.take_new(*met, look),
        }
    }

    /// Serves new content, unless it may be half written.
    fn take_new(&mut self, met: Met, look: &mut Look<'_>) -> Option<Reload> {
        if met.is_leased {
            look.look_in(RETRY.1);
        }
        // Half a JSON file never is a JSON file, but half a list is a list.
        let is_yaml = Format::of(&self.state.path) == Format::Yaml;
        let can_be_half = is_yaml || !met.loaded.lists.is_empty();
        let doubt = Doubt::of(self.doubt.take(), met.stamp.digest, look.now);
        let evidence = doubt.evidence(met.writer, look.now);
        self.doubt = Some(doubt);
        let still_written = evidence.still_written(met.has_blank, can_be_half);
        if let Some(left) = still_written {
            look.look_in(left);
            return None;
        }
        let compiled = Compiled::of(&met.loaded, &self.state.path, look.options, &self.state.layer);
        if can_be_half && let Compiled::Layer { layer, .. } = &compiled {
            let lost = layer.lost_since(&self.state.layer);
            let flags = Loss::of(lost, self.state.layer.flags().count());
            match evidence.judge(flags.max(met.list_loss)) {
                Verdict::Serve => {}
                Verdict::Wait(left) => {
                    look.look_in(left);
                    return None;
                }
                Verdict::Hold(left) => {
                    look.look_in(left);
                    return self.hold(lost, look.teller);
                }
            }
        }
        (self.doubt, self.before_hold) = (None, None);
        self.seen = Some(Seen::Content(met.stamp));
        let result = self.apply(compiled, &met.loaded, look.teller);
        self.remember(result)
    }

    /// Whether the file, which its directory does not have, has been missing for long enough.
    pub(super) fn is_gone(&mut self, look: &mut Look<'_>) -> bool {
        look.is_over(&mut self.missing, (), GONE)
    }

    /// Starts every wait over, because nothing is known of the file.
    pub(super) fn forget_waits(&mut self) {
        (self.doubt, self.missing) = (None, None);
    }

    /// Keeps the last good flags instead of content that lost too much.
    fn hold(&mut self, lost: usize, teller: Teller) -> Option<Reload> {
        if self.before_hold.is_some() {
            return None;
        }
        self.before_hold = Some(self.state.clone());
        let flags = self.state.layer.flags().count();
        let why = match lost {
            0 => {
                "a list lost more than a quarter of its entries, and may be half written".to_owned()
            }
            _ => format!("{lost} of {flags} flags are missing, and the file may be half written"),
        };
        teller.held(&self.state.path, &why);
        let help = "write a temporary file and rename it over this one; the last good flags stay \
                    in force until the content has been the same for 5 s";
        self.state.problems = [Diagnostic::warning("", why, help)].into();
        self.remember(Reload::Held)
    }

    /// The content that was held back has gone, and what is served is in the file again.
    fn release(&mut self) -> Option<Reload> {
        self.state = self.before_hold.take()?;
        Some(Reload::Unchanged)
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
        if matches!(&self.seen, Some(Seen::Unreadable(seen)) if *seen == why) {
            return None;
        }
        teller.unreadable(&self.state.path, &why, self.state.applied);
        self.seen = Some(Seen::Unreadable(why.clone()));
        self.before_hold = None;
        let help = "the file must be there, and readable for the user this process runs as";
        self.state.problems = [Diagnostic::error("", why, help)].into();
        self.remember(Reload::ReadError)
    }

    fn apply(&mut self, compiled: Compiled, loaded: &Loaded, teller: Teller) -> Reload {
        let state = &mut self.state;
        let unchanged =
            if state.applied { "the last good flags stay in force" } else { "it gives no flags" };
        let (layer, problems) = match compiled {
            Compiled::Layer { layer, problems } => (layer, problems),
            Compiled::Refused { problems, by } => {
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
            true => "a broken flag serves its last good definition or, without one, PARSE_ERROR",
            false => "every flag is served",
        };
        teller.problems(&state.path, &problems, outcome);
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

    fn remember(&mut self, result: Reload) -> Option<Reload> {
        self.state.last = Some(result);
        self.state.last_change = Some(SystemTime::now());
        self.state.last
    }
}
