//! Which bucket a unit falls into: MurmurHash3 (x86, 32 bit, seed 0) projected on the total weight.
//!
//! The numbers are a contract with every other flagd implementation: a change here moves users.

/// MurmurHash3 x86 32-bit with seed 0 (Austin Appleby, public domain).
pub(crate) fn murmur3(key: &[u8]) -> u32 {
    const C1: u32 = 0xcc9e_2d51;
    const C2: u32 = 0x1b87_3593;
    let scramble = |block: u32| block.wrapping_mul(C1).rotate_left(15).wrapping_mul(C2);

    let (blocks, tail) = key.as_chunks::<4>();
    let mut hash = 0u32;
    for block in blocks {
        hash ^= scramble(u32::from_le_bytes(*block));
        hash = hash.rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
    let rest = tail.iter().rev().fold(0, |rest, &byte| rest << 8 | u32::from(byte));
    hash ^= scramble(rest);
    // The algorithm folds the length in modulo 2^32.
    #[expect(clippy::cast_possible_truncation, reason = "modulo 2^32 by definition")]
    let length = key.len() as u32;
    hash ^= length;
    hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}

/// The bucket of a hash among `total` equal ones: `0 <= bucket < total`.
pub(crate) fn project(hash: u32, total: u32) -> u32 {
    let bucket = (u64::from(hash) * u64::from(total)) >> 32;
    // hash < 2^32, so bucket < total.
    u32::try_from(bucket).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_pinned() {
        let cases = [
            ("", 0),
            ("a", 1009084850),
            ("hello", 613153351),
            ("ejOoVL", 0),
            ("bY9fO-", 1),
            ("SI7p-", 2147483647),
            ("6LvT0", 2147483648),
            ("ceQdGm", 4294967295),
        ];
        for (key, hash) in cases {
            assert_eq!(murmur3(key.as_bytes()), hash, "{key}");
        }
    }

    #[test]
    fn the_ends_of_the_hash_are_the_first_and_the_last_bucket() {
        assert_eq!(project(0, 100), 0);
        assert_eq!(project(u32::MAX, 100), 99);
        assert_eq!(project(u32::MAX, 2_147_483_647), 2_147_483_646);
    }
}
