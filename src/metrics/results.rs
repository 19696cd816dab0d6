//! What reloads and update streams are counted by: closed sets of label values.

/// How a reload went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reload {
    /// Every definition is served.
    Applied,
    /// Some definitions are broken; their flags serve what they last were.
    Partial,
    /// The bytes differ, the answers do not.
    Unchanged,
    /// The file could not be read.
    ReadError,
    /// The file is no definition file.
    ParseError,
    /// The file has an error, and `--strict` takes no such file.
    Rejected,
    /// The file lost more than a quarter of its flags, and may be half written.
    Held,
}

impl Reload {
    pub(super) const ALL: [Self; 7] = [
        Self::Applied,
        Self::Partial,
        Self::Unchanged,
        Self::ReadError,
        Self::ParseError,
        Self::Rejected,
        Self::Held,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Partial => "partial",
            Self::Unchanged => "unchanged",
            Self::ReadError => "read_error",
            Self::ParseError => "parse_error",
            Self::Rejected => "rejected",
            Self::Held => "held",
        }
    }
}

/// What an update stream was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    Ready,
    Change,
    KeepAlive,
    Shutdown,
}

impl Event {
    pub(super) const ALL: [(Self, &'static str); 4] = [
        (Self::Ready, "provider_ready"),
        (Self::Change, "configuration_change"),
        (Self::KeepAlive, "keep_alive"),
        (Self::Shutdown, "provider_shutdown"),
    ];
}
