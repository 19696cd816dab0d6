//! The problems of a file, each told once and at its place.
//!
//! Positions are worked out only when there is something to tell, and for all problems of a part
//! of the document at once.

use crate::{
    diagnostic::{Cause, Diagnostic, Position},
    document::{
        Definition, Document, locate,
        text::{DocumentText, Places},
    },
    flag_file::{form::FileForm, layer::LayerFlag},
};
use serde_json::value::RawValue;
use std::{
    cell::OnceCell,
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// Gathers what the author of a file is told.
pub(super) struct Report<'a> {
    text: &'a DocumentText<'a>,
    places: OnceCell<Places<'a>>,
    found: Vec<Diagnostic>,
    untold: usize,
    /// Errors that several flags have for one cause, by that cause.
    consequences: HashMap<Arc<Cause>, Consequence>,
}

/// An error that flags have because something else is broken. It is reported once.
struct Consequence {
    first: Diagnostic,
    flags: usize,
}

impl<'a> Report<'a> {
    pub(super) fn new(text: &'a DocumentText<'a>) -> Self {
        Self {
            text,
            places: OnceCell::new(),
            found: Vec::new(),
            untold: 0,
            consequences: HashMap::new(),
        }
    }

    /// Adds problems of the file as a whole, and how many more it has.
    pub(super) fn add_to_file(&mut self, (mut found, untold): (Vec<Diagnostic>, usize)) {
        self.place_in_file(&mut found);
        self.found.append(&mut found);
        self.untold += untold;
    }

    /// Adds the problems of flags, and how many more they have; gives the flags with problems in
    /// their places. What flags share is told once, though each of them has it.
    pub(super) fn add_flags(
        &mut self,
        flags: Vec<LayerFlag>,
        untold: usize,
        source: &FileForm<'a>,
        document: &Document<'_>,
    ) -> Vec<LayerFlag> {
        self.untold += untold;
        if flags.iter().all(|flag| flag.problems().is_empty()) {
            return flags;
        }
        let shared = self.place_shared(&flags);
        let written = source.written(self.text);
        let written = written.as_ref().unwrap_or(document).flags.iter();
        let written: HashMap<&str, &Definition<'_>> =
            written.map(|definition| (&*definition.key, definition)).collect();
        let place = |flag: LayerFlag| {
            if flag.problems().is_empty() {
                return flag;
            }
            let mut found = flag.problems().to_vec();
            let (mut own, others): (Vec<_>, Vec<_>) =
                found.iter_mut().partition(|problem| problem.path.is_within("flags"));
            if let Some(definition) = written.get(flag.flag().key()) {
                let begins = (definition.raw, definition.begins(self.text));
                locate::place(self.text, self.places(), begins, 2, &mut own);
            }
            for problem in others {
                problem.position = shared.get(&unplaced(problem)).copied().unwrap_or_default();
            }
            let own = found.iter().filter(|problem| problem.path.is_within("flags"));
            let (own, consequences): (Vec<_>, Vec<_>) = own.partition(|own| own.cause.is_none());
            self.found.extend(own.into_iter().cloned());
            self.add_consequences(consequences);
            flag.with_problems(&found)
        };
        flags.into_iter().map(place).collect()
    }

    /// Adds the errors that one flag has because something else is broken.
    fn add_consequences(&mut self, of_flag: Vec<&Diagnostic>) {
        let mut counted = HashSet::new();
        for problem in of_flag {
            let Some(cause) = &problem.cause else { continue };
            if counted.insert(cause) {
                let first = || Consequence { first: problem.clone(), flags: 0 };
                let same = self.consequences.entry(Arc::clone(cause)).or_insert_with(first);
                same.flags += 1;
            }
        }
    }

    /// Adds what flags found wrong with what they share, each once; says where it stands.
    fn place_shared(&mut self, flags: &[LayerFlag]) -> HashMap<Diagnostic, Position> {
        let of_flags = flags.iter().flat_map(LayerFlag::problems);
        let shared = of_flags.filter(|problem| !problem.path.is_within("flags"));
        let mut places: HashMap<_, _> =
            shared.map(|problem| (unplaced(problem), Position::default())).collect();
        let mut found: Vec<_> = places.keys().cloned().collect();
        self.place_in_file(&mut found);
        for problem in &found {
            places.insert(unplaced(problem), problem.position);
        }
        self.found.append(&mut found);
        places
    }

    fn place_in_file(&self, found: &mut [Diagnostic]) {
        // What is wrong with the text itself has its position from the parser.
        let unplaced = |problem: &&mut Diagnostic| problem.position == Position::default();
        let mut found: Vec<_> = found.iter_mut().filter(unplaced).collect();
        if !found.is_empty()
            && let Ok(root) = serde_json::from_str::<&RawValue>(self.text.json())
        {
            let begins = (root, self.text.offset_of(root.get()));
            locate::place(self.text, self.places(), begins, 0, &mut found);
        }
    }

    fn places(&self) -> &Places<'a> {
        self.places.get_or_init(|| self.text.places())
    }

    /// Everything, in the order of the file.
    pub(super) fn finish(self) -> Vec<Diagnostic> {
        let mut all = self.found;
        all.extend(self.consequences.into_values().map(
            |Consequence { first, flags }| match flags {
                1 => first,
                _ => {
                    let message = format!("{}; {flags} flags have this error", first.message);
                    Diagnostic { message: message.into(), ..first }
                }
            },
        ));
        all.sort_by(|a, b| (a.position, &a.message).cmp(&(b.position, &b.message)));
        if let Some(last) = all.last().filter(|_| self.untold > 0) {
            let message = format!("has {} more problems than are named here", self.untold);
            let more = Diagnostic::warning("", message, "mend these first");
            let position = last.position;
            all.push(Diagnostic { position, ..more });
        }
        all
    }
}

fn unplaced(problem: &Diagnostic) -> Diagnostic {
    Diagnostic { position: Position::default(), ..problem.clone() }
}
