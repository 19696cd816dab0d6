//! What says that a file is in the readable format.

/// The member that says a file is written in this format, and in which version of it.
pub const VERSION: &str = "flagstaff";

/// Whether a file can have a name in it: it stands there, unless it is written with escapes.
pub(super) fn may_have(content: &[u8], name: &str) -> bool {
    std::str::from_utf8(content).is_ok_and(|text| text.contains(name) || text.contains('\\'))
}
