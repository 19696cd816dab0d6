//! The JSON of a YAML document, written as its events come.

use super::{
    MAX_DEPTH, YamlTranslation, is_absent, position,
    repeated::Repeated,
    scalar,
    scalar::Scalar,
    tag::{self, TagKind},
    wrong,
};
use crate::{
    diagnostic::{Diagnostic, Path, Step, Target},
    document::{
        locate,
        members::{Members, RawElements},
        text::Fault,
    },
};
use granit_parser::{Event, Marker, ScalarStyle, Span, Tag};
use std::collections::HashMap;

/// Writes JSON as events come.
pub(super) struct JsonWriter {
    out: YamlTranslation,
    marking: bool,
    /// The collections that are open, outermost first.
    open: Vec<Open>,
    /// What anchors stand for.
    anchored: HashMap<usize, Anchored>,
    /// How many bytes may still be written.
    budget: usize,
    repeated: Repeated,
}

/// What an anchor stands for.
struct Anchored {
    json: Box<str>,
    /// What JSON cannot say of it, told again wherever it is repeated.
    fault: Option<(&'static str, &'static str)>,
}

/// A collection that is being written.
struct Open {
    start: usize,
    anchor: usize,
    /// What comes next in a mapping; `None` in a sequence.
    next: Option<Next>,
    /// How many members or elements were begun.
    count: usize,
    /// The JSON of what `<<` merges in, in order.
    merged: Vec<String>,
}

#[derive(Clone, Copy)]
enum Next {
    Key,
    Value,
    /// The value of `<<`, which starts here and is taken out again.
    Merged(usize),
}

impl JsonWriter {
    pub(super) fn new(length: usize, marking: bool) -> Self {
        const MIB: usize = 1 << 20;
        // JSON is at most a few times as long as its YAML; the rest is what aliases repeat.
        let budget = (8 * length + MIB).min(length + 64 * MIB);
        let out = YamlTranslation::with_capacity(length + length / 2);
        let repeated = Repeated { length, first: None };
        Self { out, marking, open: Vec::new(), anchored: HashMap::new(), budget, repeated }
    }

    pub(super) fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Diagnostic> {
        let before = self.out.json.len();
        match event {
            Event::Scalar(text, style, anchor, tag) if self.at_key() => {
                let is_merge = text == "<<" && style == ScalarStyle::Plain && tag.is_none();
                if let Some(tag) = &tag {
                    let is_kept = scalar::fits(&text, tag);
                    let path = self.path().member(&text).target(Target::Name);
                    self.tagged((tag, is_kept, TagKind::Key), path, &span);
                }
                // The parser gives "~" for a key that is not there.
                let text = if is_absent(&span) { "" } else { &*text };
                self.key(text, is_merge, anchor, span.start);
            }
            Event::Scalar(text, style, anchor, tag) => {
                let start = self.begin(span.start);
                let scalar = Scalar::of(&text, style, tag.as_deref());
                if let Some(tag) = &tag {
                    let path = self.path();
                    self.tagged((tag, scalar::fits(&text, tag), TagKind::of(&scalar)), path, &span);
                }
                self.scalar(&scalar, start);
                self.end(start, anchor);
            }
            Event::Alias(_) | Event::SequenceStart(..) | Event::MappingStart(..)
                if self.at_key() =>
            {
                let help = "write the key out as text; a template has to be rendered first";
                return Err(wrong(span.start, "has a key that is no scalar", help));
            }
            Event::Alias(anchor) => {
                let start = self.begin(span.start);
                let Some(known) = self.anchored.get(&anchor) else {
                    let help = "an anchor can be used after the value it names";
                    return Err(wrong(span.start, "has an alias within its own anchor", help));
                };
                self.repeated.make_room(&mut self.out.json, known.json.len(), span.start.index());
                self.out.json.push_str(&known.json);
                if let Some((message, help)) = known.fault {
                    self.out.faults.push(Fault { at: start, message, help });
                }
                self.end(start, 0);
            }
            Event::SequenceStart(..) | Event::MappingStart(..) if self.open.len() >= MAX_DEPTH => {
                let help = "split the flag, or test membership with one \"in\" over a list";
                let message = format!("nests deeper than {MAX_DEPTH} levels");
                return Err(wrong(span.start, &message, help));
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.begin(span.start);
                if let Some(tag) = &tag {
                    let path = self.path();
                    self.tagged((tag, tag::is_of(tag, "seq"), TagKind::List), path, &span);
                }
                self.open(anchor, None);
            }
            Event::MappingStart(_, anchor, tag) => {
                self.begin(span.start);
                if let Some(tag) = &tag {
                    let path = self.path();
                    self.tagged((tag, tag::is_of(tag, "map"), TagKind::Mapping), path, &span);
                }
                self.open(anchor, Some(Next::Key));
            }
            Event::SequenceEnd => self.close(']'),
            Event::MappingEnd => self.close('}'),
            _ => {}
        }
        let written = self.out.json.len().saturating_sub(before);
        let left = self.budget.checked_sub(written).filter(|left| *left > 0);
        let Some(left) = left else {
            let help = "write less with aliases";
            return Err(wrong(span.start, "repeats too much with aliases", help));
        };
        self.budget = left;
        Ok(())
    }

    /// Whether no value was written so far.
    pub(super) fn is_empty(&self) -> bool {
        self.out.json.is_empty()
    }

    /// What was written.
    pub(super) fn finish(self) -> YamlTranslation {
        let mut written = self.out;
        // What was merged in stands where it was merged, before what was written since.
        written.faults.sort_by_key(|fault| fault.at);
        // The text stays for as long as its flags are compiled.
        written.json.shrink_to_fit();
        written
    }

    fn at_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { next: Some(Next::Key), .. }))
    }

    fn mark(&mut self, at: Marker) {
        if self.marking {
            self.out.marks.push(self.out.json.len(), position(at));
        }
    }

    /// Warns of a tag that has no effect: one that is not kept, on a value of this kind.
    fn tagged(&mut self, (tag, is_kept, kind): (&Tag, bool, TagKind), path: Path, span: &Span) {
        if !is_kept {
            let at = position(span.tag_start().unwrap_or(span.start));
            self.out.warnings.push(tag::warning(tag, kind, path, at));
        }
    }

    /// The path of the value that begins here; of the mapping, before a key.
    fn path(&self) -> Path {
        let mut path = Path::default();
        let ends = self.open.iter().skip(1).map(|open| open.start);
        for (open, end) in self.open.iter().zip(ends.chain([self.out.json.len()])) {
            match open.next {
                None => path.enter(Step::Place(open.count.saturating_sub(1))),
                Some(Next::Merged(_)) => path.enter(Step::Member("<<".into())),
                Some(Next::Key) => {}
                Some(Next::Value) => {
                    let before = self.out.json.get(..end).unwrap_or_default();
                    let key = locate::name_at_end(before).and_then(|at| before.get(at..));
                    let key = key.and_then(|key| key.strip_suffix(':'));
                    let key = key.and_then(|key| serde_json::from_str::<String>(key).ok());
                    path.enter(Step::Member(key.unwrap_or_default().into()));
                }
            }
        }
        path
    }

    /// Writes what separates a value from the one before; says where the value starts.
    fn begin(&mut self, at: Marker) -> usize {
        if let Some(Open { next: None, count, .. }) = self.open.last_mut() {
            *count += 1;
            if *count > 1 {
                self.out.json.push(',');
            }
        }
        self.mark(at);
        self.out.json.len()
    }

    /// Ends a value: keeps it if it has an anchor, and takes it out again if it is merged.
    fn end(&mut self, start: usize, anchor: usize) {
        let json = &mut self.out.json;
        if anchor > 0 {
            let text = json.get(start..).unwrap_or_default();
            // Counted as if it were written: nested anchors keep the same text several times.
            self.budget = self.budget.saturating_sub(text.len());
            let fault = self.out.faults.last().filter(|fault| fault.at >= start);
            let fault = fault.map(|fault| (fault.message, fault.help));
            self.anchored.insert(anchor, Anchored { json: text.into(), fault });
        }
        let Some(Open { next: Some(next), merged, start: mapping, .. }) = self.open.last_mut()
        else {
            return;
        };
        if let Next::Merged(start) = *next {
            let text = json.split_off(start);
            // Counted as if it had stayed: it is kept until the mapping ends.
            self.budget = self.budget.saturating_sub(text.len());
            merged.push(text);
            self.out.marks.truncate(start);
            let moved = self.out.faults.iter_mut().rev().take_while(|fault| fault.at >= start);
            moved.for_each(|fault| fault.at = *mapping);
        }
        *next = Next::Key;
    }

    fn key(&mut self, text: &str, is_merge: bool, anchor: usize, at: Marker) {
        if !is_merge {
            if let Some(open) = self.open.last_mut() {
                open.count += 1;
                if open.count > 1 {
                    self.out.json.push(',');
                }
            }
            self.mark(at);
            let start = self.out.json.len();
            scalar::write_text(&mut self.out.json, text);
            if anchor > 0 {
                let json = self.out.json.get(start..).unwrap_or_default().into();
                self.anchored.insert(anchor, Anchored { json, fault: None });
            }
            self.out.json.push(':');
        }
        let next = if is_merge { Next::Merged(self.out.json.len()) } else { Next::Value };
        if let Some(open) = self.open.last_mut() {
            open.next = Some(next);
        }
    }

    fn scalar(&mut self, scalar: &Scalar<'_>, at: usize) {
        if let Scalar::NotFinite = scalar {
            let message = "has a number that is not finite";
            let help = "JSON knows no infinity and no NaN; write a number, or quote it for a text";
            self.out.faults.push(Fault { at, message, help });
        }
        scalar.write(&mut self.out.json);
    }

    /// Opens a collection, which was begun.
    fn open(&mut self, anchor: usize, next: Option<Next>) {
        let start = self.out.json.len();
        self.out.json.push(if next.is_some() { '{' } else { '[' });
        self.open.push(Open { start, anchor, next, count: 0, merged: Vec::new() });
    }

    fn close(&mut self, bracket: char) {
        let Some(closed) = self.open.pop() else { return };
        if !closed.merged.is_empty() {
            self.merge(&closed);
        }
        self.out.json.push(bracket);
        self.end(closed.start, closed.anchor);
    }

    /// Adds the members of merged mappings that the mapping does not have: its own come first,
    /// then those of the first merged (<https://yaml.org/type/merge.html>).
    fn merge(&mut self, closed: &Open) {
        let own = format!("{}}}", self.out.json.get(closed.start..).unwrap_or_default());
        // What each name has, and from which "<<"; its own have none.
        let mut known: HashMap<Box<str>, Option<(usize, &str)>> =
            members(&own).0.into_iter().map(|(name, _)| (name.into(), None)).collect();
        let mut empty = known.is_empty();
        for (turn, merged) in closed.merged.iter().enumerate() {
            let mappings = match merged.starts_with('[') {
                true => serde_json::from_str(merged)
                    .map_or_else(|_| Vec::new(), |RawElements(all)| all)
                    .into_iter()
                    .map(|mapping| mapping.get())
                    .collect(),
                false => vec![merged.as_str()],
            };
            for mapping in mappings {
                if !mapping.starts_with('{') {
                    let message = "merges with \"<<\" what is no mapping";
                    let help = "give \"<<\" an alias of a mapping, or a list of them";
                    self.out.faults.push(Fault { at: closed.start, message, help });
                }
                let merged = members(mapping).0;
                for (name, value) in &merged {
                    // Within one mapping duplicates stay: the format decides what they mean.
                    if let Some(before) = known.get(&**name) {
                        if before.is_some_and(|(by, had)| by != turn && had != value.get()) {
                            // One reader takes the first, another the last.
                            let message = "merges two values of one name with several \"<<\"";
                            let help =
                                "merge with one list, the first of which counts: <<: [*a, *b]";
                            self.out.faults.push(Fault { at: closed.start, message, help });
                        }
                        continue;
                    }
                    if !std::mem::take(&mut empty) {
                        self.out.json.push(',');
                    }
                    scalar::write_text(&mut self.out.json, name);
                    self.out.json.push(':');
                    self.out.json.push_str(value.get());
                }
                for (name, value) in merged {
                    known.entry(name.into()).or_insert(Some((turn, value.get())));
                }
            }
        }
    }
}

fn members(mapping: &str) -> Members<'_> {
    serde_json::from_str(mapping).unwrap_or_default()
}
