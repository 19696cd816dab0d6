//! A file as lints see it: its definitions, whichever form they were written in.

use super::{logic::operands, settings::Settings};
use crate::lint::linted::Linted;
use flagstaff_core::{
    diagnostic::{Path, problems::Problems},
    document::{Definition, Document, members::Members, text::DocumentText},
    flag::rule::Generation,
    readable::{FlagShape, Translation, translate},
};
use jiff::tz::TimeZone;
use serde_json::{Map, Value as Json, value::RawValue};
use std::collections::{BTreeMap, HashMap};

/// A file.
#[derive(Debug)]
pub(super) struct LintContext {
    /// In the order of the file.
    pub(super) flags: Vec<LintedFlag>,
    places: HashMap<String, usize>,
    /// Rules by name, which others refer to.
    pub(super) evaluators: Map<String, Json>,
    /// The segments of a readable file as its author wrote them; null if it has none.
    pub(super) segments: Json,
    /// What is said of all flags.
    metadata: Map<String, Json>,
    pub(super) generation: Generation,
    /// Whether it is written in the readable form, and not in flagd's.
    pub(super) is_readable: bool,
    settings: Settings,
    shapes: BTreeMap<String, FlagShape>,
    /// The time zone that the file names.
    pub(super) zone: Option<TimeZone>,
}

/// A flag.
#[derive(Debug, Clone)]
pub(super) struct LintedFlag {
    pub(super) key: String,
    pub(super) is_disabled: bool,
    pub(super) variants: Map<String, Json>,
    pub(super) default: Json,
    /// Its rule; null if there is none.
    pub(super) targeting: Json,
    /// What is said of it. A member `description` stands here as `why`.
    pub(super) metadata: Map<String, Json>,
    /// Whether a member `description` says why it exists.
    is_described: bool,
    /// The flag as its author wrote it; null in flagd's form.
    pub(super) written: Json,
}

impl LintContext {
    /// Reads a file and looks at it. One that has no definitions is not looked at.
    pub(super) fn look(linted: &Linted<'_>, mut look: impl FnMut(&Self, &DocumentText<'_>)) {
        let Ok(text) = DocumentText::read(linted.content, linted.format) else { return };
        let mut nobody = Problems::with_room(0);
        let file = serde_json::from_str::<Members<'_>>(text.json()).unwrap_or_default();
        let settings = Settings::read(json_of(file.get("lint")).as_ref());
        let translation = translate(&text, &file, linted.lists, linted.fallback, &mut nobody);
        let Ok(translation) = translation.transpose() else { return };
        let (json, shapes, zone) = match translation {
            None => (None, BTreeMap::new(), None),
            Some(translation) => {
                let json = translation.to_json();
                let Translation { shapes, zone, .. } = translation;
                (Some(DocumentText::of_json(json)), shapes, zone)
            }
        };
        let is_readable = json.is_some();
        let Ok(document) = Document::parse(json.as_ref().unwrap_or(&text), &mut nobody) else {
            return;
        };
        let written = if is_readable { flags_by_key(&file) } else { HashMap::new() };
        let flags = document.flags.iter();
        let flags =
            flags.filter_map(|flag| LintedFlag::read(flag, written.get(&*flag.key).copied()));
        let metadata = object(json_of(document.metadata));
        let generation = match metadata.get("fractional").and_then(Json::as_str) {
            Some("v2") => Generation::V2,
            Some("v3") => Generation::V3,
            _ => linted.fallback,
        };
        let segments = json_of(file.get("segments").filter(|_| is_readable)).unwrap_or_default();
        // Those that no author wrote stand for required flags and for lists, which are looked at
        // themselves.
        let evaluators = document.evaluators.iter().flat_map(|evaluators| &evaluators.0);
        let evaluators =
            evaluators.filter(|(name, _)| !is_readable || segments.get(&**name).is_some());
        let evaluators =
            evaluators.filter_map(|(name, raw)| Some((name.to_string(), json_of(Some(raw))?)));
        let flags: Vec<LintedFlag> = flags.collect();
        let places = flags.iter().enumerate().map(|(place, flag)| (flag.key.clone(), place));
        let page = Self {
            places: places.collect(),
            flags,
            evaluators: evaluators.collect(),
            segments,
            metadata,
            generation,
            is_readable,
            settings,
            shapes,
            zone,
        };
        look(&page, &text);
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What the definition does not say of a flag.
    pub(super) fn shape(&self, key: &str) -> Option<&FlagShape> {
        self.shapes.get(key)
    }

    /// Where a flag's rules begin: behind its times and what it requires, if it has any.
    pub(super) fn chain<'a>(&self, flag: &'a LintedFlag) -> (&'a Json, Path) {
        let path = flag.targeting_path();
        match operands(&flag.targeting, "if") {
            Some([_, chain, ..]) if self.is_gated(&flag.key) => (chain, path.member("if").place(1)),
            _ => (&flag.targeting, path),
        }
    }

    pub(super) fn is_gated(&self, key: &str) -> bool {
        self.shape(key).is_some_and(|shape| shape.gated)
    }

    pub(super) fn flag(&self, key: &str) -> Option<&LintedFlag> {
        self.flags.get(*self.places.get(key)?)
    }

    /// What is said of a flag, by itself or by its file, as a text.
    pub(super) fn fact(&self, flag: &LintedFlag, name: &str) -> Option<String> {
        let said = |of: &Map<String, Json>| match of.get(name)? {
            Json::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            Json::Number(number) => Some(number.to_string()),
            Json::Bool(bit) => Some(bit.to_string()),
            Json::Array(elements) => {
                let texts = elements.iter().filter_map(Json::as_str);
                Some(texts.collect::<Vec<_>>().join(", "))
            }
            Json::Null | Json::Object(_) => None,
        };
        said(&flag.metadata).or_else(|| said(&self.metadata))
    }

    /// The kind of a flag that has to go one day.
    pub(super) fn is_temporary(&self, flag: &LintedFlag) -> bool {
        let kind = self.fact(flag, "kind");
        matches!(kind.as_deref(), Some("release" | "experiment"))
    }
}

impl LintedFlag {
    /// Reads a flag; `None` if it is none.
    fn read(flag: &Definition<'_>, written: Option<&RawValue>) -> Option<Self> {
        let members = Members::parse(flag.raw)?;
        let member = |name: &str| json_of(members.get(name)).unwrap_or_default();
        let targeting = member("targeting");
        let is_empty = targeting.as_object().is_some_and(Map::is_empty);
        let mut metadata = object(Some(member("metadata")));
        let written = json_of(written).unwrap_or_default();
        let description = member("description");
        let is_described = !metadata.contains_key("why") && description.is_string()
            || written.get("why").is_none() && written.get("description").is_some();
        if description.is_string() {
            metadata.entry("why").or_insert(description);
        }
        Some(Self {
            key: flag.key.clone().into_owned(),
            is_disabled: flag.is_disabled_before || members.are_disabled(),
            variants: object(Some(member("variants"))),
            default: member("defaultVariant"),
            targeting: if is_empty { Json::Null } else { targeting },
            metadata,
            is_described,
            written,
        })
    }

    pub(super) fn path(&self) -> Path {
        Path::from("flags").member(&self.key)
    }

    /// Where something is said of it, whether or not it is.
    pub(super) fn path_of(&self, fact: &str) -> Path {
        if fact == "why" && self.is_described {
            return self.path().member("description");
        }
        self.path().member("metadata").member(fact)
    }

    pub(super) fn targeting_path(&self) -> Path {
        self.path().member("targeting")
    }

    /// Whether all of its values are true or false.
    pub(super) fn is_switch(&self) -> bool {
        !self.variants.is_empty() && self.variants.values().all(Json::is_boolean)
    }
}

fn flags_by_key<'a>(file: &Members<'a>) -> HashMap<String, &'a RawValue> {
    let flags = file.get("flags").and_then(Members::parse).unwrap_or_default();
    flags.0.into_iter().map(|(key, raw)| (key.into_owned(), raw)).collect()
}

fn json_of(raw: Option<&RawValue>) -> Option<Json> {
    serde_json::from_str(raw?.get()).ok()
}

fn object(value: Option<Json>) -> Map<String, Json> {
    match value {
        Some(Json::Object(members)) => members,
        _ => Map::new(),
    }
}
