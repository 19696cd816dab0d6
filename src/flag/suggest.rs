//! "Did you mean": the known name nearest to one that is not known.

/// Names longer than this are not compared.
const LONGEST_NAME: usize = 128;

/// The known name nearest to `name`, if one is near enough to be what was meant.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Comparing costs time and memory for each pair of letters, and no typo makes a long name.
    let known = known.into_iter().filter(|known| name.len().max(known.len()) <= LONGEST_NAME);
    let distance = |known: &str| strsim::damerau_levenshtein(name, known);
    let (best, distance) =
        known.map(|known| (known, distance(known))).min_by_key(|(_, distance)| *distance)?;
    (distance <= 1 + name.chars().count() / 4).then_some(best)
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
