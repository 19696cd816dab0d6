//! The answers a flag can give, encoded when the flag is published.
//!
//! One encoding serves both versions of the contract: they number their fields alike, and what v2
//! leaves out is what v1 reads as zero.

use super::{PREFIX, frame, put_frame};
use bytes::Bytes;
use flagstaff_core::{
    Flag, Outcome, Reason, Variant, VariantIndex, VariantValue,
    document::protobuf::{put_bytes, put_double, put_varint},
};

/// What a client asks a flag to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// A boolean.
    Boolean,
    /// A string.
    String,
    /// A number, as a double.
    Float,
    /// A number, truncated toward zero.
    Int,
    /// An object.
    Object,
}

impl Type {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Boolean => "a boolean",
            Self::String => "a string",
            Self::Float | Self::Int => "a number",
            Self::Object => "an object",
        }
    }

    fn fits(self, value: &VariantValue) -> bool {
        match value {
            VariantValue::Bool(_) => self == Self::Boolean,
            VariantValue::String(_) => self == Self::String,
            VariantValue::Number(_) => matches!(self, Self::Float | Self::Int),
            VariantValue::Object(_) => self == Self::Object,
            VariantValue::Other(_) => false,
        }
    }
}

/// Prepared answers of a flag take at most so many bytes. Of larger flags, each answer is encoded
/// when it is asked for: variants times metadata could be far more than the text of the flag.
const MOST_PREPARED: usize = 2048;

/// Every answer of one flag.
#[derive(Debug)]
pub struct Answers {
    /// `None` for a flag with large answers.
    prepared: Option<Prepared>,
}

/// Answers as frames that share one buffer.
#[derive(Debug)]
struct Prepared {
    /// By variant, then the default variant once more for the reason DEFAULT.
    frames: Box<[Bytes]>,
    /// The same for clients that want whole numbers, if the flag has numbers.
    whole: Box<[Bytes]>,
    /// The caller's default applies.
    nothing: Bytes,
}

impl Answers {
    /// Encodes every answer of a flag, unless they are large.
    pub fn new(flag: &Flag) -> Self {
        Self { prepared: Prepared::new(flag) }
    }

    /// The place of an answer among a flag's: its variant or, for the reason DEFAULT, one more.
    pub(crate) fn place(flag: &Flag, index: VariantIndex, reason: Reason) -> usize {
        if reason == Reason::Default { flag.variants().len() } else { index }
    }

    /// The frame of a variant; `None` if it is not of this type.
    pub fn variant(
        &self,
        flag: &Flag,
        (index, reason): (VariantIndex, Reason),
        wanted: Type,
    ) -> Option<Bytes> {
        let variant = flag.variants().get(index)?;
        let Some(prepared) = &self.prepared else {
            return encoded(flag, variant, reason, wanted);
        };
        let frames = if wanted == Type::Int { &prepared.whole } else { &prepared.frames };
        let frame = frames.get(Self::place(flag, index, reason))?;
        wanted.fits(variant.value()).then(|| frame.clone())
    }

    /// The frame that leaves the value to the caller.
    pub(crate) fn nothing(&self, flag: &Flag) -> Bytes {
        let encoded = || frame(&nothing(flag));
        self.prepared.as_ref().map_or_else(encoded, |prepared| prepared.nothing.clone())
    }
}

impl Prepared {
    fn new(flag: &Flag) -> Option<Self> {
        let mut buffer = Vec::new();
        let mut ends = Vec::new();
        let has_numbers = flag
            .variants()
            .iter()
            .any(|variant| matches!(variant.value(), VariantValue::Number(_)));
        let passes: &[bool] = if has_numbers { &[false, true] } else { &[false] };
        let reason = if flag.is_targeted() { Reason::TargetingMatch } else { Reason::Static };
        for &whole in passes {
            for variant in flag.variants() {
                if buffer.len() + size(variant) > MOST_PREPARED {
                    return None;
                }
                put_frame(&mut buffer, &answer(flag, variant, reason, whole));
                ends.push(buffer.len());
            }
            if let Some(default) = flag.default() {
                put_frame(&mut buffer, &answer(flag, default, Reason::Default, whole));
            }
            ends.push(buffer.len());
        }
        put_frame(&mut buffer, &nothing(flag));
        ends.push(buffer.len());
        if buffer.len() > MOST_PREPARED {
            return None;
        }

        buffer.shrink_to_fit();
        let buffer = Bytes::from(buffer);
        let mut start = 0;
        let mut frames = ends.into_iter().map(|end| {
            let frame = buffer.slice(start..end);
            start = end;
            frame
        });
        let count = flag.variants().len() + 1;
        let plain = frames.by_ref().take(count).collect();
        let whole = frames.by_ref().take(if has_numbers { count } else { 0 }).collect();
        Some(Self { frames: plain, whole, nothing: frames.next().unwrap_or_default() })
    }
}

/// The frame of a variant of a flag without prepared answers. Out of line, because it is rare.
#[cold]
#[inline(never)]
fn encoded(flag: &Flag, variant: &Variant, reason: Reason, wanted: Type) -> Option<Bytes> {
    let fits = wanted.fits(variant.value());
    fits.then(|| frame(&answer(flag, variant, reason, wanted == Type::Int)))
}

/// The bytes of a value.
fn size(variant: &Variant) -> usize {
    match variant.value() {
        VariantValue::Bool(_) | VariantValue::Number(_) | VariantValue::Other(_) => 0,
        VariantValue::String(text) => text.len(),
        VariantValue::Object(encoded) => encoded.len(),
    }
}

/// The response message that leaves the value to the caller.
fn nothing(flag: &Flag) -> Vec<u8> {
    let mut out = Vec::new();
    put_str(&mut out, 2, if flag.is_disabled() { "DISABLED" } else { "DEFAULT" });
    put_bytes(&mut out, 4, flag.metadata());
    out
}

/// A response message for one variant.
fn answer(flag: &Flag, variant: &Variant, reason: Reason, whole: bool) -> Vec<u8> {
    let mut out = Vec::new();
    match variant.value() {
        VariantValue::Bool(bit) => put_varint(&mut out, 1, u64::from(*bit)),
        VariantValue::String(text) => put_str(&mut out, 1, text),
        // Toward zero, and to the nearest end when out of range.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "meant")]
        VariantValue::Number(number) if whole => put_varint(&mut out, 1, *number as i64 as u64),
        VariantValue::Number(number) => put_double(&mut out, 1, *number),
        VariantValue::Object(encoded) => put_bytes(&mut out, 1, encoded),
        VariantValue::Other(_) => {}
    }
    put_str(&mut out, 2, reason.as_str());
    put_str(&mut out, 3, variant.name());
    put_bytes(&mut out, 4, flag.metadata());
    out
}

/// Appends the entry of a `ResolveAllResponse` for one flag, by flagd's rules: a flag without a
/// usable default variant is left out, one that is disabled or fails has the default's zero value.
/// Says whether there is an entry.
pub(crate) fn put_any_flag(out: &mut Vec<u8>, flag: &Flag, outcome: &Outcome<'_>) -> bool {
    let default = flag.default();
    let mut any = Vec::new();
    let value = match (outcome, default) {
        (Outcome::Disabled, _) => {
            put_str(&mut any, 1, "DISABLED");
            default.map(|default| zero(default.value()))
        }
        (_, None) => return false,
        (Outcome::Variant { index, reason, .. }, Some(default)) => {
            let variant = flag.variants().get(*index).unwrap_or(default);
            let kind = std::mem::discriminant;
            // A variant of another type than the default's is a type mismatch.
            if kind(variant.value()) == kind(default.value()) {
                put_str(&mut any, 1, reason.as_str());
                put_str(&mut any, 2, variant.name());
                Some(variant.value().clone())
            } else {
                put_str(&mut any, 1, "ERROR");
                put_str(&mut any, 2, variant.name());
                Some(zero(default.value()))
            }
        }
        (Outcome::Failed(_) | Outcome::CodeDefault, Some(default)) => {
            put_str(&mut any, 1, "ERROR");
            Some(zero(default.value()))
        }
    };
    match value {
        Some(VariantValue::Bool(bit)) => put_varint(&mut any, 3, u64::from(bit)),
        Some(VariantValue::String(text)) => put_str(&mut any, 4, &text),
        Some(VariantValue::Number(number)) => put_double(&mut any, 5, number),
        Some(VariantValue::Object(encoded)) => put_bytes(&mut any, 6, &encoded),
        Some(VariantValue::Other(_)) | None => {}
    }
    put_bytes(&mut any, 7, flag.metadata());
    let mut entry = Vec::with_capacity(any.len() + flag.key().len() + 2 * PREFIX);
    put_str(&mut entry, 1, flag.key());
    put_bytes(&mut entry, 2, &any);
    put_bytes(out, 1, &entry);
    true
}

fn zero(value: &VariantValue) -> VariantValue {
    match value {
        VariantValue::Bool(_) => VariantValue::Bool(false),
        VariantValue::String(_) => VariantValue::String("".into()),
        VariantValue::Number(_) => VariantValue::Number(0.0),
        VariantValue::Object(_) => VariantValue::Object(Box::default()),
        VariantValue::Other(_) => VariantValue::Other("null".into()),
    }
}

fn put_str(out: &mut Vec<u8>, field: u32, text: &str) {
    put_bytes(out, field, text.as_bytes());
}
