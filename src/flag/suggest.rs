//! "Did you mean": the known name nearest to one that is not known.

/// Names longer than this are not compared.
const LONGEST_NAME: usize = 128;

/// Of more names the first are looked at: many problems times many names would take for ever.
const MOST_LOOKED_AT: usize = 1_000;

/// So many names of about the same letters are compared. With more, none stands out.
const MOST_COMPARED: usize = 100;

/// The known name nearest to `name`, if one is near enough to be what was meant.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > LONGEST_NAME {
        return None;
    }
    let (near, letters) = (1 + name.chars().count() / 4, letters(name));
    // Comparing costs time for each pair of letters, so only what can be near is compared: one
    // edit changes the length by at most one letter, and at most two kinds of them.
    let known = known.into_iter().take(MOST_LOOKED_AT).filter(|known| {
        known.len().abs_diff(name.len()) <= 4 * near
            && (self::letters(known) ^ letters).count_ones() as usize <= 2 * near
    });
    let distance = |known: &str| strsim::damerau_levenshtein(name, known);
    let (best, distance) = known
        .take(MOST_COMPARED)
        .map(|known| (known, distance(known)))
        .min_by_key(|(_, distance)| *distance)?;
    (distance <= near).then_some(best)
}

/// A bit for each kind of letter in a name; some kinds share one.
fn letters(name: &str) -> u64 {
    name.chars().fold(0, |letters, char| letters | 1 << (u32::from(char) % 64))
}

/// "did you mean" for a name that is near a known one, else what to do instead.
pub(crate) fn suggest<'a>(
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
    otherwise: &str,
) -> String {
    nearest(name, known)
        .map_or_else(|| otherwise.to_owned(), |known| format!("did you mean \"{known}\"?"))
}
