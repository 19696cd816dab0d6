//! The texts of a message, checked together where that is possible.

use super::Malformed;

/// Where the texts of a message are read from.
///
/// Checking a message at once costs less than checking each of its texts; it is only possible where
/// no length or number in it has a byte that text cannot have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Texts<'a> {
    whole: Option<&'a str>,
    start: usize,
}

impl<'a> Texts<'a> {
    /// Texts checked together, if the message allows it.
    pub(crate) fn of(message: &'a [u8]) -> Self {
        Self { whole: std::str::from_utf8(message).ok(), start: message.as_ptr() as usize }
    }

    /// Texts checked one by one.
    pub(super) const EACH: Self = Self { whole: None, start: 0 };

    #[inline]
    pub(super) fn read(self, bytes: &'a [u8]) -> Result<&'a str, Malformed> {
        let Some(whole) = self.whole else {
            return std::str::from_utf8(bytes).map_err(|_| Malformed);
        };
        let offset = (bytes.as_ptr() as usize).wrapping_sub(self.start);
        // A part that does not begin and end with whole characters is no text.
        whole.get(offset..offset.wrapping_add(bytes.len())).ok_or(Malformed)
    }
}
