//! Writing values of definitions in the encoding of protobuf's well-known types.

use serde_json::Value as Json;

/// Encodes the attributes of a JSON object as a `google.protobuf.Struct`.
pub fn encode_object<'a>(members: impl IntoIterator<Item = (&'a String, &'a Json)>) -> Box<[u8]> {
    let mut out = Vec::new();
    let (mut entry, mut value) = (Vec::new(), Vec::new());
    for (name, json) in members {
        entry.clear();
        put_bytes(&mut entry, 1, name.as_bytes());
        value.clear();
        put_value(&mut value, json);
        put_bytes(&mut entry, 2, &value);
        put_bytes(&mut out, 1, &entry);
    }
    out.into_boxed_slice()
}

fn put_value(out: &mut Vec<u8>, json: &Json) {
    match json {
        Json::Null => out.extend([0x08, 0]),
        Json::Number(number) => put_double(out, 2, number.as_f64().unwrap_or(f64::NAN)),
        Json::String(text) => put_bytes(out, 3, text.as_bytes()),
        Json::Bool(bit) => put_varint(out, 4, u64::from(*bit)),
        Json::Object(members) => put_bytes(out, 5, &encode_object(members)),
        Json::Array(values) => {
            let mut list = Vec::new();
            for value in values {
                let mut element = Vec::new();
                put_value(&mut element, value);
                put_bytes(&mut list, 1, &element);
            }
            put_bytes(out, 6, &list);
        }
    }
}

/// Appends a length-delimited field.
pub fn put_bytes(out: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    varint(out, u64::from(field) << 3 | 2);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends an integer or boolean field.
pub fn put_varint(out: &mut Vec<u8>, field: u32, value: u64) {
    varint(out, u64::from(field) << 3);
    varint(out, value);
}

/// Appends a double field.
pub fn put_double(out: &mut Vec<u8>, field: u32, value: f64) {
    varint(out, u64::from(field) << 3 | 1);
    out.extend_from_slice(&value.to_le_bytes());
}

/// The bytes of a length, or of any other integer.
pub fn varint_length(value: usize) -> usize {
    let bits = usize::BITS - value.leading_zeros();
    bits.div_ceil(7).max(1) as usize
}

/// Appends an integer.
pub fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    // Below 0x80 here.
    out.push((value & 0x7f) as u8);
}
