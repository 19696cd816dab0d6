//! The directories that paths depend on, and watching them.

use super::{
    super::chain::Chain,
    directories::{Directories, Refusal},
    events::Events,
};
use std::{path::PathBuf, sync::Arc};

/// What became of the attempt to watch directories.
type Watched = (Option<Directories>, Option<Refusal>);

/// A path, and what it depends on.
#[derive(Debug)]
pub(super) struct Resolved {
    path: PathBuf,
    pub(super) chain: Arc<Chain>,
}

impl Resolved {
    pub(super) fn of(path: PathBuf) -> Self {
        let chain = Arc::new(Chain::of([&path]));
        Self { path, chain }
    }

    fn is_same_now(&self) -> bool {
        *self.chain == Chain::of([&self.path])
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
