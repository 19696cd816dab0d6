//! What people should know of a flag: who owns it, why it is there and when it must go.

use super::{
    encoded::members,
    value::{Text, Value},
};
use crate::flag::model::Flag;

/// Ownership and lifecycle, as flat members of a flag's metadata.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The team or person to ask.
    pub owner: Option<String>,
    /// Release, experiment, ops or permission.
    pub kind: Option<String>,
    /// The day it must be gone by.
    pub expires: Option<String>,
    /// What it should achieve.
    pub why: Option<String>,
    /// Where it is discussed.
    pub ticket: Option<String>,
}

impl Flag {
    /// What its metadata says about it.
    pub fn facts(&self) -> Facts {
        let mut facts = Facts::default();
        for (name, value) in members(&self.metadata).filter_map(Result::ok) {
            let fact = match name {
                "owner" => &mut facts.owner,
                "kind" => &mut facts.kind,
                "expires" => &mut facts.expires,
                "why" => &mut facts.why,
                "ticket" => &mut facts.ticket,
                _ => continue,
            };
            *fact = match value {
                Value::String(Text::Given(text)) => Some(text.to_owned()),
                Value::Number(number) => Some(number.to_string()),
                Value::Bool(bit) => Some(bit.to_string()),
                _ => None,
            };
        }
        if let Some(description) = &self.description {
            facts.why = Some(description.to_string());
        }
        facts
    }
}
