//! The bytes fractional v3 hashes: a value's deterministic CBOR (RFC 8949, 4.2.1).

use crate::flag::{
    context::Evaluator,
    value::{Object, Text, Value},
};

impl<'a> Evaluator<'a, '_> {
    /// Appends the list of a flag's key and a targeting key.
    pub(super) fn put_pair(&mut self, key: &'a str, unit: Text<'a>) {
        self.put_head(4, 2);
        self.put_value(Value::text(key));
        self.put_value(Value::String(unit));
    }

    /// Appends a value.
    pub(super) fn put_value(&mut self, value: Value<'a>) {
        match value {
            Value::Null => self.arena.hash_bytes(&[0xf6]),
            Value::Bool(false) => self.arena.hash_bytes(&[0xf4]),
            Value::Bool(true) => self.arena.hash_bytes(&[0xf5]),
            Value::Number(number) => {
                let (bytes, length) = encode_number(number);
                self.arena.hash_bytes(bytes.get(..length).unwrap_or_default());
            }
            Value::String(text) => {
                self.put_head(3, self.arena.str(text).len());
                self.arena.hash_text(text);
            }
            Value::List(list) => {
                let base = self.arena.stack.len();
                self.arena.push_elements(list);
                let end = self.arena.stack.len();
                self.put_head(4, end - base);
                for at in base..end {
                    if self.arena.budget.is_exhausted() {
                        break;
                    }
                    let element = self.arena.stack.get(at).copied().unwrap_or(Value::Null);
                    self.put_value(element);
                }
                self.arena.stack.truncate(base);
            }
            Value::Object(object) => self.put_object(object),
        }
    }

    /// Appends an object, its attributes ordered by their encoded names: shorter first, then by
    /// bytes.
    fn put_object(&mut self, object: Object<'a>) {
        let start = self.arena.members.len();
        self.push_members(object);
        if !self.affords_sorting(start) {
            return;
        }
        let arena = &mut self.arena;
        let text = &arena.text;
        let name = |name: &Text<'a>| match *name {
            Text::Given(name) => name.as_bytes(),
            Text::Made(span) => text.as_bytes().get(span.range()).unwrap_or_default(),
        };
        if let Some(members) = arena.members.get_mut(start..) {
            members.sort_unstable_by(|(a, _), (b, _)| {
                let (a, b) = (name(a), name(b));
                a.len().cmp(&b.len()).then_with(|| a.cmp(b))
            });
        }
        let end = self.arena.members.len();
        self.put_head(5, end - start);
        for at in start..end {
            if self.arena.budget.is_exhausted() {
                break;
            }
            let Some((name, value)) = self.arena.members.get(at).copied() else { continue };
            self.put_value(Value::String(name));
            self.put_value(value);
        }
        self.arena.members.truncate(start);
    }

    /// Charges for sorting the members from `start` on by their names.
    fn affords_sorting(&self, start: usize) -> bool {
        let members = self.arena.members.get(start..).unwrap_or_default();
        let names = members.iter().map(|(name, _)| self.arena.str(*name).len() / 8 + 16);
        let once = names.fold(0, usize::saturating_add);
        let rounds = usize::try_from(members.len().max(1).ilog2()).unwrap_or(usize::MAX) + 1;
        self.arena.budget.affords(once.saturating_mul(rounds))
    }

    /// Appends a major type and its argument.
    fn put_head(&mut self, major: u8, argument: usize) {
        let (bytes, length) = head(major, argument as u64);
        self.arena.hash_bytes(bytes.get(..length).unwrap_or_default());
    }
}

/// An encoded number or head, and its length.
type Encoded = ([u8; 9], usize);

/// The bytes of a number or head: the first byte, then the rest.
fn encoded<const N: usize>(first: u8, rest: [u8; N]) -> Encoded {
    let mut bytes = [0; 9];
    bytes.iter_mut().zip([first].into_iter().chain(rest)).for_each(|(byte, value)| *byte = value);
    (bytes, N + 1)
}

/// A major type and its argument, in the shortest form.
#[expect(clippy::cast_possible_truncation, reason = "each arm holds what its width can")]
fn head(major: u8, argument: u64) -> Encoded {
    let major = major << 5;
    match argument {
        0..24 => encoded(major | argument as u8, []),
        24..0x100 => encoded(major | 24, [argument as u8]),
        0x100..0x1_0000 => encoded(major | 25, (argument as u16).to_be_bytes()),
        0x1_0000..0x1_0000_0000 => encoded(major | 26, (argument as u32).to_be_bytes()),
        _ => encoded(major | 27, argument.to_be_bytes()),
    }
}

/// A number: an integer if it is one and fits, else the shortest float that is exact.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked by the guards"
)]
fn encode_number(number: f64) -> Encoded {
    const TWO_64: f64 = 18_446_744_073_709_551_616.0;
    const MINUS_TWO_63: f64 = -9_223_372_036_854_775_808.0;
    if number.trunc() == number && (0.0..TWO_64).contains(&number) {
        head(0, number as u64)
    } else if number.trunc() == number && (MINUS_TWO_63..0.0).contains(&number) {
        head(1, !(number as i64) as u64)
    } else if let Some(half) = to_half(number) {
        encoded(0xf9, half.to_be_bytes())
    } else if f64::from(number as f32) == number {
        encoded(0xfa, (number as f32).to_be_bytes())
    } else {
        encoded(0xfb, number.to_be_bytes())
    }
}

/// The IEEE 754 half of exactly this value, if there is one.
#[expect(clippy::cast_possible_truncation, reason = "masked to the width")]
fn to_half(number: f64) -> Option<u16> {
    let sign = if number.is_sign_negative() { 0x8000 } else { 0 };
    if number.is_nan() {
        return Some(0x7e00);
    }
    if number.is_infinite() {
        return Some(sign | 0x7c00);
    }
    let bits = number.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i32 - 1023;
    let fraction = bits & 0x000f_ffff_ffff_ffff;
    let (exponent_bits, mantissa, dropped) = match exponent {
        -14..=15 => ((exponent + 15) as u16, fraction, 42),
        // Subnormal halves: the leading one becomes part of the fraction.
        -24..=-15 => (0, fraction | 1 << 52, (42 - 14 - exponent) as u32),
        _ => return None,
    };
    let exact = mantissa & ((1 << dropped) - 1) == 0;
    exact.then_some(sign | exponent_bits << 10 | (mantissa >> dropped) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(number: f64) -> String {
        let (bytes, length) = encode_number(number);
        bytes[..length].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn numbers_take_the_shortest_exact_form() {
        let cases = [
            (0.0, "00"),
            (-0.0, "00"),
            (23.0, "17"),
            (123.0, "187b"),
            (-25.0, "3818"),
            (65536.0, "1a00010000"),
            (1.5, "f93e00"),
            (-1.5, "f9be00"),
            (5.960464477539063e-8, "f90001"),
            (0.00006103515625, "f90400"),
            (100000.5, "fa47c35040"),
            (1.23, "fb3ff3ae147ae147ae"),
            (1e20, "fb4415af1d78b58c40"),
            (9007199254740992.0, "1b0020000000000000"),
            (-9223372036854775808.0, "3b7fffffffffffffff"),
        ];
        for (number, expected) in cases {
            assert_eq!(hex(number), expected, "{number}");
        }
    }
}
