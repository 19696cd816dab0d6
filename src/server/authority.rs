//! Makes the `:authority` of clients on a Unix socket one that h2 accepts.
//!
//! grpcio sends the percent-encoded path of the socket there, grpc-java the plain path; h2 resets
//! such a stream (hyperium/h2#487), and the official Python provider cannot be told to send
//! another. On a Unix socket the authority means nothing, so the bytes that no host name has are
//! replaced as they pass (RFC 9113 frames, RFC 7541 header fields), one by one: no length changes,
//! HPACK's table stays in step, and nothing is kept. A Huffman-coded authority passes as it is;
//! both clients send such short values plainly.

use super::stream::PREFACE;

const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;
/// `:authority` in HPACK's static table (RFC 7541, appendix A).
const AUTHORITY: u8 = 1;
/// grpcio spells the name out.
const NAME: &[u8] = b":authority";

/// Where in the bytes of a connection the next one stands; it keeps no bytes.
#[derive(Debug)]
pub(super) struct Authority {
    frame: Frame,
    /// Outlives its frame: CONTINUATION goes on in mid-field.
    field: Field,
}

#[derive(Debug, Clone, Copy)]
enum Frame {
    Preface {
        at: usize,
    },
    /// What is left of a payload without header fields, or of padding.
    Skip(usize),
    Head {
        at: u8,
        length: usize,
        kind: u8,
        flags: u8,
    },
    PadLength {
        length: usize,
        flags: u8,
    },
    Priority {
        left: u8,
        length: usize,
        padding: usize,
    },
    Block {
        length: usize,
        padding: usize,
    },
    /// Not HTTP/2.
    Off,
}

#[derive(Debug, Clone, Copy)]
enum Field {
    Start,
    Index(LiteralField),
    LengthStart(LiteralField),
    Length { of: LiteralField, value: usize, shift: u32 },
    Text { of: LiteralField, left: usize },
}

/// A field whose text is on the wire.
#[derive(Debug, Clone, Copy)]
struct LiteralField {
    /// How many strings are still to come: a name and a value, a value, or none.
    strings: u8,
    authority: bool,
    huffman: bool,
}

const HEAD: Frame = Frame::Head { at: 0, length: 0, kind: 0, flags: 0 };

impl Default for Authority {
    fn default() -> Self {
        Self { frame: Frame::Preface { at: 0 }, field: Field::Start }
    }
}

impl Authority {
    /// Replaces what no host name has in the authorities among the next bytes.
    pub(super) fn rewrite(&mut self, bytes: &mut [u8]) {
        let mut bytes = bytes.iter_mut();
        loop {
            if let Frame::Skip(left) = &mut self.frame {
                let skipped = bytes.len().min(*left);
                if skipped > 0 {
                    bytes.nth(skipped - 1);
                }
                *left -= skipped;
                if *left > 0 {
                    return;
                }
                self.frame = HEAD;
            }
            let Some(byte) = bytes.next() else { return };
            self.frame = match self.frame {
                Frame::Off => return,
                Frame::Preface { at } if PREFACE.get(at) != Some(byte) => Frame::Off,
                Frame::Preface { at } if at + 1 == PREFACE.len() => HEAD,
                Frame::Preface { at } => Frame::Preface { at: at + 1 },
                frame => self.step(frame, byte),
            };
        }
    }

    fn step(&mut self, frame: Frame, byte: &mut u8) -> Frame {
        match frame {
            Frame::Head { at, length, kind, flags } => match at {
                0..3 => Frame::Head {
                    at: at + 1,
                    length: length << 8 | usize::from(*byte),
                    kind,
                    flags,
                },
                3 => Frame::Head { at: 4, length, kind: *byte, flags },
                4 => Frame::Head { at: 5, length, kind, flags: *byte },
                5..8 => Frame::Head { at: at + 1, length, kind, flags },
                _ => self.payload(length, kind, flags),
            },
            Frame::PadLength { length, flags } => {
                fields(length.saturating_sub(1), flags, usize::from(*byte))
            }
            Frame::Priority { left: 1, length, padding } => block(length, padding),
            Frame::Priority { left, length, padding } => {
                Frame::Priority { left: left - 1, length, padding }
            }
            Frame::Block { length, padding } => {
                self.field = self.field.step(byte);
                block(length - 1, padding)
            }
            Frame::Preface { .. } | Frame::Skip(_) | Frame::Off => frame,
        }
    }

    fn payload(&mut self, length: usize, kind: u8, flags: u8) -> Frame {
        match kind {
            HEADERS => {
                self.field = Field::Start;
                match length {
                    0 => HEAD,
                    _ if flags & PADDED != 0 => Frame::PadLength { length, flags },
                    _ => fields(length, flags, 0),
                }
            }
            CONTINUATION => block(length, 0),
            _ => Frame::Skip(length),
        }
    }
}

/// What follows the padding's length in a HEADERS frame with so many bytes left.
fn fields(length: usize, flags: u8, padding: usize) -> Frame {
    let priority = if flags & PRIORITY == 0 { 0 } else { 5 };
    match length.checked_sub(padding + usize::from(priority)) {
        // h2 will refuse the frame.
        None => Frame::Skip(length),
        Some(length) if priority > 0 => Frame::Priority { left: priority, length, padding },
        Some(length) => block(length, padding),
    }
}

fn block(length: usize, padding: usize) -> Frame {
    if length == 0 { Frame::Skip(padding) } else { Frame::Block { length, padding } }
}

impl Field {
    /// RFC 7541, section 6: each representation tells itself by its first bits.
    fn step(self, byte: &mut u8) -> Self {
        match self {
            Self::Start => {
                let (full, literal) = match *byte {
                    0x80.. => (0x7f, false),
                    0x40.. => (0x3f, true),
                    0x20.. => (0x1f, false),
                    _ => (0x0f, true),
                };
                let index = *byte & full;
                let of = LiteralField {
                    strings: if literal { 1 + u8::from(index == 0) } else { 0 },
                    // A name still to come may be it, until something in it differs.
                    authority: literal && (index == AUTHORITY || index == 0),
                    huffman: false,
                };
                if index == full { Self::Index(of) } else { of.next() }
            }
            Self::Index(of) if *byte & 0x80 == 0 => of.next(),
            Self::Index(_) => self,
            Self::LengthStart(of) => {
                let value = usize::from(*byte & 0x7f);
                let authority = of.authority && (of.strings == 1 || value == NAME.len());
                let of = LiteralField { authority, huffman: *byte & 0x80 != 0, ..of };
                if value == 0x7f { Self::Length { of, value, shift: 0 } } else { of.text(value) }
            }
            Self::Length { of, value, shift } => {
                let more = usize::from(*byte & 0x7f).checked_shl(shift).unwrap_or(0);
                let value = value.saturating_add(more);
                if *byte & 0x80 == 0 {
                    of.text(value)
                } else {
                    Self::Length { of, value, shift: shift.saturating_add(7) }
                }
            }
            Self::Text { of, left } if of.strings == 2 => {
                let same = !of.huffman
                    && NAME.len().checked_sub(left).and_then(|at| NAME.get(at)) == Some(byte);
                LiteralField { authority: of.authority && same, ..of }.text(left - 1)
            }
            Self::Text { of, left } => {
                let of_a_host = byte.is_ascii_alphanumeric() || matches!(*byte, b'.' | b'-');
                if of.authority && !of.huffman && !of_a_host {
                    *byte = b'-';
                }
                of.text(left - 1)
            }
        }
    }
}

impl LiteralField {
    fn text(self, left: usize) -> Field {
        if left > 0 {
            return Field::Text { of: self, left };
        }
        Self { strings: self.strings - 1, ..self }.next()
    }

    fn next(self) -> Field {
        if self.strings == 0 { Field::Start } else { Field::LengthStart(self) }
    }
}

#[cfg(test)]
mod tests;
