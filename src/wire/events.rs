//! The events of an update stream, as frames.

use super::frame;
use bytes::Bytes;
use flagstaff_core::document::protobuf::put_bytes;

/// What happened to a flag, in flagd's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// It is new.
    Write,
    /// Its answers, or what is said with them, may differ.
    Update,
    /// It is gone.
    Delete,
}

impl Change {
    fn as_str(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// The sidecar can answer.
pub(crate) fn provider_ready() -> Bytes {
    event("provider_ready", Some(&[]))
}

/// Nothing happened, and the stream lives.
pub(crate) fn keep_alive() -> Bytes {
    event("keep_alive", None)
}

/// The sidecar is about to stop.
pub(crate) fn provider_shutdown() -> Bytes {
    event("provider_shutdown", Some(&[]))
}

/// Flags changed: a `configuration_change` whose data is `{"flags": {key: {"type": change}}}`.
pub(crate) fn changed<'a>(changes: impl IntoIterator<Item = (&'a str, Change)>) -> Bytes {
    let mut flags = Vec::new();
    for (key, change) in changes {
        let mut name = Vec::new();
        put_bytes(&mut name, 3, change.as_str().as_bytes());
        let mut kind = Vec::new();
        put_member(&mut kind, "type", &name);
        put_member(&mut flags, key, &nested(&kind));
    }
    let mut data = Vec::new();
    put_member(&mut data, "flags", &nested(&flags));
    event("configuration_change", Some(&data))
}

/// A `Struct` as a `Value`.
fn nested(members: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(members.len() + 6);
    put_bytes(&mut value, 5, members);
    value
}

fn put_member(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    let mut entry = Vec::with_capacity(name.len() + value.len() + 12);
    put_bytes(&mut entry, 1, name.as_bytes());
    put_bytes(&mut entry, 2, value);
    put_bytes(out, 1, &entry);
}

fn event(kind: &str, data: Option<&[u8]>) -> Bytes {
    let mut message = Vec::new();
    put_bytes(&mut message, 1, kind.as_bytes());
    if let Some(data) = data {
        put_bytes(&mut message, 2, data);
    }
    frame(&message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pb::flagd::evaluation::v2::EventStreamResponse;
    use prost::Message;

    #[test]
    fn clients_read_the_changed_keys() {
        let frame = changed([("a", Change::Update), ("b", Change::Delete)]);
        let event = EventStreamResponse::decode(&frame[5..]).unwrap();
        assert_eq!(event.r#type, "configuration_change");
        let shown = format!("{:?}", event.data.unwrap());
        for part in ["\"flags\"", "\"a\"", "\"update\"", "\"b\"", "\"delete\""] {
            assert!(shown.contains(part), "{part} in {shown}");
        }
    }

    #[test]
    fn only_a_keep_alive_has_no_data() {
        let data = |frame: Bytes| EventStreamResponse::decode(&frame[5..]).unwrap().data.is_some();
        assert!(data(provider_ready()));
        assert!(data(provider_shutdown()));
        assert!(!data(keep_alive()));
    }
}
