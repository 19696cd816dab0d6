//! Bytes in, bytes out: requests read in place, answers framed once at load.
//!
//! An answer is a whole gRPC frame, its five-byte prefix included, so that answering shares bytes
//! and copies none.

mod answers;
mod events;
pub(crate) mod method;
mod request;

pub(crate) use answers::put_any_flag;
pub use answers::{Answers, Type};
pub(crate) use events::{Change, changed, keep_alive, provider_ready, provider_shutdown};
pub(crate) use request::BulkRequest;
pub use request::ResolveRequest;

use bytes::Bytes;
use flagstaff_core::Fields;

/// Whether the bytes are a protobuf message at all.
pub(crate) fn is_message(bytes: &[u8]) -> bool {
    Fields::new(bytes).all(|field| field.is_ok())
}

/// The length of a gRPC frame's prefix: a compression flag and a big-endian length.
pub(crate) const PREFIX: usize = 5;

/// Appends a message to `out` as a frame that is not compressed.
pub(crate) fn put_frame(out: &mut Vec<u8>, message: &[u8]) {
    out.push(0);
    // A message is bounded by the file it comes from, far below 4 GiB.
    out.extend_from_slice(&u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(message);
}

/// A message as a frame.
pub(crate) fn frame(message: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(PREFIX + message.len());
    put_frame(&mut out, message);
    out.into()
}
