//! A value of a readable file and where it stands, with the checks that every reader makes.

use crate::{
    diagnostic::{Diagnostic, Path, Target, problems::Problems, suggest::suggest},
    document::{
        json::{Json, JsonList, JsonObject},
        synonyms, yaml_bool,
    },
};
use std::{borrow::Cow, collections::BTreeSet, rc::Rc};

/// A value and its place.
#[derive(Debug, Clone)]
pub struct Node<'a> {
    pub value: Json<'a>,
    pub path: Path,
    /// The members, if many are asked for by name: each look-up goes over the whole text otherwise.
    members: Option<Rc<[Member<'a>]>>,
}

type Member<'a> = (Cow<'a, str>, Json<'a>);

impl<'a> Node<'a> {
    pub fn new(value: Json<'a>, path: Path) -> Self {
        Self { value, path, members: None }
    }

    /// A value many of whose members are asked for by name.
    pub(super) fn of_many(value: Json<'a>, path: Path) -> Self {
        let members = value.as_object().map(|object| object.members().collect());
        Self { value, path, members }
    }

    pub fn member(&self, name: &str) -> Option<Self> {
        // Nothing is as good as not written: in YAML a name without a value is null.
        let value = match &self.members {
            Some(members) => members.iter().find(|(known, _)| known == name)?.1,
            None => self.value.get(name)?,
        };
        if value.is_null() {
            return None;
        }
        Some(Self::new(value, self.path.member(name)))
    }

    /// What it is called, if it is a member.
    pub(super) fn name(&self) -> &str {
        self.path.name().unwrap_or_default()
    }

    pub fn elements(&self) -> impl Iterator<Item = Self> {
        let elements = self.value.as_array().into_iter().flat_map(JsonList::iter);
        let node = |(place, value)| Self::new(value, self.path.place(place));
        elements.enumerate().map(node)
    }

    /// The elements of a list; anything else is a list of itself.
    pub(super) fn each(&self) -> Vec<Self> {
        if self.value.is_array() { self.elements().collect() } else { vec![self.clone()] }
    }

    pub fn members(&self) -> impl Iterator<Item = (Cow<'a, str>, Self)> {
        let members = self.value.as_object().into_iter().flat_map(JsonObject::members);
        members.map(|(name, value)| {
            let path = self.path.member(&name);
            (name, Self::new(value, path))
        })
    }

    pub fn error(&self, message: impl Into<String>, help: impl Into<String>) -> Diagnostic {
        Diagnostic::error(&self.path, message, help)
    }

    pub fn warning(&self, message: impl Into<String>, help: impl Into<String>) -> Diagnostic {
        Diagnostic::warning(&self.path, message, help)
    }

    /// The members of an object, none of which may be unknown: a misspelt `killed` kills nobody.
    pub fn object(
        &self,
        known: &[&str],
        what: &str,
        found: &mut Problems,
    ) -> Option<JsonObject<'a>> {
        let Json::Object(members) = self.value else {
            let help = match self.value {
                Json::Null => {
                    "indent what belongs to it by two more spaces, or write {}".to_owned()
                }
                _ => format!("write members below it, such as {}", some(known)),
            };
            found.push(self.error(format!("is not {what}"), help));
            return None;
        };
        // Each once, although a duplicate is an error of its own.
        let names = members.written().map(|(name, _)| name.get());
        let unknown: BTreeSet<_> = names.filter(|name| !known.contains(&&**name)).collect();
        for name in unknown {
            let path = self.path.member(&name).target(Target::Name);
            let help = synonyms::of_member(&name, known).unwrap_or_else(|| {
                let otherwise = format!("the members are {}", known.join(", "));
                suggest(&name, known.iter().copied(), &otherwise)
            });
            found.push(Diagnostic::error(path, format!("is not a member of {what}"), help));
        }
        Some(members)
    }

    /// A text. What YAML took for a number or a truth was meant as one.
    pub fn text(&self, what: &str, found: &mut Problems) -> Option<String> {
        match self.value {
            Json::String(text) if !text.get().trim().is_empty() => Some(text.get().into_owned()),
            Json::Number(_) | Json::Bool(_) => Some(self.value.to_canonical()),
            Json::String(_) => {
                found.push(self.error("is empty", format!("write {what}")));
                None
            }
            _ => {
                found.push(self.error(format!("is not {what}"), "write it as a text"));
                None
            }
        }
    }

    /// A truth, whichever YAML read it: `on`, `yes` and `true` are one.
    pub(super) fn truth(&self, found: &mut Problems) -> Option<bool> {
        let truth = yaml_bool::truth_of(self.value);
        if truth.is_none() {
            found.push(self.error("is neither true nor false", "write true or false"));
        }
        truth
    }
}

/// The names that most often decide, if they may stand here, else the first.
fn some(known: &[&str]) -> String {
    let most: Vec<&str> =
        ["serve", "rollout", "rules"].into_iter().filter(|name| known.contains(name)).collect();
    let names = if most.len() > 1 { &most } else { known };
    names.join(", ")
}
