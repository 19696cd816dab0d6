//! A flag as it is served: what it answers with, by what, and what it is compared by.

use super::{encoded, origin, rule};
use std::sync::Arc;

/// SHA-256.
pub type Digest = [u8; 32];

/// The place of a variant in [`Flag::variants`].
pub type VariantIndex = usize;

/// A compiled flag: immutable, and complete.
#[derive(Debug)]
pub struct Flag {
    pub(crate) key: Box<str>,
    pub behaviour: Behaviour,
    pub(crate) variants: Arc<[Variant]>,
    pub(crate) default: Option<VariantIndex>,
    pub(crate) metadata: Arc<[u8]>,
    /// Why the flag exists, where a member `description` says it and no metadata of the flag.
    pub(crate) description: Option<Box<str>>,
    /// When time alone may change an answer.
    pub(crate) boundaries: Box<[Arc<[i64]>]>,
    pub(crate) origin: origin::Origin,
    pub(crate) digests: Digests,
}

/// How a flag finds its answer.
#[derive(Debug)]
pub enum Behaviour {
    /// Switched off.
    Disabled,
    /// Always the default variant.
    Static,
    /// What the rule says.
    Targeted(rule::Rule),
    /// Never had a usable definition: a parse error, and why.
    Broken(Box<str>),
}

/// A variant of a flag.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    pub(crate) name: Box<str>,
    pub(crate) value: VariantValue,
}

/// The value of a variant.
#[derive(Debug, Clone, PartialEq)]
pub enum VariantValue {
    /// A boolean.
    Bool(bool),
    /// A string.
    String(Box<str>),
    /// A number; JSON knows one kind.
    Number(f64),
    /// An object, encoded as a `google.protobuf.Struct`.
    Object(Box<[u8]>),
    /// A list or null, encoded as JSON text: no flag type can carry it.
    Other(Box<str>),
}

/// What a flag is compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digests {
    /// Of the definition's text and of what else in its file it depends on.
    pub(crate) source: Digest,
    /// Of the targeting, references resolved.
    pub(crate) targeting: Digest,
    /// Of everything that can change an answer.
    pub(crate) meaning: Digest,
    /// Of what the definition means, which is another only below an override.
    pub(crate) definition: Digest,
}

impl Flag {
    /// The key clients ask by.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The variants, ordered by name.
    pub fn variants(&self) -> &[Variant] {
        &self.variants
    }

    /// The variant that applies when no rule does.
    pub fn default_variant(&self) -> Option<VariantIndex> {
        self.default
    }

    /// That variant itself.
    pub fn default(&self) -> Option<&Variant> {
        self.variants.get(self.default?)
    }

    /// The flag's metadata over that of its file, encoded as a `google.protobuf.Struct`.
    pub fn metadata(&self) -> &[u8] {
        &self.metadata
    }

    /// Whether the answer depends on the context at all.
    pub fn is_targeted(&self) -> bool {
        matches!(self.behaviour, Behaviour::Targeted(_))
    }

    /// Whether the flag always answers its default variant.
    pub fn is_static(&self) -> bool {
        matches!(self.behaviour, Behaviour::Static)
    }

    /// Whether the flag is switched off.
    pub fn is_disabled(&self) -> bool {
        matches!(self.behaviour, Behaviour::Disabled)
    }

    /// Whether its metadata asks for every exposure to be seen (`exposures: exact`).
    pub fn has_exact_exposures(&self) -> bool {
        let told = encoded::members(&self.metadata).filter_map(Result::ok);
        told.filter(|(name, _)| *name == "exposures").any(|(_, value)| value.is_text("exact"))
    }

    /// SHA-256 of everything that can change an answer.
    pub fn digest(&self) -> &Digest {
        &self.digests.meaning
    }

    /// The same, of what the file says, whether or not an override decides.
    pub fn definition_digest(&self) -> &Digest {
        &self.digests.definition
    }

    pub(crate) fn variant_named(&self, name: &str) -> Option<VariantIndex> {
        // Names of a few variants mostly differ in length, so that looking at each is faster.
        if self.variants.len() <= 8 {
            return self.variants.iter().position(|variant| &*variant.name == name);
        }
        self.variants.binary_search_by(|variant| (*variant.name).cmp(name)).ok()
    }
}

impl Variant {
    /// The name rules and metrics know it by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What clients get.
    pub fn value(&self) -> &VariantValue {
        &self.value
    }
}
