//! Standard output of every command: a result that cannot be written is a failure.

use flagstaff_core::diagnostic::terminal::Printable;
use std::{
    io::{self, ErrorKind, Write, stderr, stdout},
    process::ExitCode,
};

/// Writes a command's result and returns its exit code: `code` if the result was written, otherwise 1
/// with a message on standard error.
///
/// A closed pipe is not a failure: `flagstaff check | head -1` reads as much as it wants.
pub(super) fn print(text: impl AsRef<[u8]>, code: ExitCode) -> ExitCode {
    let mut out = stdout().lock();
    let written = out.write_all(text.as_ref()).and_then(|()| out.flush());
    finish(written, code)
}

/// As [`print()`], line by line, for text that another process wrote: it cannot steer a terminal.
pub(super) fn print_lines(text: &str, code: ExitCode) -> ExitCode {
    let lines: String = text.lines().map(|line| format!("{}\n", Printable(line))).collect();
    print(lines, code)
}

/// The exit code of a command whose output was `written`.
pub(super) fn finish(written: io::Result<()>, code: ExitCode) -> ExitCode {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            // The exit code reports the failure if standard error cannot be written either.
            writeln!(stderr(), "error: cannot write to standard output: {error}")
                .unwrap_or_default();
            ExitCode::FAILURE
        }
        Ok(()) | Err(_) => code,
    }
}
