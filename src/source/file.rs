//! One flag file: a layer that remembers its last good flags.

mod applying;

use super::{
    ScanContext,
    compiling::CompileResult,
    lists::{Met, Stamp},
    loss::Losses,
    state::LayerState,
};
use crate::{
    metrics::Reload,
    report::OperatorLog,
    source::{
        grace_period::{GONE, LEASED, SLOW, UNANSWERED, Wait},
        half_written::{Doubt, Verdict},
        scan_result::{Finding, ScannedContent},
    },
};
use flagstaff_core::{Format, Layer};
use std::{path::PathBuf, sync::Arc, time::Duration};

/// A file that is leased or cannot be opened for the moment is tried again at these intervals: sooner
/// at first, as most leases end soon.
pub(super) const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// A file of a source.
#[derive(Debug)]
pub(super) struct WatchedFile {
    state: LayerState,
    /// What the last scan found, by which the next one knows whether anything is new.
    seen: Option<SeenContent>,
    /// The lists that it names, also while it is in doubt or cannot be read.
    lists: Vec<PathBuf>,
    /// New content that may be half written.
    doubt: Option<Doubt>,
    /// The doubt about the content that was taken last, if not all of it could be served.
    unfit: Option<Doubt>,
    /// How the file stood before new content was held back, and for how long that is held back.
    before_hold: Option<(LayerState, Duration)>,
    /// The file is not there, as while an editor saves it.
    missing: Option<Wait<()>>,
    /// Why the file cannot be read at the moment, although that may pass.
    silent: Option<Wait<String>>,
}

#[derive(Debug)]
enum SeenContent {
    Content(Stamp),
    Unreadable(String),
}

impl WatchedFile {
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
        Self {
            state,
            seen: None,
            lists: Vec::new(),
            doubt: None,
            unfit: None,
            before_hold: None,
            missing: None,
            silent: None,
        }
    }

    /// The same file under another name: its last good flags go along.
    pub(super) fn renamed(mut self, path: PathBuf, teller: OperatorLog) -> Self {
        teller.renamed(&self.state.path, &path);
        self.state.path = path;
        self.forget_waits();
        self
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
            Some(SeenContent::Content(stamp)) => Some(stamp),
            _ => None,
        }
    }

    pub(super) fn lists(&self) -> &[PathBuf] {
        &self.lists
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
            (Some(SeenContent::Unreadable(why)), None) => why,
            (Some(SeenContent::Content(_)), None) if self.state.last == Some(Reload::Rejected) => {
                "has errors or failing tests, and is not taken because of --strict or --tests-on-load (the log \
                 names each)"
            }
            (Some(SeenContent::Content(_)), None) => {
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
        look: &mut ScanContext<'_>,
    ) -> Option<Reload> {
        if matches!(finding.content, ScannedContent::NotRead) {
            return None;
        }
        self.note_mount(&finding, look.teller);
        let was_missing = self.missing.take();
        let was_silent = self.silent.take();
        // A file that cannot be read for a moment may still have the content that is doubted.
        if matches!(
            finding.content,
            ScannedContent::Same { .. }
                | ScannedContent::Missing(_)
                | ScannedContent::Unreadable(_)
        ) {
            self.doubt = None;
        }
        match finding.content {
            ScannedContent::NotRead => None,
            ScannedContent::Same { may_pass } => {
                if may_pass {
                    look.look_in(RETRY.1);
                }
                self.release()
            }
            ScannedContent::Missing(why) => {
                self.missing = was_missing;
                // A new name may be gone again before it is read, as that of a temporary file.
                if may_go && !self.is_gone(look) {
                    return None;
                }
                self.unreadable(why, look.teller)
            }
            ScannedContent::Unready { why, is_leased } => {
                self.silent = was_silent;
                let long_enough = if is_leased { LEASED } else { Duration::ZERO };
                let is_over = look.is_over(&mut self.silent, why.clone(), long_enough);
                self.try_again(look);
                if is_over { self.unreadable(why, look.teller) } else { None }
            }
            ScannedContent::Unanswered(why) => {
                self.silent = was_silent;
                let is_over = look.is_over(&mut self.silent, why.clone(), UNANSWERED);
                if is_over { self.unreadable(why, look.teller) } else { None }
            }
            ScannedContent::Unreadable(why) => self.unreadable(why, look.teller),
            ScannedContent::New(met) => {
                self.silent = was_silent;
                self.take_new(*met, look)
            }
        }
    }

    /// Asks for another scan, because what cannot be read may be readable soon.
    fn try_again(&self, look: &mut ScanContext<'_>) {
        let since = self.silent.as_ref().map_or(look.now, Wait::since);
        look.look_in((look.now - since).clamp(RETRY.0, RETRY.1));
    }

    /// Whether to wait for a list that cannot be read at the moment. The flags that use it keep their
    /// last good definitions after that.
    fn waits_for_list(&mut self, met: &Met, look: &mut ScanContext<'_>) -> bool {
        let Some(unread) = &met.unread else {
            self.silent = None;
            return false;
        };
        let long_enough = match (met.is_same_otherwise, unread.may_pass) {
            (false, _) => SLOW,
            (true, true) => LEASED,
            (true, false) => UNANSWERED,
        };
        let is_over = look.is_over(&mut self.silent, unread.why.clone(), long_enough);
        if unread.may_pass {
            self.try_again(look);
        }
        !is_over
    }

    /// Serves new content, unless it may be half written.
    fn take_new(&mut self, met: Met, look: &mut ScanContext<'_>) -> Option<Reload> {
        self.lists = met.stamp.lists(&self.state.path).collect();
        // Half a JSON file never is a JSON file, but half a list is a list.
        let is_yaml = Format::of(&self.state.path) == Format::Yaml;
        let can_be_half = is_yaml || !met.loaded.lists.is_empty();
        let unfit = self.unfit.take().and_then(|unfit| unfit.after_taken(look.now));
        let doubt = Doubt::of(self.doubt.take().or(unfit), met.stamp.digest, met.writer, look.now);
        let evidence = doubt.evidence(met.is_longer, look.now);
        // Noted before any wait, because the events that show the writer are reported once.
        self.doubt = Some(doubt.lacking_list(met.unread.is_some()));
        if self.waits_for_list(&met, look) {
            return None;
        }
        let still_written = evidence.still_written(met.has_blank, can_be_half);
        if let Some(left) = still_written {
            look.look_in(left);
            return None;
        }
        let compiled =
            CompileResult::of(&met.loaded, &self.state.path, look.options, &self.state.layer);
        if can_be_half && let CompileResult::Layer { layer, .. } = &compiled {
            let losses = Losses::of(is_yaml.then_some(layer), &self.state.layer, &met);
            match evidence.judge(losses.size()) {
                Verdict::Serve => {}
                Verdict::Wait(left) => {
                    look.look_in(left);
                    return None;
                }
                Verdict::Hold { left, needed } => {
                    look.look_in(left);
                    return self.hold(&losses, needed, look.teller);
                }
            }
        }
        self.before_hold = None;
        self.seen = Some(SeenContent::Content(met.stamp));
        let result = self.apply(compiled, &met.loaded, look.teller);
        let doubt = self.doubt.take().filter(|_| result != Reload::Applied);
        self.unfit = doubt.map(|doubt| doubt.taken(look.now));
        self.remember(result)
    }

    /// Whether the file, which its directory does not have, has been missing for long enough.
    pub(super) fn is_gone(&mut self, look: &mut ScanContext<'_>) -> bool {
        look.is_over(&mut self.missing, (), GONE)
    }

    /// Starts every wait over, because nothing is known of the file.
    pub(super) fn forget_waits(&mut self) {
        (self.doubt, self.unfit, self.missing) = (None, None, None);
    }
}
