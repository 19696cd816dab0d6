//! One flag file: what it last said, and the last good flags it gave.

use super::read::read;
use crate::{
    flag::{Diagnostic, Digest, Generation, Layer, Level, Standing, compile},
    telemetry::{metrics::Reload, report},
};
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};
use tracing::warn;

/// A configured file.
#[derive(Debug)]
pub(super) struct File {
    path: PathBuf,
    layer: Layer,
    /// What the last look found, by which the next one knows whether anything is new.
    seen: Option<Seen>,
    /// How that went.
    last: Option<Reload>,
    applied: bool,
    bytes: usize,
}

#[derive(Debug, PartialEq)]
enum Seen {
    Content(Digest),
    Unreadable(String),
}

impl File {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, layer: Layer::default(), seen: None, last: None, applied: false, bytes: 0 }
    }

    pub(super) fn layer(&self) -> &Layer {
        &self.layer
    }

    /// The size of the content in force.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether all that stands in the file is in force.
    pub(super) fn is_wholly_good(&self) -> bool {
        self.last == Some(Reload::Applied)
    }

    /// Why the file was never applied, if it was not.
    pub(super) fn not_applied(&self) -> Option<String> {
        let why = match &self.seen {
            _ if self.applied => return None,
            None => "has not been read yet",
            Some(Seen::Unreadable(why)) => why,
            Some(Seen::Content(_)) => "is no flag definition file (the log names each problem)",
        };
        Some(format!("{}: {why}", self.path.display()))
    }

    /// Reads the file; `None` if it is as it was. New content replaces the layer, unless nothing
    /// in it can be served.
    pub(super) fn look(&mut self, max_bytes: u64, fallback: Generation) -> Option<Reload> {
        let content = match read(&self.path, max_bytes) {
            Ok(content) => content,
            Err(error) => {
                let why = report::chain(&error);
                let seen = Seen::Unreadable(why.clone());
                if self.seen.as_ref() == Some(&seen) {
                    return None;
                }
                warn!(path = %self.path.display(), why, "cannot read the flag file, keeping what it gave");
                return self.remember(seen, Reload::ReadError);
            }
        };
        let seen = Seen::Content(Sha256::digest(&content).into());
        if self.seen.as_ref() == Some(&seen) {
            return None;
        }
        let compiled = match std::str::from_utf8(&content) {
            Ok(text) => compile(text, fallback, &self.layer),
            Err(error) => Err(vec![not_text(&error)]),
        };
        let result = match compiled {
            Ok(compilation) => {
                tell(&self.path, &compilation.diagnostics);
                self.layer = compilation.layer;
                self.applied = true;
                self.bytes = content.len();
                let good = self.layer.flags().all(|flag| flag.standing() == Standing::Good);
                if good { Reload::Applied } else { Reload::Partial }
            }
            Err(problems) => {
                tell(&self.path, &problems);
                Reload::ParseError
            }
        };
        self.remember(seen, result)
    }

    fn remember(&mut self, seen: Seen, result: Reload) -> Option<Reload> {
        self.seen = Some(seen);
        self.last = Some(result);
        self.last
    }
}

fn not_text(error: &std::str::Utf8Error) -> Diagnostic {
    let path = format!("byte {}", error.valid_up_to());
    Diagnostic {
        level: Level::Error,
        path,
        message: "is not UTF-8 text".to_owned(),
        help: "save the file as UTF-8".to_owned(),
    }
}

/// One line that names every problem, so that none has to be found one reload at a time.
fn tell(path: &Path, problems: &[Diagnostic]) {
    let errors = problems.iter().filter(|problem| problem.level == Level::Error).count();
    let warnings = problems.len() - errors;
    if problems.is_empty() {
        return;
    }
    let shown: Vec<String> = problems.iter().take(MAX_SHOWN).map(ToString::to_string).collect();
    let mut shown = shown.join("; ");
    if problems.len() > MAX_SHOWN {
        shown.push_str(&format!("; and {} more", problems.len() - MAX_SHOWN));
    }
    warn!(path = %path.display(), errors, warnings, problems = shown, "the flag file has problems");
}

/// A log line names at most this many problems.
const MAX_SHOWN: usize = 50;
