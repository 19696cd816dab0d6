//! What counts as a flag file in flagd's format, and what is refused with its name.

use crate::{
    compile, diagnostic::Diagnostic, document::text::Format, flag::rule::Generation,
    flag_file::layer::Layer,
};

fn read(text: &str) -> Result<usize, Vec<Diagnostic>> {
    let read = compile(text.as_bytes(), Format::Yaml, Generation::V2, &Layer::default());
    read.map(|read| read.layer.flags().count())
}

#[test]
fn a_file_that_lost_its_header_is_one_error() {
    for member in [
        "killed: true",
        "serve: on",
        "rollout: 5%",
        "rules: []",
        "experiment: {}",
        "otherwise: on",
        "requires: other",
        "hold_at: 5%",
        "start: 2027-01-01",
        "end: 2027-01-01",
    ] {
        let flag = format!("{{ owner: team-shop, {member} }}");
        for text in [
            format!("flags: {{ f: {flag} }}"),
            format!("flags: [{{ key: f, {member} }}]"),
            format!("flags: {{ g: {{ state: ENABLED, variants: {{ a: 1 }} }}, f: {flag} }}"),
            format!("flags: {{ f: {{ variants: {{ on: 1 }}, {member} }} }}"),
        ] {
            let told = read(&text).unwrap_err();
            assert_eq!(told.len(), 1, "{text}: {told:?}");
            assert!(told[0].help.contains("write flagstaff: 1"), "{text}: {told:?}");
        }
    }
}

#[test]
fn a_flag_with_state_and_variants_is_readable_if_what_decides_is() {
    for member in [
        "serve: a",
        "otherwise: b",
        "rollout: 5%",
        "rollout: { to: 5%, serve: a }",
        "hold_at: 5%",
        "rules: [{ if: { x: 1 }, serve: a }]",
        "experiment: { split: { a: 1, b: 1 } }",
    ] {
        let flag = |member: &str| {
            format!("flags: {{ f: {{ state: ENABLED, variants: {{ a: 1, b: 2 }}, {member} }} }}")
        };
        let told = read(&flag(member)).unwrap_err();
        assert!(told[0].help.contains("write flagstaff: 1"), "{member}: {told:?}");
        // The same member may be a note.
        let name = member.split(':').next().unwrap();
        for note in ["5", "see the wiki", "{ x: 1 }", "[a note]"] {
            assert_eq!(read(&flag(&format!("{name}: {note}"))), Ok(1), "{name}: {note}");
        }
    }
}

#[test]
fn a_file_in_flagd_format_is_read_whatever_else_stands_in_it() {
    let flag = "{ state: ENABLED, variants: { a: 1 }, defaultVariant: a";
    for text in [
        format!("flags: {{ f: {flag}, killed: true }} }}"),
        format!("flags: {{ f: {flag}, start: {{ x: 1 }}, rules: note }} }}"),
        format!("replicaCount: 2\nflags: {{ f: {flag} }} }}"),
        format!("apiVersion: v1\nkind: ConfigMap\nflags: {{ f: {flag} }} }}"),
        format!("flagState: on\nfeatures: [{{ enabled: true }}]\nflags: {{ f: {flag} }} }}"),
        format!("kind: ConfigMap\nflags: {{ f: {flag} }} }}"),
        format!("namespace: shop\nflags: {{ f: {flag} }} }}"),
        format!("\"$schema\": https://flagd.dev/schema/v0/flags.json\nflags: {{ f: {flag} }} }}"),
        format!("\"$schema\": http://json-schema.org/draft-07/schema\nflags: {{ f: {flag} }} }}"),
        format!("flags: {{ f: {flag}, metadata: {{ text: \"{{{{ name }}}}\" }} }} }}"),
        "flags: { f: { variants: { a: 1 }, start: 5 } }".to_owned(),
        "flags: { f: { variants: { a: \"{{ .Values.x }}\" }, state: ENABLED } }".to_owned(),
    ] {
        assert_eq!(read(&text).map_err(|told| format!("{told:?}")), Ok(1), "{text}");
    }
}

#[test]
fn the_way_to_the_flags_can_be_pasted() {
    for (text, way) in [
        ("a: { b-c: { flags: { f: {} } } }", "yq '.a[\"b-c\"]' FILE"),
        ("a b: { flags: { f: {} } }", "yq '.[\"a b\"]' FILE"),
        ("a$(x)'\"y: { flags: { f: {} } }", "yq '.[\"a$(x)??y\"]' FILE"),
    ] {
        let told = read(text).unwrap_err();
        assert!(told[0].help.contains(way), "{text}: {told:?}");
    }
}
