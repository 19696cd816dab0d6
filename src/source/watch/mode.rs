//! By what changes are noticed: by file events, or by the poll alone.

/// How changes are to be noticed (`--watch`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WatchOption {
    /// By file events, and by a slow poll beside them.
    Auto,
    /// By the poll alone.
    Poll,
}

/// How changes are noticed at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WatchMode {
    /// Every directory that matters reports its events.
    Inotify,
    /// Some or all changes are seen by the poll only.
    Poll,
}

impl WatchMode {
    /// The mode as metrics and logs write it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Inotify => "inotify",
            Self::Poll => "poll",
        }
    }
}
