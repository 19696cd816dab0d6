//! File descriptors: as many as the process is granted, and no more connections than they carry.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs;
use tracing::{debug, warn};

/// Open connections on all evaluation ports together.
const CLIENTS: u64 = 4096;
/// Open connections on the management port.
const MANAGEMENT: u64 = 256;
/// Kept free for flag files and their directories, and for connections on their way in (one for
/// each listener) and out (some for each gate).
const SPARE: u64 = 24;

/// How many connections may be open at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Connections {
    pub(crate) clients: usize,
    pub(crate) management: usize,
}

impl Connections {
    /// Raises the process's limit of open files as far as it may go, and shares out what it has
    /// not used yet. To be called when all that stays open is open.
    pub(crate) fn granted() -> Self {
        let limit = getrlimit(Resource::Nofile);
        let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
        let limit = match setrlimit(Resource::Nofile, raised) {
            Ok(()) => limit.maximum,
            Err(error) => {
                debug!(error = %error, "cannot raise the limit of open files");
                limit.current
            }
        };
        // No limit is more than enough.
        let limit = limit.unwrap_or(u64::MAX);
        let used = fs::read_dir("/proc/self/fd").map_or(64, |files| files.count() as u64);
        let connections = Self::share(limit, used);
        let clients = connections.clients;
        if (clients as u64) < CLIENTS {
            let wanted = used + SPARE + MANAGEMENT + CLIENTS;
            let message = "few clients can connect: the process may not open enough files";
            warn!(limit, wanted, clients, "{message} (raise ulimit -n)");
        }
        connections
    }

    fn share(limit: u64, used: u64) -> Self {
        let free = limit.saturating_sub(used + SPARE);
        let management = (free / 8).clamp(4, MANAGEMENT);
        let clients = free.saturating_sub(management).clamp(1, CLIENTS);
        let number = |number| usize::try_from(number).unwrap_or(1);
        Self { clients: number(clients), management: number(management) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_are_shared_out_and_some_kept() {
        for (limit, clients, management) in
            [(u64::MAX, 4096, 256), (20_000, 4096, 256), (1024, 854, 122), (64, 12, 4), (9, 1, 4)]
        {
            let shared = Connections::share(limit, 24);
            assert_eq!(shared, Connections { clients, management }, "{limit}");
        }
    }
}
