//! Steps through the text of lists and objects, over the extents of those in them.

use super::{Extent, Json, JsonList, JsonNumber, JsonObject, JsonText, SHORT};
use std::borrow::Cow;

/// A place in a text, and the extents of the lists and objects behind it.
#[derive(Debug, Clone, Copy)]
pub(super) struct JsonWalk<'t> {
    rest: &'t str,
    index: &'t [Extent],
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

impl<'t> JsonWalk<'t> {
    pub(super) fn new(rest: &'t str, index: &'t [Extent]) -> Self {
        Self { rest, index }
    }

    /// Behind the opening bracket of a list or an object, which has the first extent if it is long.
    fn within(text: &'t str, index: &'t [Extent]) -> Self {
        Self::new(text.get(1..).unwrap_or_default(), index.get(1..).unwrap_or_default())
    }

    /// Skips blanks and one of these signs.
    #[inline]
    fn skip(&mut self, sign: u8) {
        let bytes = self.rest.as_bytes();
        let mut at = 0;
        while bytes.get(at).is_some_and(|byte| is_blank(*byte) || *byte == sign) {
            at += 1;
        }
        self.rest = self.rest.get(at..).unwrap_or_default();
    }

    fn text(&mut self) -> Option<JsonText<'t>> {
        let (text, rest) = self.rest.split_at_checked(end_of_text(self.rest.as_bytes()))?;
        self.rest = rest;
        text.starts_with('"').then_some(JsonText(text))
    }

    /// The value at this place; `None` at a closing bracket, and at the end of the text.
    pub(super) fn value(&mut self) -> Option<Json<'t>> {
        match self.rest.as_bytes().first()? {
            b']' | b'}' => None,
            b'"' => self.text().map(Json::String),
            bracket @ (b'[' | b'{') => {
                let (length, count) = match length_of_short(self.rest) {
                    Some(length) => (length, 0),
                    None => {
                        let Extent { length, count } = self.index.first()?;
                        (usize::try_from(*length).ok()?, usize::try_from(*count).ok()?)
                    }
                };
                let (text, rest) = self.rest.split_at_checked(length)?;
                let (index, behind) = self.index.split_at_checked(count)?;
                (self.rest, self.index) = (rest, behind);
                Some(match bracket {
                    b'[' => Json::Array(JsonList { text, index }),
                    _ => Json::Object(JsonObject { text, index }),
                })
            }
            _ => {
                let is_end =
                    |byte: &u8| matches!(byte, b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t');
                let end = self.rest.bytes().position(|byte| is_end(&byte));
                let (text, rest) = self.rest.split_at_checked(end.unwrap_or(self.rest.len()))?;
                self.rest = rest;
                Some(match text {
                    "null" => Json::Null,
                    "true" => Json::Bool(true),
                    "false" => Json::Bool(false),
                    number => Json::Number(JsonNumber(number)),
                })
            }
        }
    }
}

/// The bytes of the list or object at the beginning, if it is short.
fn length_of_short(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0, 0_usize);
    while at < SHORT {
        match bytes.get(at)? {
            b'"' => {
                at += end_of_text(bytes.get(at..)?);
                continue;
            }
            b'[' | b'{' => depth += 1,
            b']' | b'}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// Where the text in quotes at the beginning ends.
fn end_of_text(bytes: &[u8]) -> usize {
    let mut rest = bytes.get(1..).unwrap_or_default();
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'"' | b'\\')) {
        if rest.get(at) == Some(&b'"') {
            return bytes.len() - rest.len() + at + 1;
        }
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    bytes.len()
}

/// Shows the brackets outside of texts, each with its place.
pub(super) fn brackets(text: &str, mut see: impl FnMut(usize, u8)) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at += end_of_text(bytes.get(at..).unwrap_or_default());
                continue;
            }
            b'[' | b'{' | b']' | b'}' => see(at, *byte),
            _ => {}
        }
        at += 1;
    }
}

/// The elements of a list.
#[derive(Debug, Clone)]
pub(crate) struct JsonElements<'t>(JsonWalk<'t>);

impl<'t> JsonElements<'t> {
    pub(super) fn new(text: &'t str, index: &'t [Extent]) -> Self {
        Self(JsonWalk::within(text, index))
    }
}

impl<'t> Iterator for JsonElements<'t> {
    type Item = Json<'t>;

    fn next(&mut self) -> Option<Json<'t>> {
        self.0.skip(b',');
        self.0.value()
    }
}

/// The members of an object.
#[derive(Debug, Clone)]
pub(crate) struct JsonMembers<'t>(JsonWalk<'t>);

impl<'t> JsonMembers<'t> {
    pub(super) fn new(text: &'t str, index: &'t [Extent]) -> Self {
        Self(JsonWalk::within(text, index))
    }
}

impl<'t> Iterator for JsonMembers<'t> {
    type Item = (JsonText<'t>, Json<'t>);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.skip(b',');
        let name = self.0.text()?;
        self.0.skip(b':');
        Some((name, self.0.value()?))
    }
}

/// Where a member stands in the text of its object, and in the index: as small as it can be, since
/// an object can have as many members as a file has bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct MemberPlace {
    at: u32,
    extents: u32,
}

/// The members of an object in the order of their names, of those with one name the last.
pub(super) fn places(object: JsonObject<'_>) -> Vec<MemberPlace> {
    let mut places = places_as_written(object);
    let name = |place: &MemberPlace| name_at(object, *place);
    // Most objects are written so, or have two members.
    if places.is_sorted_by(|a, b| name(a) < name(b)) {
        return places;
    }
    places.sort_by(|a, b| name(a).cmp(&name(b)));
    // The sort keeps the order of the text where names are the same.
    places.reverse();
    places.dedup_by(|later, kept| name(later) == name(kept));
    places.reverse();
    places
}

/// Whether an object has members of one name.
pub(super) fn has_names_twice(object: JsonObject<'_>) -> bool {
    let mut places = places_as_written(object);
    let name = |place: &MemberPlace| name_at(object, *place);
    match places.as_slice() {
        [] | [_] => false,
        [one, other] => name(one) == name(other),
        _ => {
            places.sort_unstable_by(|a, b| name(a).cmp(&name(b)));
            places.windows(2).any(|two| matches!(two, [one, other] if name(one) == name(other)))
        }
    }
}

/// The members of an object in their order.
fn places_as_written(object: JsonObject<'_>) -> Vec<MemberPlace> {
    let mut places = Vec::with_capacity(object.written().count());
    let JsonMembers(mut walk) = object.written();
    let behind = |rest: usize, all: usize| u32::try_from(all - rest).unwrap_or(u32::MAX);
    loop {
        walk.skip(b',');
        let at = behind(walk.rest.len(), object.text.len());
        let extents = behind(walk.index.len(), object.index.len());
        if walk.text().is_none() {
            break;
        }
        walk.skip(b':');
        if walk.value().is_none() {
            break;
        }
        places.push(MemberPlace { at, extents });
    }
    places
}

/// The name of the member at a place.
fn name_at(object: JsonObject<'_>, place: MemberPlace) -> Option<Cow<'_, str>> {
    let rest = object.text.get(usize::try_from(place.at).ok()?..)?;
    JsonWalk::new(rest, &[]).text().map(JsonText::get)
}

/// The member at a place.
pub(super) fn member_at(
    object: JsonObject<'_>,
    place: MemberPlace,
) -> Option<(JsonText<'_>, Json<'_>)> {
    let rest = object.text.get(usize::try_from(place.at).ok()?..)?;
    let index = object.index.get(usize::try_from(place.extents).ok()?..)?;
    JsonMembers(JsonWalk::new(rest, index)).next()
}
