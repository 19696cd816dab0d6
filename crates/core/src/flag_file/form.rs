//! The definitions of a file: those it holds, or those that a readable one was translated to.

use crate::{
    diagnostic::{Diagnostic, Level, Path, codes::UNPINNED, problems::Problems},
    document::{
        Definition, Document, foreign, members::Members, members_of_file, text::DocumentText,
    },
    flag::{origin::Origin, rule::Generation},
    flag_file::layer::LayerFlag,
    readable::{self, FlagProblems, Lists, Translation},
};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Where definitions are read from.
#[derive(Debug)]
pub(super) enum FileForm<'a> {
    /// The file itself.
    Written(&'a DocumentText<'a>, Members<'a>),
    /// What a readable file says.
    Translated(DocumentText<'static>, Box<Translation>),
}

impl<'a> FileForm<'a> {
    /// Translates a file, if that is needed. An error means that nothing in it can be served.
    pub(super) fn read(
        text: &'a DocumentText<'a>,
        lists: &Lists,
        fallback: Generation,
        found: &mut Problems,
    ) -> Result<Self, Diagnostic> {
        let members = members_of_file(text.json());
        let members =
            members.map_err(|error| foreign::unparsed(text.authored().as_bytes(), error))?;
        if let Some(error) = foreign::encrypted(&members) {
            return Err(error);
        }
        if members.get(readable::VERSION).is_none()
            && let Some(error) = foreign::not_a_flag_file(&members)
        {
            return Err(error);
        }
        if let Some(error) = foreign::unrendered(text.json(), &members) {
            return Err(error);
        }
        let Some(translation) = readable::translate(text, &members, lists, fallback, found) else {
            return Ok(Self::Written(text, members));
        };
        Ok(Self::Translated(DocumentText::of_json(String::new()), Box::new(translation?)))
    }

    pub(super) fn document(&self, found: &mut Problems) -> Result<Document<'_>, Diagnostic> {
        match self {
            Self::Written(_, members) => Document::of(members, found),
            Self::Translated(_, translation) => Ok(translated(translation)),
        }
    }

    /// The text that the definitions are slices of; empty for definitions that were translated, which
    /// have no faults.
    pub(super) fn text(&self) -> &DocumentText<'_> {
        match self {
            Self::Written(text, _) => text,
            Self::Translated(text, _) => text,
        }
    }

    /// The bytes of the file as flagd would read it.
    pub(super) fn length(&self) -> usize {
        match self {
            Self::Written(text, _) => text.json().len(),
            Self::Translated(_, translation) => translation.length(),
        }
    }

    /// What was wrong with a flag before there was a definition.
    pub(super) fn problems_of(&self, key: &str) -> Option<&FlagProblems> {
        match self {
            Self::Written(..) => None,
            Self::Translated(_, translation) => translation.found.get(key),
        }
    }

    /// What the file says of a flag beyond its definition.
    pub(super) fn origin_of(&self, key: &str) -> Origin {
        match self {
            Self::Written(..) => Origin::default(),
            Self::Translated(_, translation) => Origin {
                killed: translation.shapes.get(key).is_some_and(|shape| shape.killed),
                zone: translation.zone.clone(),
                otherwise: translation.shapes.get(key).and_then(|shape| shape.otherwise.clone()),
            },
        }
    }

    /// Whether a flag of the same definition has the problems that it would have now.
    pub(super) fn has_all_its_problems(&self, flag: &LayerFlag) -> bool {
        match self {
            Self::Written(..) => true,
            // One definition can be written in two ways.
            Self::Translated(..) => {
                flag.problems().is_empty() && self.problems_of(flag.flag().key()).is_none()
            }
        }
    }

    /// The flags as they stand in a readable file.
    pub(super) fn written(&self, text: &'a DocumentText<'a>) -> Option<Document<'a>> {
        match self {
            Self::Written(..) => None,
            Self::Translated(..) => Document::parse(text, &mut Problems::with_room(0)).ok(),
        }
    }

    /// Lets problems of a definition point to where their author wrote what it was made of.
    pub(super) fn lead_back(&self, key: &str, found: &mut Vec<Diagnostic>) {
        let Self::Translated(_, translation) = self else { return };
        // A warning in the rule of a required flag is reported at that flag.
        found.retain(|problem| {
            problem.level == Level::Error || !translation.is_of_required(&problem.path)
        });
        for problem in found {
            problem.path = match translation.is_of_required(&problem.path) {
                true => Path::from("flags").member(key).member("requires"),
                false => readable::written_path(&problem.path),
            };
        }
    }

    /// The note of a file that lets an option decide how units are hashed.
    pub(super) fn unpinned(&self, fallback: Generation) -> Diagnostic {
        let message = "does not say which generation of \"fractional\" decides who gets what";
        let (path, pin) = match self {
            Self::Written(..) => {
                ("metadata", format!("\"metadata\": {{\"fractional\": \"{}\"}}", fallback.as_str()))
            }
            Self::Translated(..) => ("bucketing", format!("bucketing: {}", fallback.as_str())),
        };
        let help = format!("add {pin}, so that no option can move users");
        Diagnostic::note(Path::from(path), message, help).of(UNPINNED)
    }
}

/// The definitions of a readable file.
fn translated(translation: &Translation) -> Document<'_> {
    let definitions = translation.definitions.iter();
    let flags = definitions
        .filter_map(|(key, text)| Some(Definition::new(Cow::Borrowed(&**key), raw(text)?, None)));
    let evaluators = translation.evaluators.iter();
    let evaluators = evaluators.filter_map(|(name, text)| Some((name.as_str().into(), raw(text)?)));
    Document {
        flags: flags.collect(),
        evaluators: Some(Members(evaluators.collect())),
        metadata: translation.metadata.as_deref().and_then(raw),
        has_nameless: false,
    }
}

/// JSON that was written here.
fn raw(json: &str) -> Option<&RawValue> {
    serde_json::from_str(json).ok()
}
