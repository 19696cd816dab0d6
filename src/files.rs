//! Files: reading one whole, listing a directory, and operations that end in time.

pub(crate) mod disk;
pub(crate) mod listing;
pub(crate) mod read;
