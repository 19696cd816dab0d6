//! The texts of a message, checked together where that is possible.

use super::Malformed;

/// Where the texts of a message are read from.
///
/// Checking a message at once costs less than checking each of its texts; it is only possible where
/// no length or number in it has a byte that text cannot have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TextDecoder<'a> {
    whole: Option<&'a str>,
}

impl<'a> TextDecoder<'a> {
    /// Texts checked together, if the message allows it.
    pub(crate) fn of(message: &'a [u8]) -> Self {
        Self { whole: std::str::from_utf8(message).ok() }
    }

    /// Texts checked one by one.
    pub(super) const EACH: Self = Self { whole: None };

    /// The whole message, if its texts were checked together.
    pub(crate) fn whole(self) -> Option<&'a str> {
        self.whole
    }

    #[inline]
    pub(super) fn read(self, bytes: &'a [u8]) -> Result<&'a str, Malformed> {
        let text = match self.whole {
            Some(whole) => part_of(whole, bytes),
            None => std::str::from_utf8(bytes).ok(),
        };
        text.ok_or(Malformed)
    }
}

/// The text that these bytes of a message are; `None` if they end within a character.
#[inline]
pub(crate) fn part_of<'a>(whole: &'a str, bytes: &[u8]) -> Option<&'a str> {
    let offset = (bytes.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize);
    whole.get(offset..offset.wrapping_add(bytes.len()))
}
