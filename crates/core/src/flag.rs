//! A flag as it is served: its model and its rule, what answers a request, and what is told of it.

pub(crate) mod arena;
pub(crate) mod boundaries;
pub(crate) mod bucket;
pub(crate) mod budget;
pub mod change;
pub mod context;
pub(crate) mod digest;
pub mod encoded;
pub mod evaluate;
pub(crate) mod explain;
pub(crate) mod facts;
pub(crate) mod model;
pub(crate) mod origin;
pub(crate) mod packed;
pub(crate) mod reach;
pub mod rule;
pub(crate) mod split_summary;
pub(crate) mod value;
pub mod version;

pub use model::{Behaviour, Digest, Digests, Flag, Variant, VariantIndex, VariantValue};
