//! Where in a text problems stand, found by walking down their paths.
//!
//! All problems of a part of the document are looked for in one walk: a flag can have thousands.

use super::{
    members::{Members, RawElements},
    text::{DocumentText, Places},
};
use crate::diagnostic::{Diagnostic, Path, Step, Target};
use serde_json::value::RawValue;
use std::collections::HashMap;

/// Fills in the positions of problems of a part of the document.
///
/// Their paths lead to it by their first `above` steps; `mark` is where it begins, as a whole.
pub fn place(
    text: &DocumentText<'_>,
    places: &Places<'_>,
    (part, mark): (&RawValue, usize),
    above: usize,
    found: &mut [&mut Diagnostic],
) {
    let mut order: Vec<usize> = (0..found.len()).collect();
    let offsets = {
        let paths: Vec<&Path> = found.iter().map(|problem| &problem.path).collect();
        let steps = |at: &usize| paths.get(*at).map(|path| path.parts().0);
        order.sort_by(|a, b| steps(a).cmp(&steps(b)));
        let mut walk = LocateWalk { text, paths, offsets: vec![mark; found.len()] };
        walk.down(DocumentPart { value: part, begins: mark, is_member: false }, above, &order);
        walk.offsets
    };
    for (problem, offset) in found.iter_mut().zip(offsets) {
        problem.position = places.position(offset);
    }
}

/// A part of the document on the way down.
#[derive(Debug, Clone, Copy)]
pub struct DocumentPart<'a> {
    value: &'a RawValue,
    begins: usize,
    /// Whether it has a name.
    is_member: bool,
}

struct LocateWalk<'a> {
    text: &'a DocumentText<'a>,
    paths: Vec<&'a Path>,
    offsets: Vec<usize>,
}

impl LocateWalk<'_> {
    /// Follows paths from a part that all of them lead to, as far as they go.
    fn down(&mut self, part: DocumentPart<'_>, depth: usize, mut sorted: &[usize]) {
        // Those that end here come first.
        while let Some((first, rest)) = sorted.split_first()
            && self.step(*first, depth).is_none()
        {
            let target = self.paths.get(*first).map(|path| path.parts().1);
            self.found(*first, &part, target.unwrap_or_default());
            sorted = rest;
        }
        let mut children = Children::default();
        while let Some(step) = sorted.first().and_then(|first| self.step(*first, depth)).cloned() {
            let same = sorted.partition_point(|at| self.step(*at, depth) <= Some(&step));
            let (these, rest) = sorted.split_at(same.max(1));
            match children.child(part.value, &step) {
                Some(value) => {
                    let is_member = matches!(step, Step::Member(_));
                    let begins = self.text.offset_of(value.get());
                    self.down(DocumentPart { value, begins, is_member }, depth + 1, these);
                }
                // What is missing is reported where it should be.
                None => these.iter().for_each(|at| self.found(*at, &part, Target::Value)),
            }
            sorted = rest;
        }
    }

    fn step(&self, at: usize, depth: usize) -> Option<&Step> {
        self.paths.get(at)?.parts().0.get(depth)
    }

    /// A problem's path ends here: at a scalar itself, or the name of anything larger.
    fn found(&mut self, at: usize, part: &DocumentPart<'_>, target: Target) {
        let is_scalar = !part.value.get().starts_with(['{', '[']);
        let offset = match target {
            Target::Offset(offset) => self.text.offset_of(part.value.get()) + offset,
            Target::Value | Target::Name
                if part.is_member && (!is_scalar || target == Target::Name) =>
            {
                key_before(self.text, part.value)
            }
            Target::Value | Target::Name => part.begins,
        };
        if let Some(found) = self.offsets.get_mut(at) {
            *found = offset;
        }
    }
}

/// What a value has in it, read once for all paths that lead there.
#[derive(Default)]
struct Children<'a> {
    members: Option<(Members<'a>, HashMap<Box<str>, &'a RawValue>)>,
    elements: Option<Vec<&'a RawValue>>,
}

impl<'a> Children<'a> {
    fn child(&mut self, of: &'a RawValue, step: &Step) -> Option<&'a RawValue> {
        match step {
            Step::Member(name) => {
                let (members, by_name) = self.members.get_or_insert_with(|| {
                    let members = Members::parse(of).unwrap_or_default();
                    let by_name =
                        members.0.iter().map(|(name, value)| (Box::from(&**name), *value));
                    let by_name = by_name.collect();
                    (members, by_name)
                });
                by_name.get(&**name).copied().or_else(|| members.get(name))
            }
            Step::Place(place) => {
                let elements = self.elements.get_or_insert_with(|| {
                    serde_json::from_str::<RawElements<'_>>(of.get())
                        .map_or_else(|_| Vec::new(), |all| all.0)
                });
                elements.get(*place).copied()
            }
        }
    }
}

/// Where the name of a member begins, from where its value does.
pub(super) fn key_before(text: &DocumentText<'_>, value: &RawValue) -> usize {
    let offset = text.offset_of(value.get());
    let before = text.json().get(..offset).unwrap_or_default();
    name_at_end(before).unwrap_or(offset)
}

/// Where the name of a member begins, in a JSON text that ends before the value.
pub(super) fn name_at_end(json: &str) -> Option<usize> {
    let before = json.trim_end();
    let name = before.strip_suffix(':').unwrap_or(before).trim_end();
    let mut rest = name.strip_suffix('"')?;
    // A quote after an odd number of backslashes is part of the name.
    while let Some(quote) = rest.rfind('"') {
        rest = rest.get(..quote).unwrap_or_default();
        let backslashes = rest.len() - rest.trim_end_matches('\\').len();
        if backslashes % 2 == 0 {
            return Some(quote);
        }
    }
    None
}
