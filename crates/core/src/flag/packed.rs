//! A set of many texts in little more memory than the texts take: ten thousand ids in a list.
//!
//! The texts stand one behind the other in the order of their hashes, each after its length. An
//! index tells where every few of them begin, so that a look-up compares a handful.

use super::{bucket::murmur3, budget::EvaluationBudget};

/// An immutable set of texts.
#[derive(Debug, Default)]
pub(crate) struct Packed {
    /// For each text its length in one byte, or in five where that is not enough, and the text.
    texts: Box<[u8]>,
    /// Where the texts of each bucket begin, and one more for the end.
    begins: Box<[u32]>,
}

/// So many texts share a bucket, on average.
const PER_BUCKET: usize = 8;

/// A length that says: the next four bytes are the length.
const LONG: u8 = u8::MAX;

impl Packed {
    /// Packs about `count` texts. `None` if they take more than four gigabytes together.
    pub(crate) fn new<T: AsRef<str> + Ord>(
        count: usize,
        texts: impl Iterator<Item = T>,
    ) -> Option<Self> {
        let mut hashed: Vec<(u32, T)> = Vec::with_capacity(count);
        hashed.extend(texts.map(|text| (murmur3(text.as_ref().as_bytes()), text)));
        hashed.sort_unstable();
        hashed.dedup();
        let buckets = hashed.len().div_ceil(PER_BUCKET).max(1);
        let texts = hashed.iter().map(|(_, text)| text.as_ref());
        let size = texts.map(|text| text.len() + head(text).1).sum();
        u32::try_from(size).ok()?;
        let mut packed = Vec::with_capacity(size);
        let mut begins = Vec::with_capacity(buckets + 1);
        for (hash, text) in hashed {
            let text = text.as_ref();
            let begin = u32::try_from(packed.len()).ok()?;
            begins.resize(begins.len().max(bucket(hash, buckets) + 1), begin);
            let (head, length) = head(text);
            packed.extend(head.into_iter().take(length));
            packed.extend_from_slice(text.as_bytes());
        }
        begins.resize(buckets + 1, u32::try_from(packed.len()).ok()?);
        Some(Self { texts: packed.into(), begins: begins.into() })
    }

    /// Whether the text is in the set. The price is that of the hash and of the whole bucket: many
    /// texts of a file can be made to share one.
    pub(crate) fn contains(&self, text: &str, budget: &EvaluationBudget) -> bool {
        if !budget.affords(text.len()) {
            return false;
        }
        let Some(buckets) = self.begins.len().checked_sub(1).filter(|buckets| *buckets > 0) else {
            return false;
        };
        let bucket = bucket(murmur3(text.as_bytes()), buckets);
        let Some([begin, end]) = self.begins.get(bucket..bucket + 2) else { return false };
        let range = usize::try_from(*begin).ok().zip(usize::try_from(*end).ok());
        let mut rest =
            range.and_then(|(begin, end)| self.texts.get(begin..end)).unwrap_or_default();
        if !budget.affords(rest.len()) {
            return false;
        }
        while let Some((known, next)) = first(rest) {
            if known == text.as_bytes() {
                return true;
            }
            rest = next;
        }
        false
    }

    /// The bytes that the set takes.
    pub(crate) fn heap(&self) -> usize {
        self.texts.len() + size_of_val(&*self.begins)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        let mut rest = &*self.texts;
        std::iter::from_fn(move || {
            let (text, next) = first(rest)?;
            rest = next;
            std::str::from_utf8(text).ok()
        })
    }

    #[cfg(test)]
    fn bytes(&self) -> usize {
        self.texts.len() + size_of_val(&*self.begins)
    }
}

/// Hashes are even, so the upper ones are in the later buckets.
fn bucket(hash: u32, buckets: usize) -> usize {
    let place = (u64::from(hash) * (buckets as u64)) >> 32;
    usize::try_from(place).unwrap_or(usize::MAX)
}

/// What stands before a text.
fn head(text: &str) -> ([u8; 5], usize) {
    match u8::try_from(text.len()) {
        Ok(length) if length < LONG => ([length, 0, 0, 0, 0], 1),
        _ => {
            let [a, b, c, d] = u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes();
            ([LONG, a, b, c, d], 5)
        }
    }
}

/// The first text, and what stands behind it.
fn first(packed: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = packed.split_first()?;
    let (length, rest) = match *length {
        LONG => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::try_from(u32::from_le_bytes(*length)).ok()?, rest)
        }
        length => (usize::from(length), rest),
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_is_found_and_nothing_else() {
        let budget = EvaluationBudget::default();
        for count in [0, 1, 8, 9, 1000] {
            let texts: Vec<String> =
                (0..count)
                    .map(|n| {
                        if n % 100 == 7 { format!("{n}-{}", "x".repeat(n)) } else { format!("{n}") }
                    })
                    .collect();
            let twice = texts.iter().chain(&texts).map(String::as_str);
            let packed = Packed::new(2 * count, twice).unwrap();
            assert!(texts.iter().all(|text| packed.contains(text, &budget)), "{count}");
            assert_eq!(packed.iter().count(), count);
            for other in ["", "x", "-1", "1000", "7-"] {
                assert!(!packed.contains(other, &budget), "{count} {other}");
            }
        }
        assert!(Packed::new(1, [""].into_iter()).unwrap().contains("", &budget));
        assert!(!Packed::default().contains("", &budget));
    }

    #[test]
    fn ten_thousand_ids_take_little_more_than_their_text() {
        let ids: Vec<String> = (0..10_000).map(|n| format!("user-{n:06}")).collect();
        let packed = Packed::new(ids.len(), ids.iter()).unwrap();
        let text: usize = ids.iter().map(|id| id.len() + 1).sum();
        assert!(packed.bytes() * 10 <= text * 11, "{} of {text}", packed.bytes());
    }
}
