//! JSON values as `google.protobuf.Struct` bytes, in buffers of exactly their size.

use super::{Json, JsonObject};
use crate::document::protobuf::{put_bytes, put_double, put_varint, varint, varint_length};

/// Encodes the elements of a list as a `google.protobuf.ListValue`.
pub fn encode_list<'t>(values: impl Iterator<Item = Json<'t>> + Clone) -> Box<[u8]> {
    let mut out = Vec::with_capacity(values.clone().map(|value| element_length(value)).sum());
    values.for_each(|value| put_element(&mut out, value));
    out.into_boxed_slice()
}

/// Encodes the members of an object as a `google.protobuf.Struct`.
pub fn encode_object(object: JsonObject<'_>) -> Box<[u8]> {
    let mut out = Vec::with_capacity(object_length(object));
    put_object(&mut out, object);
    out.into_boxed_slice()
}

/// The same of members that `each` shows, every time in the same order.
pub fn encode_members(each: impl Fn(&mut dyn FnMut(&str, Json<'_>))) -> Box<[u8]> {
    let mut length = 0;
    each(&mut |name, value| length += member_length(name, value));
    let mut out = Vec::with_capacity(length);
    each(&mut |name, value| put_member(&mut out, name, value));
    out.into_boxed_slice()
}

/// The bytes of a field with these bytes in it: its tag, its length and the bytes.
fn field_length(bytes: usize) -> usize {
    1 + varint_length(bytes) + bytes
}

fn element_length(value: Json<'_>) -> usize {
    field_length(value_length(value))
}

fn member_length(name: &str, value: Json<'_>) -> usize {
    field_length(field_length(name.len()) + field_length(value_length(value)))
}

fn value_length(value: Json<'_>) -> usize {
    match value {
        Json::Null | Json::Bool(_) => 2,
        Json::Number(_) => 9,
        Json::String(text) => field_length(text.get().len()),
        Json::Array(list) => field_length(list.iter().map(element_length).sum()),
        Json::Object(object) => field_length(object_length(object)),
    }
}

fn object_length(object: JsonObject<'_>) -> usize {
    match object.only() {
        Some((name, value)) => member_length(&name, value),
        None => object.members().map(|(name, value)| member_length(&name, value)).sum(),
    }
}

fn put_object(out: &mut Vec<u8>, object: JsonObject<'_>) {
    match object.only() {
        Some((name, value)) => put_member(out, &name, value),
        None => object.members().for_each(|(name, value)| put_member(out, &name, value)),
    }
}

fn put_element(out: &mut Vec<u8>, value: Json<'_>) {
    put_field(out, 1, |out| put_value(out, value));
}

fn put_member(out: &mut Vec<u8>, name: &str, value: Json<'_>) {
    put_field(out, 1, |out| {
        put_bytes(out, 1, name.as_bytes());
        put_field(out, 2, |out| put_value(out, value));
    });
}

fn put_value(out: &mut Vec<u8>, value: Json<'_>) {
    match value {
        Json::Null => out.extend([0x08, 0]),
        Json::Number(number) => put_double(out, 2, number.as_f64()),
        Json::String(text) => put_bytes(out, 3, text.get().as_bytes()),
        Json::Bool(bit) => put_varint(out, 4, u64::from(bit)),
        Json::Object(object) => put_field(out, 5, |out| put_object(out, object)),
        Json::Array(list) => {
            put_field(out, 6, |out| list.iter().for_each(|value| put_element(out, value)));
        }
    }
}

/// Appends a length-delimited field. The bytes come first and then move to make room for their
/// length, which nothing knows before; no other buffer is needed.
fn put_field(out: &mut Vec<u8>, field: u32, put: impl FnOnce(&mut Vec<u8>)) {
    varint(out, u64::from(field) << 3 | 2);
    let begins = out.len();
    put(out);
    let length = out.len() - begins;
    varint(out, length as u64);
    if let Some(moved) = out.get_mut(begins..) {
        moved.rotate_left(length);
    }
}
