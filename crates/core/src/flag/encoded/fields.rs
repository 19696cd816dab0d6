//! The fields of one protobuf message, read in place.

use super::Malformed;

/// One field's content, by wire type.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FieldContent<'a> {
    /// An integer, boolean or enum.
    Varint(u64),
    /// Eight bytes, little endian: a double.
    Fixed64(u64),
    /// A string, message or bytes.
    Bytes(&'a [u8]),
    /// Four bytes, of no use to us but to skip.
    Fixed32,
}

/// Walks the fields of one message.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// The fields of `message`, in the order they were written.
    pub fn new(message: &'a [u8]) -> Self {
        Self(message)
    }

    #[inline]
    fn varint(&mut self) -> Option<u64> {
        // Nearly every tag and length of a context is a single byte.
        match self.0.split_first() {
            Some((&byte, rest)) if byte < 0x80 => {
                self.0 = rest;
                Some(u64::from(byte))
            }
            _ => self.long_varint(),
        }
    }

    #[cold]
    fn long_varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn fixed<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*bytes)
    }

    #[inline(never)]
    fn any_field(&mut self) -> Result<(u64, FieldContent<'a>), Malformed> {
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        field.ok_or(Malformed)
    }

    fn field(&mut self) -> Option<(u64, FieldContent<'a>)> {
        let tag = self.varint()?;
        let content = match tag & 7 {
            0 => FieldContent::Varint(self.varint()?),
            1 => FieldContent::Fixed64(u64::from_le_bytes(self.fixed()?)),
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                let (bytes, rest) = self.0.split_at_checked(length)?;
                self.0 = rest;
                FieldContent::Bytes(bytes)
            }
            5 => {
                self.fixed::<4>()?;
                FieldContent::Fixed32
            }
            _ => return None,
        };
        (tag >= 8).then_some((tag >> 3, content))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, FieldContent<'a>), Malformed>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self.0 {
            [] => None,
            // A short text or message, as nearly every field is: one byte of tag, one of length.
            [tag @ 0x08..0x80, length @ ..0x80, rest @ ..]
                if tag & 7 == 2
                    && let Some((bytes, rest)) = rest.split_at_checked(usize::from(*length)) =>
            {
                self.0 = rest;
                Some(Ok((u64::from(tag >> 3), FieldContent::Bytes(bytes))))
            }
            // The same of up to 16 KiB, as a context is within its request.
            [tag @ 0x08..0x80, low @ 0x80..=0xff, high @ ..0x80, rest @ ..]
                if tag & 7 == 2
                    && let Some((bytes, rest)) = rest
                        .split_at_checked(usize::from(low & 0x7f) | usize::from(*high) << 7) =>
            {
                self.0 = rest;
                Some(Ok((u64::from(tag >> 3), FieldContent::Bytes(bytes))))
            }
            _ => Some(self.any_field()),
        }
    }
}
