//! The bytes of a connection on a Unix socket: however they are cut, their authority is rewritten
//! to the same bytes, and no length changes.
#![no_main]

#[path = "../../src/server/authority.rs"]
mod authority;

/// What `authority.rs` imports from the file beside it.
mod stream {
    pub(super) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
}

use authority::Authority;
use libfuzzer_sys::fuzz_target;

/// The bytes of a connection, rewritten in pieces of this length.
fn rewritten(bytes: &[u8], piece: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut authority = Authority::default();
    bytes.chunks_mut(piece.max(1)).for_each(|piece| authority.rewrite(piece));
    bytes
}

fuzz_target!(|input: &[u8]| {
    let Some((piece, frames)) = input.split_first() else { return };
    let bytes = [&stream::PREFACE[..], frames].concat();
    let whole = rewritten(&bytes, bytes.len());
    assert_eq!(whole.len(), bytes.len());
    assert_eq!(whole, rewritten(&bytes, usize::from(*piece)), "in pieces of {piece}");
    assert_eq!(whole, rewritten(&whole, whole.len()), "once more");
});
