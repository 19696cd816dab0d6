//! Values read in place are those that serde reads.

use super::*;
use crate::flag::encoded;
use serde_json::Value;

const TEXTS: [&str; 12] = [
    "null",
    " [1, -0, 2.50 ,1e3,true,false,null,\"a\\n\\u00e4\\\\\" , \"]{\" ] ",
    "{}",
    "[]",
    "[[],{},[[]],[{}]]",
    "{\"b\":1,\"a\":{\"y\":[],\"x\":{}},\"b\":[2]}",
    "{\"a\":1,\"a\":2}",
    "{ \"if\" : [ {\"==\":[{\"var\":\"plan\"},\"x\"]} , \"on\" ,\n \"off\" ] }",
    "{\"\\u0061\":1,\"a\":{\"b\":2}}",
    "[18446744073709551615,-9223372036854775808,1e300,123456789012345678901,0.1]",
    "\"text\"",
    "{\"z\":\"\\\"\",\"ä\":\"\\u0001\",\"\":[null,{\"q\":[[1],2]}]}",
];

/// The value as serde reads it.
fn tree(json: Json<'_>) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(bit) => bit.into(),
        Json::Number(number) => Value::Number(number.get()),
        Json::String(text) => text.get().into(),
        Json::Array(list) => list.iter().map(tree).collect(),
        Json::Object(object) => {
            object.members().map(|(name, value)| (name.into_owned(), tree(value))).collect()
        }
    }
}

#[test]
fn a_value_is_that_which_serde_reads() {
    for text in TEXTS {
        let expected: Value = serde_json::from_str(text).unwrap();
        let indexed = Indexed::new(text).unwrap();
        assert_eq!(tree(indexed.value()), expected, "{text}");
        assert_eq!(indexed.value().to_canonical(), expected.to_string(), "{text}");
        if let (Json::Object(object), Value::Object(expected)) = (indexed.value(), &expected) {
            assert_eq!(encode_object(object), encoded::encode_object(expected), "{text}");
            assert_eq!(object.only().is_some(), expected.len() == 1, "{text}");
            for (name, value) in expected {
                assert_eq!(object.get(name).map(tree).as_ref(), Some(value), "{text}");
            }
        }
        if let (Json::Array(list), Value::Array(expected)) = (indexed.value(), &expected) {
            let object = serde_json::json!({"v": expected});
            let wrapped = encoded::encode_object(object.as_object().unwrap());
            assert!(wrapped.ends_with(&encode_list(list.iter())), "{text}");
            assert_eq!(list.len(), expected.len(), "{text}");
        }
    }
}

#[test]
fn members_of_long_objects_and_long_values_keep_their_places() {
    let members: Vec<String> = (0..300)
        .rev()
        .map(|at| format!("\"m{}\":[{{\"n\":\"{}\"}}]", at % 200, "x".repeat(at)))
        .collect();
    let text = format!("{{{}}}", members.join(" , "));
    let expected: Value = serde_json::from_str(&text).unwrap();
    let indexed = Indexed::new(&text).unwrap();
    assert_eq!(tree(indexed.value()), expected);
    let Json::Object(object) = indexed.value() else { panic!("not an object") };
    assert_eq!(encode_object(object), encoded::encode_object(expected.as_object().unwrap()));
}

#[test]
fn a_text_is_compared_without_its_escapes() {
    let same = [("\"a\"", "a"), ("\"\\u0061\"", "a"), ("\"\"", ""), ("\"a\\nb\"", "a\nb")];
    let others = [
        ("\"a\"", "b"),
        ("\"a\"", "ab"),
        ("\"ab\"", "a"),
        ("\"\\n\"", "\\n"),
        ("\"\\u0061\"", "b"),
    ];
    for (written, text) in same {
        assert!(JsonText(written).is(text), "{written} {text}");
    }
    for (written, text) in others {
        assert!(!JsonText(written).is(text), "{written} {text}");
    }
}

#[test]
fn members_of_one_name_are_found_however_they_are_written() {
    let twice = ["{\"a\":1,\"\\u0061\":2}", "{\"b\":{},\"a\":[1],\"b\":3}"];
    for (text, expected) in twice.map(|text| (text, true)).into_iter().chain(
        ["{}", "{\"a\":1}", "{\"b\":1,\"a\":2}", "{\"c\":1,\"a\":{\"a\":1},\"b\":2}"]
            .map(|text| (text, false)),
    ) {
        let indexed = Indexed::new(text).unwrap();
        let object = indexed.value().as_object().unwrap();
        assert_eq!(object.has_names_twice(), expected, "{text}");
    }
}
