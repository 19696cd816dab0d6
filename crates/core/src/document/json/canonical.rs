//! JSON without blanks and with sorted names: the same bytes for the same value.

use super::{Json, JsonNumber, JsonText};
use crate::document::integers;

/// How numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Numbers {
    AsWritten,
    AsServed,
}

impl Json<'_> {
    /// Shows the canonical text, part by part.
    pub(crate) fn canonical(self, see: &mut dyn FnMut(&[u8])) {
        self.write(Numbers::AsWritten, see);
    }

    fn write(self, numbers: Numbers, see: &mut dyn FnMut(&[u8])) {
        match self {
            Self::Null => see(b"null"),
            Self::Bool(true) => see(b"true"),
            Self::Bool(false) => see(b"false"),
            Self::Number(number) => number.write(numbers, see),
            Self::String(text) => text.canonical(see),
            Self::Array(list) => {
                see(b"[");
                for (place, element) in list.iter().enumerate() {
                    if place > 0 {
                        see(b",");
                    }
                    element.write(numbers, see);
                }
                see(b"]");
            }
            Self::Object(object) => {
                see(b"{");
                if let Some((name, value)) = object.only() {
                    member(&name, value, numbers, see);
                } else {
                    for (place, (name, value)) in object.members().enumerate() {
                        if place > 0 {
                            see(b",");
                        }
                        member(&name, value, numbers, see);
                    }
                }
                see(b"}");
            }
        }
    }

    /// The canonical text.
    pub fn to_canonical(self) -> String {
        self.to_text(Numbers::AsWritten)
    }

    /// The same with each integer that a double cannot hold as the number that is served.
    pub(crate) fn to_served(self) -> String {
        self.to_text(Numbers::AsServed)
    }

    fn to_text(self, numbers: Numbers) -> String {
        let mut length = 0;
        self.write(numbers, &mut |part| length += part.len());
        let mut text = Vec::with_capacity(length);
        self.write(numbers, &mut |part| text.extend_from_slice(part));
        String::from_utf8(text).unwrap_or_default()
    }
}

fn member(name: &str, value: Json<'_>, numbers: Numbers, see: &mut dyn FnMut(&[u8])) {
    put_text(name, see);
    see(b":");
    value.write(numbers, see);
}

/// Shows a text in quotes.
pub(super) fn put_text(text: &str, see: &mut dyn FnMut(&[u8])) {
    let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    if text.bytes().all(is_plain) {
        see(b"\"");
        see(text.as_bytes());
        see(b"\"");
    } else {
        see(&serde_json::to_vec(text).unwrap_or_default());
    }
}

impl JsonText<'_> {
    fn canonical(self, see: &mut dyn FnMut(&[u8])) {
        match self.0.contains('\\') {
            true => put_text(&self.get(), see),
            false => see(self.0.as_bytes()),
        }
    }
}

impl JsonNumber<'_> {
    fn write(self, numbers: Numbers, see: &mut dyn FnMut(&[u8])) {
        let digits = self.0.strip_prefix('-').unwrap_or(self.0);
        // Integers of so many digits are written as they are; -0 is a double.
        let is_plain = digits.len() <= 15 && digits.bytes().all(|byte| byte.is_ascii_digit());
        match is_plain && self.0 != "-0" {
            true => see(self.0.as_bytes()),
            false if numbers == Numbers::AsServed => {
                see(integers::rounded(&self.get()).to_string().as_bytes());
            }
            false => see(self.get().to_string().as_bytes()),
        }
    }
}
