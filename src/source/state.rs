//! What is known of the sources after a look: immutable, for whoever tells of it.

use super::watch::{WatchMode, Watcher};
use crate::{files::listing::FileKind, metrics::Reload, report, snapshot::Snapshot};
use flagstaff_core::{Diagnostic, Layer};
use serde_json::Value as Json;
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

/// Everything, as of the last look.
#[derive(Debug, Clone, Default)]
pub(crate) struct SourcesState {
    pub(crate) watching: Option<Watching>,
    /// When a scan last read every flag file and override.
    pub(crate) last_scan: Option<SystemTime>,
    /// In the order in which later ones win.
    pub(crate) sources: Vec<SourceState>,
    /// The directory of local overrides, if there is to be one.
    pub(crate) overrides_directory: Option<PathBuf>,
    /// Each override as it stands, in the shape of the status.
    pub(crate) overrides: Vec<Json>,
    /// What is served.
    pub(crate) snapshot: Option<Arc<Snapshot>>,
}

/// How changes are noticed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Watching {
    pub(crate) mode: WatchMode,
    /// Why not by events, although they were asked for.
    pub(crate) refusal: Option<String>,
    pub(crate) poll_interval: Duration,
}

impl Watching {
    pub(super) fn of(watcher: &Watcher) -> Self {
        Self {
            mode: watcher.mode(),
            refusal: watcher.refusal().map(|refusal| report::chain(refusal)),
            poll_interval: watcher.poll_interval(),
        }
    }
}

/// One configured PATH.
#[derive(Debug, Clone)]
pub(crate) struct SourceState {
    pub(crate) path: PathBuf,
    pub(crate) kind: FileKind,
    /// Whether every file it had at one moment was applied once.
    pub(crate) applied: bool,
    /// Why the directory cannot be listed, if it cannot.
    pub(crate) problem: Option<String>,
    /// In the order in which later ones win.
    pub(crate) layers: Vec<LayerState>,
}

/// One file: what it last said, and the last good flags it gave.
#[derive(Debug, Clone)]
pub(crate) struct LayerState {
    pub(crate) path: PathBuf,
    pub(crate) layer: Arc<Layer>,
    /// How the last change went; `None` before the first.
    pub(crate) last: Option<Reload>,
    pub(crate) last_change: Option<SystemTime>,
    /// Whether it ever gave flags.
    pub(crate) applied: bool,
    /// The size of the content in force.
    pub(crate) bytes: usize,
    /// What is wrong with the last content.
    pub(crate) problems: Arc<[Diagnostic]>,
    pub(crate) cannot_update: Option<&'static str>,
}
