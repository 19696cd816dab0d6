//! Data with the order and the duplicates of its keys, which JSON's objects lose.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::fmt;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Data {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Self>),
    Mapping(Vec<(String, Self)>),
}

impl Data {
    /// Reads JSON as the core writes it.
    pub(super) fn of_json(json: &str) -> Self {
        serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"))
    }

    /// Reads what `read.py` writes.
    pub(super) fn of_reader(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(bit) => Self::Bool(*bit),
            Value::Number(number) => Self::Number(number.as_f64().unwrap()),
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(_) => panic!("a bare list: {value}"),
            Value::Object(object) => {
                if let Some(list) = object.get("list") {
                    return Self::List(
                        list.as_array().unwrap().iter().map(Self::of_reader).collect(),
                    );
                }
                let pairs = object["mapping"].as_array().unwrap().iter();
                let pair = |pair: &Value| {
                    (pair[0].as_str().unwrap().to_owned(), Self::of_reader(&pair[1]))
                };
                Self::Mapping(pairs.map(pair).collect())
            }
        }
    }
}

struct Reading;

impl<'de> Visitor<'de> for Reading {
    type Value = Data;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E>(self) -> Result<Data, E> {
        Ok(Data::Null)
    }

    fn visit_bool<E>(self, bit: bool) -> Result<Data, E> {
        Ok(Data::Bool(bit))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Data, E> {
        Ok(Data::Number(number as f64))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Data, E> {
        Ok(Data::Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Data, E> {
        Ok(Data::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Data, E> {
        Ok(Data::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Data, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element()? {
            list.push(element);
        }
        Ok(Data::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Data, A::Error> {
        let mut mapping = Vec::new();
        while let Some(member) = members.next_entry()? {
            mapping.push(member);
        }
        Ok(Data::Mapping(mapping))
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reading)
    }
}
