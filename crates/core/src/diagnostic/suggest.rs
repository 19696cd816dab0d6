//! "Did you mean": the known name nearest to one that is not known.

/// Names longer than this are not compared.
const LONGEST_NAME: usize = 128;

/// So many names are compared letter by letter, those that can be nearest first.
const MOST_COMPARED: usize = 100;

/// Where there may be as many problems as names, no more names than this are looked at.
const MOST_KNOWN: usize = 1_000;

/// Kinds of letters that are counted; some letters share one.
const KINDS: usize = 64;

/// The known name nearest to `name`, if one is near enough to be what was meant. None is better than
/// a wrong one: with too many that can be nearest, nothing stands out.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > LONGEST_NAME {
        return None;
    }
    let (near, letters) = (1 + name.chars().count() / 4, letters(name));
    let can_be_near = |known: &&str| known.len().abs_diff(name.len()) <= 4 * near;
    let known = known.into_iter().filter(can_be_near);
    let known = known.map(|known| (least_edits(&letters, &self::letters(known)), known));
    let mut candidates: Vec<_> = known.filter(|(least, _)| *least <= near).collect();
    candidates.sort_by_key(|(least, _)| *least);
    let mut best: Option<(usize, &str)> = None;
    for (compared, (least, known)) in candidates.into_iter().enumerate() {
        if best.is_some_and(|(distance, _)| distance <= least) {
            break;
        }
        if compared == MOST_COMPARED {
            return None;
        }
        let distance = strsim::damerau_levenshtein(name, known);
        if best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, known));
        }
    }
    best.filter(|(distance, _)| *distance <= near).map(|(_, known)| known)
}

/// How many letters of each kind a name has.
fn letters(name: &str) -> [u8; KINDS] {
    let mut letters = [0_u8; KINDS];
    for char in name.chars() {
        let kind = letters.get_mut(u32::from(char) as usize % KINDS);
        kind.into_iter().for_each(|count| *count = count.saturating_add(1));
    }
    letters
}

/// At least so many edits lie between names of these letters: one adds a letter and takes one away
/// at most. It costs far less than to compare them.
fn least_edits(a: &[u8; KINDS], b: &[u8; KINDS]) -> usize {
    let missing = |a: &[u8; KINDS], b: &[u8; KINDS]| -> usize {
        a.iter().zip(b).map(|(a, b)| usize::from(a.saturating_sub(*b))).sum()
    };
    missing(a, b).max(missing(b, a))
}

/// "did you mean" for a name that is near a known one, else what to do instead.
pub fn suggest<'a>(
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
    otherwise: &str,
) -> String {
    nearest(name, known)
        .map_or_else(|| otherwise.to_owned(), |known| format!("did you mean \"{known}\"?"))
}

/// As [`suggest`], for problems of definitions: there may be as many of them as names.
pub(crate) fn suggest_one_of_few<'a>(
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
    otherwise: &str,
) -> String {
    let mut few: Vec<_> = known.into_iter().take(MOST_KNOWN + 1).collect();
    if few.len() > MOST_KNOWN {
        few.clear();
    }
    suggest(name, few, otherwise)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_of_very_many_is_found_wherever_it_stands() {
        let many: Vec<_> = (0..20_000).map(|n| format!("flag-{n:05}")).collect();
        let known = || many.iter().map(String::as_str).chain(["zebra-crossing"]);
        assert_eq!(nearest("zebra-crosing", known()), Some("zebra-crossing"));
        assert_eq!(nearest("flag-012345", known()), Some("flag-01234"));
        assert_eq!(nearest("flag_12345", known()), Some("flag-12345"));
        assert_eq!(nearest("nothing like it", known()), None);
    }

    #[test]
    fn among_too_many_of_the_same_letters_none_stands_out() {
        let name = |a: usize, b: usize| -> String {
            (0..20)
                .map(|place| {
                    if place == a {
                        'a'
                    } else if place == b {
                        'b'
                    } else {
                        'x'
                    }
                })
                .collect()
        };
        let places = (0..20).flat_map(|a| (0..20).map(move |b| (a, b))).filter(|(a, b)| a != b);
        let many: Vec<_> =
            places.filter(|places| *places != (15, 10)).map(|(a, b)| name(a, b)).collect();
        let last = many.iter().skip(many.len() - MOST_COMPARED).map(String::as_str);
        assert!(nearest(&name(15, 10), last).is_some());
        assert_eq!(nearest(&name(15, 10), many.iter().map(String::as_str)), None);
    }

    #[test]
    fn what_is_near_is_suggested() {
        let known = ["off", "on", "größer", "enable_new_pricing_page"];
        for (name, expected) in [
            ("of", Some("off")),
            ("ofn", Some("off")),
            ("groesser", None),
            ("grösser", Some("größer")),
            ("enable_new_prcing_pgae", Some("enable_new_pricing_page")),
            ("disable_old_pricing", None),
        ] {
            assert_eq!(nearest(name, known), expected, "{name}");
        }
    }

    #[test]
    fn a_definition_with_very_many_names_gets_no_hint() {
        let many: Vec<_> = (0..=MOST_KNOWN).map(|n| format!("variant-{n}")).collect();
        let all = many.iter().map(String::as_str);
        assert_eq!(suggest_one_of_few("varant-7", all.clone(), "no"), "no");
        let few = all.take(MOST_KNOWN);
        assert_eq!(suggest_one_of_few("varant-7", few, "no"), "did you mean \"variant-7\"?");
    }
}
