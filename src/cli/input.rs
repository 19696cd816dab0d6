//! What commands read: flag files and directories of them, and `-` for standard input.

use crate::{
    files::{
        disk,
        listing::{self, ListError},
        read::{self, ReadError},
    },
    source::lists::Loaded,
};
use flagstaff_core::Format;
use std::{
    io::{Read, stdin},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// Whether a path means standard input. A file of this name is `./-`.
pub(super) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// How long a file system is given to answer, and a lease to end.
const LIMIT: Duration = Duration::from_secs(10);

/// How often a file that cannot be read for the moment is tried again.
const RETRY: Duration = Duration::from_millis(50);

/// The files that a path means at the moment, in the order in which later ones win.
pub(super) fn files(path: &Path) -> Result<Vec<PathBuf>, ListError> {
    if is_stdin(path) {
        return Ok(vec![path.to_path_buf()]);
    }
    let path = path.to_path_buf();
    let list = move || listing::files(&path);
    disk::within(LIMIT, list).unwrap_or(Err(ListError::Unanswered))
}

/// Reads a file, or standard input to its end: at most `max_bytes`.
pub(super) fn read(path: &Path, max_bytes: u64) -> Result<Vec<u8>, ReadError> {
    if !is_stdin(path) {
        let path = path.to_path_buf();
        return in_time(move || Ok((read::read(&path, max_bytes)?, false)));
    }
    let mut content = Vec::new();
    // One byte more than allowed is enough to see that there is more.
    stdin().lock().take(max_bytes.saturating_add(1)).read_to_end(&mut content)?;
    match content.len() as u64 > max_bytes {
        true => Err(ReadError::TooLarge { limit: max_bytes }),
        false => Ok(content),
    }
}

/// Reads a flag file with its lists, and says what it is written in. The lists of standard input
/// are in the working directory.
pub(super) fn load(path: &Path, max_bytes: u64) -> Result<(Loaded, Format), ReadError> {
    let file = path.to_path_buf();
    if !is_stdin(path) {
        let loaded = in_time(move || Loaded::read(&file, max_bytes))?;
        return Ok((loaded, Format::of(path)));
    }
    let content = read(path, max_bytes)?;
    let format = format_of(&content);
    let add_lists =
        move || Ok((Loaded::with_lists(content.clone(), format, &file, max_bytes), false));
    Ok((in_time(add_lists)?, format))
}

/// Reads until the result is final. `read` also returns whether it may differ a moment later, as while
/// another process has a lease.
fn in_time<T: Send + 'static>(
    read: impl Fn() -> Result<(T, bool), ReadError> + Send + 'static,
) -> Result<T, ReadError> {
    let start = Instant::now();
    let read_until = move || {
        loop {
            let result = read();
            let is_final = match &result {
                Ok((_, may_differ)) => !may_differ,
                Err(error) => !matches!(error, ReadError::Leased),
            };
            if is_final || start.elapsed() + RETRY >= LIMIT {
                return result.map(|(read, _)| read);
            }
            thread::park_timeout(RETRY);
        }
    };
    disk::within(LIMIT + RETRY, read_until).unwrap_or(Err(ReadError::Unanswered))
}

/// What a text without a name is written in: JSON if it begins as a JSON object does, even one with
/// a mistake further on.
fn format_of(content: &[u8]) -> Format {
    let content = content.strip_prefix("\u{feff}".as_bytes()).unwrap_or(content).trim_ascii_start();
    let inside = content.strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
    match inside.and_then(<[u8]>::first) {
        Some(b'"' | b'}') => Format::Json,
        _ => Format::Yaml,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_json_if_it_begins_as_json_does() {
        for (text, format) in [
            ("{\"flags\": {},}", Format::Json),
            ("\u{feff} {\n }", Format::Json),
            ("{flags: {}}", Format::Yaml),
            ("flagstaff: 1\n", Format::Yaml),
            ("", Format::Yaml),
        ] {
            assert_eq!(format_of(text.as_bytes()), format, "{text}");
        }
    }
}
