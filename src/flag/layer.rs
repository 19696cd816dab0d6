//! What one file gives, and what several files give together.
//!
//! Layers are kept apart so that a flag comes back when the file above drops it. A flag whose new
//! definition is broken serves its own last good one; one that never was good hides nothing.

use super::{Digest, Flag};
use std::{collections::BTreeMap, sync::Arc};

/// Where a flag stands with its definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Compiled from the definition as it is now.
    Good,
    /// The definition as it is now is broken; this is the last good one.
    Quarantined,
    /// The definition is broken and never was good: the flag answers with a parse error.
    Broken,
}

/// A flag of one file.
#[derive(Debug, Clone)]
pub struct LayerFlag {
    flag: Arc<Flag>,
    standing: Standing,
}

impl LayerFlag {
    pub(super) fn new(flag: Arc<Flag>, standing: Standing) -> Self {
        Self { flag, standing }
    }

    /// The flag to serve.
    pub fn flag(&self) -> &Arc<Flag> {
        &self.flag
    }

    /// Where it stands with its definition.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// Whether compiling this source again would give this flag again.
    pub(super) fn was_compiled_from(&self, source: &Digest) -> bool {
        self.standing == Standing::Good && self.flag.digests.source == *source
    }
}

/// The flags of one file, by key.
#[derive(Debug, Clone, Default)]
pub struct Layer {
    flags: BTreeMap<Box<str>, LayerFlag>,
}

impl Layer {
    pub(super) fn insert(&mut self, flag: LayerFlag) {
        self.flags.insert(flag.flag.key.clone(), flag);
    }

    pub(super) fn get(&self, key: &str) -> Option<&LayerFlag> {
        self.flags.get(key)
    }

    /// The flags in the order of their keys.
    pub fn flags(&self) -> impl Iterator<Item = &LayerFlag> {
        self.flags.values()
    }
}

/// The flags of all layers together, in the order of their keys: later layers win.
pub fn merge<'a>(layers: impl IntoIterator<Item = &'a Layer>) -> Vec<&'a LayerFlag> {
    let mut merged: BTreeMap<&str, &LayerFlag> = BTreeMap::new();
    for flag in layers.into_iter().flat_map(Layer::flags) {
        if flag.standing != Standing::Broken || !merged.contains_key(flag.flag.key()) {
            merged.insert(flag.flag.key(), flag);
        }
    }
    merged.into_values().collect()
}
