//! One configured PATH: a flag file, or a directory in which each flag file is a layer.

use super::{
    ScanContext,
    chain::Chain,
    file::{RETRY, WatchedFile},
    state::SourceState,
    watch::Writes,
};
use crate::{
    files::{
        disk::{Disk, Operation, ScanCause},
        listing::{FileKind, ListError},
    },
    metrics::Reload,
    report,
    source::{
        consistent_read::SwapWindow,
        defined_twice::Shadowed,
        grace_period::{GONE, UNANSWERED, Wait},
        scan_result::{FileReader, Finding, Found, ScannedContent, UnreadReason},
    },
};
use flagstaff_core::Layer;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::sync::Notify;

/// A configured PATH and what it gave.
#[derive(Debug)]
pub(super) struct WatchedPath {
    path: PathBuf,
    kind: FileKind,
    /// In the order of their names, which is that in which later ones win.
    files: BTreeMap<PathBuf, WatchedFile>,
    /// Why the directory cannot be listed, if it cannot: its layers then stay as they are.
    problem: Option<String>,
    /// Why it cannot be listed at the moment, although that may pass.
    unlisted: Option<Wait<String>>,
    /// Every file it had at one moment was applied once. Never undone: a file that is added later
    /// and is bad from the start takes nothing back.
    applied: bool,
    shadowed: Shadowed,
    disk: Disk,
    /// What the last scan could not wait for.
    unread: UnreadReason,
    moment: SwapWindow,
}

/// The file that has the content of this finding and is gone under its own name, if there is one.
fn renamed(gone: &mut BTreeMap<PathBuf, WatchedFile>, finding: &Finding) -> Option<WatchedFile> {
    let ScannedContent::New(met) = &finding.content else { return None };
    let was_this =
        |file: &WatchedFile| file.seen().is_some_and(|seen| met.stamp.is_same_file(seen));
    let path = gone.iter().find(|(_, file)| was_this(file))?.0.clone();
    gone.remove(&path)
}

impl WatchedPath {
    pub(super) fn new(path: PathBuf, returned: Arc<Notify>) -> Self {
        let kind = FileKind::of(&path);
        let mut files = BTreeMap::new();
        if kind == FileKind::File {
            files.insert(path.clone(), WatchedFile::new(path.clone()));
        }
        Self {
            path,
            kind,
            files,
            problem: None,
            unlisted: None,
            applied: false,
            shadowed: Shadowed::default(),
            disk: Disk::new(returned),
            unread: UnreadReason::Everything,
            moment: SwapWindow::default(),
        }
    }

    pub(super) fn begin_scan(&mut self, cause: ScanCause) {
        self.disk.begin_scan(cause);
    }

    /// Everything that the path depends on; `None` if the file system does not answer.
    fn chain(&mut self) -> Option<Chain> {
        let path = self.path.clone();
        self.disk.run(Operation::Resolve, &self.path, move || Chain::of([&path]))
    }

    /// Notes what the path depends on, before any file is read for this scan.
    pub(super) fn note_chain(&mut self, cause: ScanCause) {
        let goes_on = cause == ScanCause::Return && !self.moment.lacks_beginning();
        if goes_on && (self.moment.is_held() || !matches!(self.unread, UnreadReason::Everything)) {
            return;
        }
        let chain = self.chain();
        if cause == ScanCause::Change || chain.is_some() {
            self.moment.begin(chain);
            // What was read before that, or is being read, proves nothing.
            self.unread = UnreadReason::Everything;
            self.disk.begin_scan(ScanCause::Change);
        }
    }

    /// Whether the path still leads to the files that were read, as far as is known.
    pub(super) fn is_as_read(&mut self) -> bool {
        let now = self.chain();
        let has_read_all = matches!(self.unread, UnreadReason::Nothing);
        self.moment.end(now.as_ref(), has_read_all, self.disk.youngest())
    }

    pub(super) fn moment(&mut self) -> &mut SwapWindow {
        &mut self.moment
    }

    /// Whether something is still to be read, and no return of a call will be reported.
    pub(super) fn is_stuck(&self) -> bool {
        !matches!(self.unread, UnreadReason::Nothing) && !self.disk.is_hanging()
    }

    /// Lists and reads what is there now.
    pub(super) fn find(&mut self, writes: &Writes, max_bytes: u64) -> Found {
        let seen = |path: &Path| self.files.get(path).and_then(WatchedFile::seen);
        let mut reader = FileReader { disk: &mut self.disk, writes, max_bytes };
        let found = reader.find(&self.path, self.kind, seen);
        self.unread = UnreadReason::of(&found);
        found
    }

    /// Reads what the last scan did not wait for, if anything.
    pub(super) fn go_on(&mut self, writes: &Writes, max_bytes: u64) -> Option<Found> {
        if let Some(held) = self.moment.release() {
            return Some(held);
        }
        let unread = match &self.unread {
            UnreadReason::Nothing => return None,
            UnreadReason::Everything => return Some(self.find(writes, max_bytes)),
            UnreadReason::Files(unread) => unread,
        };
        let listed: BTreeSet<_> = self.files.keys().chain(unread).cloned().collect();
        let seen = |path: &Path| self.files.get(path).and_then(WatchedFile::seen);
        let mut reader = FileReader { disk: &mut self.disk, writes, max_bytes };
        let found = reader.go_on(listed.into_iter(), unread, seen);
        self.unread = UnreadReason::of(&found);
        Some(found)
    }

    /// Whether some file operation has not returned yet.
    pub(super) fn is_hanging(&self) -> bool {
        self.disk.is_hanging()
    }

    /// Whether something of this scan may be out of date.
    pub(super) fn has_late_result(&self) -> bool {
        self.disk.has_late_result()
    }

    /// Takes in what a look found, and says how each file went that differs.
    pub(super) fn take(&mut self, found: Found, look: &mut ScanContext<'_>) -> Vec<Reload> {
        let found = match found {
            Ok(found) => found,
            Err(error) => return self.cannot_list(&error, look),
        };
        let mut results = Vec::new();
        self.moment.take();
        self.unlisted = None;
        if self.problem.take().is_some() {
            look.teller.listed_again(&self.path, found.len());
            results.push(Reload::Unchanged);
        }
        let listed: BTreeSet<_> = found.iter().map(|(path, _)| path.clone()).collect();
        let is_listed = |path: &PathBuf, _: &mut WatchedFile| listed.contains(path);
        let mut gone = std::mem::take(&mut self.files);
        let mut before: BTreeMap<_, _> = gone.extract_if(.., is_listed).collect();
        let may_go = self.kind == FileKind::Directory;
        for (path, finding) in found {
            let known = before.remove(&path);
            let mut file = known.unwrap_or_else(|| match renamed(&mut gone, &finding) {
                Some(file) => file.renamed(path.clone(), look.teller),
                None => WatchedFile::new(path.clone()),
            });
            results.extend(file.take(finding, may_go, look));
            self.files.insert(path, file);
        }
        for (path, mut file) in gone {
            if file.is_gone(look) {
                look.teller.gone(&path, file.layer().flags().count());
                results.push(Reload::Applied);
            } else {
                self.files.insert(path, file);
            }
        }
        self.applied |= self.files.values().all(|file| file.state().applied);
        if self.kind == FileKind::Directory && !results.is_empty() {
            let files = self.files.values();
            self.shadowed.update(&self.path, files.map(WatchedFile::state), look.teller);
        }
        results
    }

    fn cannot_list(&mut self, error: &ListError, look: &mut ScanContext<'_>) -> Vec<Reload> {
        match error {
            // Nothing is known of the files, and nothing says that they are gone.
            ListError::Unanswered => {}
            _ => self.files.values_mut().for_each(WatchedFile::forget_waits),
        }
        if matches!(error, ListError::Io(_)) {
            look.look_in(RETRY.1);
        }
        let why = report::chain(error);
        let known = !self.files.is_empty();
        let long_enough = match error {
            ListError::Unanswered => UNANSWERED,
            _ => GONE,
        };
        let waits = known || matches!(error, ListError::Unanswered);
        if waits && !look.is_over(&mut self.unlisted, why.clone(), long_enough) {
            return Vec::new();
        }
        if self.problem.as_ref() == Some(&why) {
            return Vec::new();
        }
        look.teller.unlistable(&self.path, &why, known);
        self.problem = Some(why);
        vec![Reload::ReadError]
    }

    pub(super) fn layers(&self) -> impl Iterator<Item = &Layer> {
        self.files.values().map(WatchedFile::layer)
    }

    /// The lists that its files name.
    pub(super) fn lists(&self) -> impl Iterator<Item = PathBuf> {
        self.files.values().flat_map(WatchedFile::lists).cloned()
    }

    /// The size of the content in force.
    pub(super) fn bytes(&self) -> usize {
        self.files.values().map(|file| file.state().bytes).sum()
    }

    /// Whether all that stands in its files is in force.
    pub(super) fn is_wholly_good(&self) -> bool {
        self.problem.is_none()
            && !self.files.is_empty()
            && self.files.values().all(WatchedFile::is_wholly_good)
    }

    /// Why it was never applied as a whole, if it was not.
    pub(super) fn not_applied(&self) -> Option<String> {
        if self.applied {
            return None;
        }
        let of_a_file = match (&self.problem, &self.unlisted) {
            (Some(_), _) | (_, Some(_)) => None,
            (None, None) => self.files.values().find_map(WatchedFile::not_applied),
        };
        let unlisted = self.unlisted.as_ref().map(|wait| wait.what().as_str());
        let why = self.problem.as_deref().or(unlisted).unwrap_or("has not been read yet");
        Some(of_a_file.unwrap_or_else(|| format!("{}: {why}", self.path.display())))
    }

    pub(super) fn state(&self) -> SourceState {
        SourceState {
            path: self.path.clone(),
            kind: self.kind,
            applied: self.applied,
            problem: self.problem.clone(),
            layers: self.files.values().map(|file| file.state().clone()).collect(),
        }
    }
}
