//! Digests of what flags are made of, by which definitions and flags are compared.

use crate::{document::json::Json, flag::model::Digest};
use sha2::{Digest as _, Sha256};

/// Hashes parts so that no two different lists of parts look alike.
pub(crate) fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Digest {
    let mut hash = PartsHash::default();
    parts.into_iter().for_each(|part| hash.part(part));
    hash.finish()
}

/// A longer canonical text is never there as a whole.
const MOST_BUFFERED: usize = 4096;

/// The hash of a list of parts.
#[derive(Default)]
pub(crate) struct PartsHash(Sha256);

impl PartsHash {
    pub(crate) fn part(&mut self, part: &[u8]) {
        self.joined(&[part]);
    }

    /// Adds one part that is made of several.
    pub(crate) fn joined(&mut self, parts: &[&[u8]]) {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        self.0.update((length as u64).to_le_bytes());
        parts.iter().for_each(|part| self.0.update(part));
    }

    /// Adds the canonical text of a value.
    pub(crate) fn json(&mut self, value: Json<'_>) {
        // Going over a value costs more than a buffer that is of a bounded size.
        let mut buffer = Vec::with_capacity(256);
        let mut is_whole = true;
        value.canonical(&mut |part| {
            is_whole &= buffer.len() + part.len() <= MOST_BUFFERED;
            if is_whole {
                buffer.extend_from_slice(part);
            }
        });
        if is_whole {
            return self.part(&buffer);
        }
        let mut length = 0;
        value.canonical(&mut |part| length += part.len() as u64);
        self.0.update(length.to_le_bytes());
        value.canonical(&mut |part| self.0.update(part));
    }

    pub(crate) fn finish(self) -> Digest {
        self.0.finalize().into()
    }
}
