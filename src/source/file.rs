//! One flag file: what it last said, and the last good flags it gave.

use super::{SourceOptions, read::read};
use crate::{
    flag::{Digest, Format, Layer, Standing, compile},
    telemetry::{
        metrics::Reload,
        report::{self, Teller},
    },
};
use sha2::{Digest as _, Sha256};
use std::path::PathBuf;

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
    /// The file was empty, as it is for a moment when it is being written.
    unsettled: bool,
}

#[derive(Debug, PartialEq)]
enum Seen {
    Content(Digest),
    Unreadable(String),
}

impl File {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            layer: Layer::default(),
            seen: None,
            last: None,
            applied: false,
            bytes: 0,
            unsettled: false,
        }
    }

    /// Whether the file should be looked at again soon, whatever the events say.
    pub(super) fn is_unsettled(&self) -> bool {
        self.unsettled
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
    pub(super) fn look(&mut self, options: &SourceOptions, teller: Teller) -> Option<Reload> {
        let was_unsettled = std::mem::replace(&mut self.unsettled, false);
        let content = match read(&self.path, options.max_file_bytes) {
            Ok(content) => content,
            Err(error) => {
                let why = report::chain(&error);
                let seen = Seen::Unreadable(why.clone());
                if self.seen.as_ref() == Some(&seen) {
                    return None;
                }
                teller.unreadable(&self.path, &why, self.applied);
                return self.remember(seen, Reload::ReadError);
            }
        };
        // No flag file is empty, but many are for a moment while they are written.
        if content.is_empty() && !was_unsettled && self.seen.is_some() {
            self.unsettled = true;
            return None;
        }
        let seen = Seen::Content(Sha256::digest(&content).into());
        if self.seen.as_ref() == Some(&seen) {
            return None;
        }
        let format = Format::of(&self.path);
        let compiled = compile(&content, format, options.fractional, &self.layer);
        let result = match compiled {
            Ok(compilation) => {
                let problems = &compilation.diagnostics;
                teller.problems(
                    &self.path,
                    problems,
                    "a broken flag serves its last good definition or, without one, PARSE_ERROR",
                );
                self.layer = compilation.layer;
                let was_bad = self.applied && self.last != Some(Reload::Applied);
                self.applied = true;
                self.bytes = content.len();
                let good = self.layer.flags().all(|flag| flag.standing() == Standing::Good);
                if good && was_bad {
                    teller.good_again(&self.path, self.layer.flags().count());
                }
                if good { Reload::Applied } else { Reload::Partial }
            }
            Err(problems) => {
                let outcome = if self.applied {
                    "the last good flags stay in force"
                } else {
                    "it gives no flags"
                };
                teller.problems(&self.path, &problems, outcome);
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
