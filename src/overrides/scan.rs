//! Reads the directory for the sidecar: a file that does not answer delays no other file.

use super::directory::{Names, Unusable};
use crate::{
    files::disk::{Disk, Operation, ScanCause},
    overrides::override_file::Override,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    io,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

/// How long a file or the directory may be silent before that is reported.
const SILENT: Duration = Duration::from_secs(1);

/// What cannot be read for the moment is tried again at these intervals: sooner at first.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// Reads the directory, scan by scan.
#[derive(Debug, Default)]
pub(super) struct OverrideReader {
    disk: Disk,
    /// What was listed, while some of it is unread.
    listed: Option<Arc<Names>>,
    unread: BTreeSet<OsString>,
    /// The directory is still being listed.
    is_listing: bool,
    /// Since when files have not answered; the directory itself has the empty name.
    silent_since: BTreeMap<OsString, Instant>,
    /// Since when something cannot be read for a reason that may pass.
    unready_since: Option<Instant>,
    again: Option<Instant>,
}

/// What a scan found of the directory.
#[derive(Debug)]
pub(super) enum FoundOverrides {
    /// Nothing is new: there was nothing to go on with.
    Nothing,
    /// It does not answer, and that is to be reported or not yet.
    Silent {
        is_reported: bool,
    },
    Failed(io::Error),
    Files {
        files: Vec<(OsString, OverrideContent)>,
        left_out: usize,
    },
}

/// What a scan found of a file.
#[derive(Debug)]
pub(super) enum OverrideContent {
    Read(Result<Override, Unusable>),
    /// The scan only goes on with the last one, which has read it.
    NotRead,
    /// It does not answer, and that is to be reported or not yet.
    Silent {
        is_reported: bool,
    },
}

impl OverrideReader {
    pub(super) fn new(disk: Disk) -> Self {
        Self { disk, ..Self::default() }
    }

    pub(super) fn is_hanging(&self) -> bool {
        self.disk.is_hanging()
    }

    pub(super) fn has_late_result(&self) -> bool {
        self.disk.has_late_result()
    }

    /// When to scan again whatever the events say.
    pub(super) fn again(&self) -> Option<Instant> {
        self.again
    }

    pub(super) fn read(
        &mut self,
        directory: &Path,
        cause: ScanCause,
        now: Instant,
    ) -> FoundOverrides {
        self.disk.begin_scan(cause);
        let goes_on = cause == ScanCause::Return && !self.is_listing;
        if goes_on && self.listed.is_none() {
            return FoundOverrides::Nothing;
        }
        self.again = None;
        let listed = match (&self.listed, goes_on) {
            (Some(listed), true) => Arc::clone(listed),
            _ => match self.list(directory) {
                Some(Ok(Some(names))) => {
                    self.unread.clone_from(&names.names);
                    Arc::new(names)
                }
                Some(Ok(None)) => {
                    self.forget();
                    return FoundOverrides::Files { files: Vec::new(), left_out: 0 };
                }
                Some(Err(error)) => {
                    self.forget();
                    self.try_again(now);
                    return FoundOverrides::Failed(error);
                }
                None => {
                    return FoundOverrides::Silent {
                        is_reported: self.is_silent(OsString::new(), now),
                    };
                }
            },
        };
        self.silent_since.remove(&OsString::new());
        let (mut files, mut may_pass) = (Vec::new(), false);
        for name in &listed.names {
            if !self.unread.contains(name) {
                files.push((name.clone(), OverrideContent::NotRead));
                continue;
            }
            let (open, file) = (Arc::clone(&listed), name.clone());
            let read = move || open.read(&file);
            let read = self.disk.run(Operation::ReadOverride, &directory.join(name), read);
            let content = match read {
                Some(content) => {
                    self.unread.remove(name);
                    self.silent_since.remove(name);
                    content.map(OverrideContent::Read)
                }
                None => {
                    Some(OverrideContent::Silent { is_reported: self.is_silent(name.clone(), now) })
                }
            };
            may_pass |= matches!(&content, Some(OverrideContent::Read(Err(of))) if of.may_pass);
            files.extend(content.map(|content| (name.clone(), content)));
        }
        self.silent_since.retain(|name, _| self.unread.contains(name));
        let left_out = listed.left_out;
        self.listed = Some(listed).filter(|_| !self.unread.is_empty());
        if may_pass {
            self.try_again(now);
        } else if cause == ScanCause::Change {
            self.unready_since = None;
        }
        FoundOverrides::Files { files, left_out }
    }

    fn list(&mut self, directory: &Path) -> Option<io::Result<Option<Names>>> {
        let path = directory.to_path_buf();
        let list = move || Names::of(&path);
        let listed = self.disk.run(Operation::ListOverrides, directory, list);
        self.is_listing = listed.is_none();
        listed
    }

    fn forget(&mut self) {
        (self.listed, self.unready_since) = (None, None);
        self.unread.clear();
        self.silent_since.clear();
    }

    /// Whether something has been silent for long; if not, there will be another scan in time.
    fn is_silent(&mut self, name: OsString, now: Instant) -> bool {
        let due = *self.silent_since.entry(name).or_insert(now) + SILENT;
        if due > now {
            self.again = Some(self.again.map_or(due, |again| again.min(due)));
        }
        due <= now
    }

    fn try_again(&mut self, now: Instant) {
        let since = *self.unready_since.get_or_insert(now);
        let due = now + (now - since).clamp(RETRY.0, RETRY.1);
        self.again = Some(self.again.map_or(due, |again| again.min(due)));
    }
}
