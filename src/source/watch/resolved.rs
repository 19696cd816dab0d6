//! The directories that paths depend on, and watching them.

use super::{
    super::chain::Chain,
    directories::{Directories, WatchRefusal},
    events::Events,
};
use crate::files::disk::{Disk, Operation};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// What became of the attempt to watch directories.
type Watched = (Option<Directories>, Option<WatchRefusal>);

/// A path, and what it depends on.
#[derive(Debug)]
pub(super) struct Resolved {
    path: PathBuf,
    pub(super) chain: Arc<Chain>,
    /// The way to the path, if some entry of the directory does not answer.
    way: Option<Chain>,
}

impl Resolved {
    pub(super) fn of(path: PathBuf) -> Self {
        let chain = Arc::new(Chain::of([&path]));
        Self { path, chain, way: None }
    }

    /// As [`Resolved::of`], entry by entry: a link to a file system that hangs must not keep its
    /// directory from being watched.
    pub(super) fn in_parts(path: &Path, disk: &mut Disk) -> Option<Self> {
        let directory = path.to_path_buf();
        let resolve = move || Chain::without_entries(&directory);
        let (way, entries) = disk.run(Operation::ResolveWay, path, resolve)?;
        let mut chains = vec![Arc::new(way.clone())];
        for entry in entries {
            let link = entry.clone();
            let follow = move || Chain::follow(&link).0;
            chains.extend(disk.run(Operation::ResolveEntry, &entry, follow).map(Arc::new));
        }
        let chain = Arc::new(Chain::merged(&chains));
        Some(Self { path: path.to_path_buf(), chain, way: Some(way) })
    }

    pub(super) fn is_whole(&self) -> bool {
        self.way.is_none()
    }

    fn is_same_now(&self) -> bool {
        match &self.way {
            None => *self.chain == Chain::of([&self.path]),
            Some(way) => *way == Chain::without_entries(&self.path).0,
        }
    }
}

/// Watches all that the paths depend on, with another instance if there is none. Directories that
/// only paths depend on which do not answer stay watched, and are not asked for again.
pub(super) fn watch_all(
    directories: Option<Directories>,
    events: &Arc<Events>,
    answered: &[Resolved],
    all: &Arc<Chain>,
) -> Watched {
    let opened = directories.map_or_else(
        || {
            let events = Arc::clone(events);
            Directories::open(move |event| events.on_event(event))
        },
        Ok,
    );
    let mut directories = match opened {
        Ok(directories) => directories,
        Err(refusal) => return (None, Some(refusal)),
    };
    events.follow(Arc::clone(all));
    let wanted = answered.iter().flat_map(|resolved| resolved.chain.directories()).collect();
    let refusal = directories.set(&wanted, &all.directories()).err();
    // What changed before its directory was watched was not reported.
    if !answered.iter().all(Resolved::is_same_now) {
        events.miss();
    }
    (Some(directories), refusal)
}
