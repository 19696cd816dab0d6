//! Contexts as large as a request may be, in any encoding that is valid.

use fastrand::Rng;

/// The bytes of the largest context: those of a request but for the key and the lengths.
const LARGEST: usize = 999_980;

/// A piece of a context, repeated as often as there is room.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Piece {
    /// A text of this length, made of the pattern.
    Text(&'static str, usize),
    /// A list of an element.
    List(Box<Self>),
    /// An object of members with this name, numbered if the number is more than 0.
    Object(&'static str, usize, Box<Self>),
    Number(f64),
    /// A value with so many fields that say null, and then a text.
    Junk(usize),
    /// No field at all, which is null.
    Nothing,
}

/// The attributes by name, with a share of the context each.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    attributes: Vec<(&'static str, Piece, usize)>,
    /// So many attributes more, with names of this length.
    crowd: (usize, usize),
}

/// Names that rules ask for.
pub(crate) const NAMES: [&str; 8] = ["a", "b", "l", "m", "o", "n", "p", "targetingKey"];

const PATTERNS: [&str; 12] =
    ["a", "ab", "1", "9007199254740993.", "0", ".", "1.", " ", "é", "\u{2003}", "1.0.0-a.", "-0."];

fn piece(rng: &mut Rng, depth: usize) -> Piece {
    let pattern = PATTERNS[rng.usize(..PATTERNS.len())];
    let long = [1, 8, 18, 40, 64, 120, 300, 800, 5_000, 100_000, LARGEST];
    match rng.u8(..if depth < 2 { 8 } else { 4 }) {
        0 => Piece::Number([1e308, 5e-324, 0.1, 7.0, 2.2250738585072014e-308][rng.usize(..5)]),
        1 => Piece::Junk(rng.usize(1..200)),
        2 => Piece::Nothing,
        3 | 4 => Piece::Text(pattern, long[rng.usize(..if depth == 0 { 11 } else { 8 })]),
        5 | 6 => Piece::List(Box::new(piece(rng, depth + 1))),
        _ => {
            let name = ["", "x", "averylongnameofamember"][rng.usize(..3)];
            Piece::Object(name, rng.usize(..2), Box::new(piece(rng, depth + 1)))
        }
    }
}

/// A length-delimited protobuf field.
fn field(number: u8, content: &[u8], out: &mut Vec<u8>) {
    out.push(number << 3 | 2);
    let mut length = content.len();
    while length >= 0x80 {
        out.push(u8::try_from(length & 0x7f | 0x80).unwrap_or_default());
        length >>= 7;
    }
    out.push(u8::try_from(length).unwrap_or_default());
    out.extend(content);
}

fn member(name: &str, value: &[u8], out: &mut Vec<u8>) {
    let mut entry = Vec::new();
    field(1, name.as_bytes(), &mut entry);
    field(2, value, &mut entry);
    field(1, &entry, out);
}

/// A `google.protobuf.Value` of at most about so many bytes.
fn value(piece: &Piece, room: usize) -> Vec<u8> {
    let mut out = Vec::new();
    match piece {
        Piece::Nothing => {}
        Piece::Number(number) => {
            out.push(0x11);
            out.extend(number.to_le_bytes());
        }
        Piece::Text(pattern, length) => {
            let length = (*length).min(room);
            field(3, pattern.repeat(length / pattern.len() + 1).as_bytes(), &mut out);
        }
        Piece::Junk(count) => {
            out.extend([8, 0].repeat((*count).min(room / 2)));
            field(3, b"x", &mut out);
        }
        Piece::List(inner) => {
            let mut element = Vec::new();
            let share = room.min(8_000);
            field(1, &value(inner, share), &mut element);
            field(6, &element.repeat((room / element.len()).max(1)), &mut out);
        }
        Piece::Object(name, numbered, inner) => {
            let inner = value(inner, room.min(2_000));
            let mut members = Vec::new();
            for place in 0.. {
                let name =
                    if *numbered > 0 { format!("{name}{place}") } else { (*name).to_owned() };
                member(&name, &inner, &mut members);
                if members.len() + inner.len() + name.len() + 16 > room {
                    break;
                }
            }
            field(5, &members, &mut out);
        }
    }
    out
}

impl Context {
    pub(crate) fn new(rng: &mut Rng) -> Self {
        let mut context = Self { attributes: Vec::new(), crowd: (0, 0) };
        for name in NAMES {
            if rng.u8(..3) > 0 {
                context.attributes.push((name, piece(rng, 0), rng.usize(1..8)));
            }
        }
        context
    }

    /// Changes one thing.
    pub(crate) fn change(&mut self, rng: &mut Rng) {
        let place = rng.usize(..self.attributes.len().max(1));
        match (rng.u8(..6), self.attributes.get_mut(place)) {
            (0, _) => self.crowd = (rng.usize(..40_000), rng.usize(..12)),
            (1 | 2, Some((_, _, share))) => *share = rng.usize(1..100),
            (3 | 4, Some((_, old, _))) => *old = piece(rng, 0),
            _ => self.attributes.push((NAMES[rng.usize(..NAMES.len())], piece(rng, 0), 4)),
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let (count, length) = self.crowd;
        for place in 0..count {
            let mut name = place.to_string();
            name.truncate(length);
            member(&name, &[], &mut out);
            if out.len() > LARGEST / 2 {
                break;
            }
        }
        let room = LARGEST - out.len();
        let shares: usize = self.attributes.iter().map(|(_, _, share)| share).sum();
        for (name, piece, share) in &self.attributes {
            let before = out.len();
            member(name, &value(piece, (room / shares * share).saturating_sub(64)), &mut out);
            if out.len() > LARGEST {
                out.truncate(before);
            }
        }
        out
    }
}

/// Contexts that are as large as they can be and made of one kind of thing.
pub(crate) fn largest() -> Vec<Context> {
    let inside = |piece: Piece| Box::new(piece);
    let pieces = [
        Piece::Text("a", LARGEST),
        Piece::Text("é", LARGEST),
        Piece::List(inside(Piece::Nothing)),
        Piece::List(inside(Piece::Text("é", 8))),
        Piece::List(inside(Piece::Junk(3))),
        Piece::List(inside(Piece::List(inside(Piece::Nothing)))),
        Piece::Object("", 0, inside(Piece::Nothing)),
        Piece::Object("x", 1, inside(Piece::Number(0.1))),
        Piece::Junk(LARGEST / 2),
    ];
    let of_one = |piece| Context { attributes: vec![("b", piece, 1)], crowd: (0, 0) };
    let mut contexts: Vec<Context> = pieces.into_iter().map(of_one).collect();
    for crowd in [(16_000, 9), (200_000, 9), (500_000, 0)] {
        contexts.push(Context { attributes: Vec::new(), crowd });
    }
    contexts
}
