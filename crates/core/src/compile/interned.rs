//! Equal parts of flags, kept once: variants and metadata that many flags of a file repeat.
//!
//! YAML's aliases make such files: what one line repeats must not cost memory for each flag.

use crate::flag::{Digest, Variant, digest::digest};
use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// Parts of flags that were compiled before.
#[derive(Debug, Default)]
pub(crate) struct Interned {
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

    /// Gives up the metadata of a flag that was dropped, and the variants of this text, unless another
    /// flag has them too.
    pub(crate) fn forget(&self, metadata: &Arc<[u8]>, variants: Option<&str>) {
        let mut known = self.metadata.borrow_mut();
        let is_unused = |same: &Arc<[u8]>| {
            Arc::strong_count(same) == 1 + usize::from(Arc::ptr_eq(same, metadata))
        };
        if known.get(metadata).is_some_and(is_unused) {
            known.remove(metadata);
        }
        let mut known = self.variants.borrow_mut();
        let Some(text) = variants.map(|text| digest([text.as_bytes()])) else { return };
        if known.get(&text).is_some_and(|same| Arc::strong_count(same) == 1) {
            known.remove(&text);
        }
    }
}
