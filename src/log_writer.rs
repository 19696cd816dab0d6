//! Standard error as the log's destination: counts lines that cannot be written, and notices when
//! the terminal behind it is gone.

use std::{
    io::{self, IsTerminal, Stderr, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio_util::sync::CancellationToken;
use tracing_appender::non_blocking::ErrorCounter;

/// Writes whole lines to standard error. A line that cannot be written is lost.
#[derive(Debug)]
pub(super) struct LogWriter {
    to: Stderr,
    failed: Arc<AtomicU64>,
    /// A part of the line before may have been written, without its end.
    is_torn: bool,
    is_terminal: bool,
    terminal_gone: CancellationToken,
}

/// Lines that could not be written.
#[derive(Debug)]
pub(super) struct FailedLines(Arc<AtomicU64>);

/// Counts the log lines that were lost, for whatever reason; clones count the same.
#[derive(Debug, Clone)]
pub struct LostLines {
    /// Dropped from the queue because the reader was too slow.
    dropped: ErrorCounter,
    /// Refused by the file system or the terminal.
    failed: Arc<AtomicU64>,
}

impl FailedLines {
    pub(super) fn beside(self, dropped: ErrorCounter) -> LostLines {
        LostLines { dropped, failed: self.0 }
    }
}

impl LostLines {
    pub(crate) fn count(&self) -> u64 {
        self.dropped.dropped_lines() as u64 + self.failed.load(Ordering::Relaxed)
    }
}

impl LogWriter {
    pub(super) fn new(to: Stderr) -> (Self, FailedLines) {
        let failed = Arc::<AtomicU64>::default();
        let writer = Self {
            is_terminal: to.is_terminal(),
            to,
            failed: Arc::clone(&failed),
            is_torn: false,
            terminal_gone: CancellationToken::new(),
        };
        (writer, FailedLines(failed))
    }

    pub(super) fn terminal_gone(&self) -> CancellationToken {
        self.terminal_gone.clone()
    }
}

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.to.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }

    /// The log's thread calls this once for each line.
    fn write_all(&mut self, line: &[u8]) -> io::Result<()> {
        let end_of_torn: &[u8] = if self.is_torn { b"\n" } else { b"" };
        let written = self.to.write_all(end_of_torn).and_then(|()| self.to.write_all(line));
        self.is_torn = written.is_err();
        if written.is_err() {
            self.failed.fetch_add(1, Ordering::Relaxed);
            // A terminal that hung up is no terminal any more.
            if self.is_terminal && !self.to.is_terminal() {
                self.terminal_gone.cancel();
            }
        }
        written
    }
}
