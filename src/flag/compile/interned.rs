//! Equal parts of flags, kept once: variants and metadata that many flags of a file repeat.
//!
//! YAML's aliases make such files: what one line repeats must not cost memory for each flag.

use super::digest;
use crate::flag::{Digest, Variant};
use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// Parts of flags that were compiled before.
#[derive(Debug, Default)]
pub(super) struct Interned {
    /// Variants without a diagnostic, by the digest of their text.
    variants: RefCell<HashMap<Digest, Arc<[Variant]>>>,
    metadata: RefCell<HashSet<Arc<[u8]>>>,
}

impl Interned {
    /// The variants of a text that was compiled before.
    pub(super) fn variants(&self, text: &str) -> Option<Arc<[Variant]>> {
        self.variants.borrow().get(&digest([text.as_bytes()])).cloned()
    }

    /// Keeps the variants of a text for the next flag that has the same.
    pub(super) fn keep_variants(&self, text: &str, variants: &Arc<[Variant]>) {
        self.variants.borrow_mut().insert(digest([text.as_bytes()]), Arc::clone(variants));
    }

    /// Metadata as it was encoded before, if it was.
    pub(super) fn metadata(&self, encoded: Box<[u8]>) -> Arc<[u8]> {
        let mut known = self.metadata.borrow_mut();
        if let Some(same) = known.get(&*encoded) {
            return Arc::clone(same);
        }
        let new = Arc::from(encoded);
        known.insert(Arc::clone(&new));
        new
    }
}
