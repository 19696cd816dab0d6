//! From a definition file to flags: every problem is found here, and all of them are reported.
//!
//! A definition that cannot be served keeps its last good flag (see [`layer`](super::layer)); what
//! flagd would load with a shrug is loaded with a warning.

mod flag;
mod fractional;
mod json;
mod operators;
mod results;
mod rule;
mod scope;
mod set;
mod variants;

pub(super) use fractional::is_in as is_split_in;
pub(crate) use operators::name_of;

use super::{
    Behaviour, Digest, Digests, Flag, Format, Generation, Layer,
    diagnostic::{Diagnostic, Level, Path, Position},
    document::{Definition, Document, position_in_file},
    layer::{LayerFlag, Standing},
    text::{Places, Text},
};
use scope::FileScope;
use sha2::{Digest as _, Sha256};
use std::{
    cell::OnceCell,
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// So many bytes are gone through to say where the problems of one file stand. Problems that come
/// after that stand where their flag begins: nobody mends thousands by column, and an override
/// must not wait until all have been found.
const MAX_SOUGHT: usize = 64 << 20;

/// A file's flags, and what its author should know.
#[derive(Debug)]
pub struct Compilation {
    /// The flags.
    pub layer: Layer,
    /// Every problem found, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
}

/// Compiles a file's content over what the same file gave before.
///
/// `fallback` is the fractional generation of a file that does not say one. Nothing is served from
/// a file that is no document at all; its problem is then the error.
pub fn compile(
    content: &[u8],
    format: Format,
    fallback: Generation,
    previous: &Layer,
) -> Result<Compilation, Vec<Diagnostic>> {
    let text = Text::read(content, format).map_err(|error| vec![error])?;
    let mut file = File::new(&text);
    let mut found = Vec::new();
    let document = match Document::parse(&text, &mut found) {
        Ok(document) => document,
        Err(error) => {
            found.push(error);
            file.place(None, &mut found);
            found.sort_by_key(|diagnostic| diagnostic.position);
            return Err(found);
        }
    };
    let scope = FileScope::read(&document, &text, fallback, &mut found);
    file.place(None, &mut found);
    let mut diagnostics = found;
    let mut layer = Layer::default();
    for definition in &document.flags {
        if definition.key.is_empty() {
            let help = "nobody can ask for it; give it a key";
            let path = Path::from("flags").member("");
            let mut found = vec![Diagnostic::warning(path, "has no key", help)];
            file.place(Some(definition), &mut found);
            diagnostics.append(&mut found);
            continue;
        }
        let mut flag = compile_one(definition, &text, &scope, previous.get(&definition.key));
        if !flag.problems().is_empty() {
            let mut found = flag.problems().to_vec();
            file.place(Some(definition), &mut found);
            flag = flag.with_problems(&found);
            file.tell(found, &mut diagnostics);
        }
        layer.insert(flag);
    }
    if !scope.is_pinned() && layer.flags().any(|flag| flag.flag().splits_units()) {
        let message = "does not say which generation of \"fractional\" decides who gets what";
        let help = format!(
            "add \"metadata\": {{\"fractional\": \"{}\"}}, so that no option can move users",
            fallback.as_str()
        );
        let mut note = vec![Diagnostic::note("metadata", message, help)];
        file.place(None, &mut note);
        diagnostics.append(&mut note);
    }
    diagnostics.sort_by_key(|diagnostic| diagnostic.position);
    Ok(Compilation { layer, diagnostics })
}

/// What is needed to tell the problems of a file.
struct File<'a> {
    text: &'a Text<'a>,
    /// Worked out for the first problem: most files have none.
    places: OnceCell<Places<'a>>,
    /// Where problems of what flags share stand, which each of them has.
    shared: HashMap<Path, Position>,
    /// Problems of what flags share, which each of them would tell again.
    told: HashSet<Diagnostic>,
    /// Bytes that may still be gone through.
    left: usize,
}

impl<'a> File<'a> {
    fn new(text: &'a Text<'a>) -> Self {
        let (shared, told) = (HashMap::new(), HashSet::new());
        Self { text, places: OnceCell::new(), shared, told, left: MAX_SOUGHT }
    }

    /// Fills in the positions of problems of a flag, or of the file.
    fn place(&mut self, definition: Option<&Definition<'_>>, found: &mut [Diagnostic]) {
        // What is wrong with the text itself has its position from the parser.
        let unplaced = |diagnostic: &&mut Diagnostic| {
            diagnostic.path != Path::default() || diagnostic.position.line == 0
        };
        for diagnostic in found.iter_mut().filter(unplaced) {
            let definition = definition.filter(|_| diagnostic.path.is_within("flags"));
            diagnostic.position = match definition {
                Some(definition) => self.position_in_flag(definition, &diagnostic.path),
                None => self.position_in_file(&diagnostic.path),
            };
        }
    }

    fn position_in_flag(&mut self, definition: &Definition<'_>, path: &Path) -> Position {
        let is_sought = self.may_go_through(definition.raw.get().len());
        let places = self.places.get_or_init(|| self.text.places());
        let flag = Path::default();
        definition.position(self.text, places, if is_sought { path } else { &flag })
    }

    fn position_in_file(&mut self, path: &Path) -> Position {
        if let Some(position) = self.shared.get(path) {
            return *position;
        }
        if !self.may_go_through(self.text.json().len()) {
            return Position { line: 1, column: 1 };
        }
        let places = self.places.get_or_init(|| self.text.places());
        let position = position_in_file(self.text, places, path);
        self.shared.insert(path.clone(), position);
        position
    }

    fn may_go_through(&mut self, bytes: usize) -> bool {
        let left = self.left.checked_sub(bytes);
        self.left = left.unwrap_or(0);
        left.is_some()
    }

    fn tell(&mut self, found: Vec<Diagnostic>, diagnostics: &mut Vec<Diagnostic>) {
        for diagnostic in found {
            let is_shared = !diagnostic.path.is_within("flags");
            if !is_shared || self.told.insert(diagnostic.clone()) {
                diagnostics.push(diagnostic);
            }
        }
    }
}

/// Compiles a flag, unless it is what it was.
fn compile_one(
    definition: &Definition<'_>,
    text: &Text<'_>,
    scope: &FileScope,
    before: Option<&LayerFlag>,
) -> LayerFlag {
    let Definition { key, raw, .. } = definition;
    let start = text.offset_of(raw.get());
    let faults = text.faults(start..start + raw.get().len());
    let source = digest([scope.digest(), key.as_bytes(), raw.get().as_bytes()]);
    if let Some(same) = before.filter(|before| before.was_compiled_from(&source))
        && faults.is_empty()
    {
        return same.clone();
    }
    let path = Path::from("flags").member(key);
    let mut found: Vec<_> = faults.iter().map(|fault| fault.diagnostic(&path, start)).collect();
    let flag = flag::compile(key, raw, source, scope, &mut found);
    match flag {
        Some(flag) => LayerFlag::new(Arc::new(flag), Standing::Good, &found),
        None => quarantine(key, source, before, &found),
    }
}

/// The last good flag under this key or, if there never was one, a flag that says what is wrong.
fn quarantine(
    key: &str,
    source: Digest,
    before: Option<&LayerFlag>,
    found: &[Diagnostic],
) -> LayerFlag {
    if let Some(good) = before.filter(|before| before.standing() != Standing::Broken) {
        return LayerFlag::new(Arc::clone(good.flag()), Standing::Quarantined, found);
    }
    let why = found
        .iter()
        .find(|diagnostic| diagnostic.level == Level::Error)
        .map(|error| format!("{} {}", error.path, error.message));
    let flag = Flag {
        key: key.into(),
        behaviour: Behaviour::Broken(why.unwrap_or_default().into()),
        variants: Box::default(),
        default: None,
        metadata: Box::default(),
        split: None,
        digests: Digests { source, targeting: source, meaning: source, definition: source },
    };
    LayerFlag::new(Arc::new(flag), Standing::Broken, found)
}

impl Flag {
    /// Whether a split decides for some context.
    pub fn splits_units(&self) -> bool {
        match &self.behaviour {
            Behaviour::Targeted(rule) => is_split_in(rule),
            Behaviour::Disabled | Behaviour::Static | Behaviour::Broken(_) => false,
        }
    }
}

/// Hashes parts so that no two different lists of parts look alike.
pub(super) fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Digest {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests;
