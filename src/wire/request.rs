//! Evaluation requests, read in place.

use flagstaff_core::{FieldContent, Fields, Malformed};

/// `Resolve<Type>Request`: every type has the same two fields.
#[derive(Debug, PartialEq)]
pub struct ResolveRequest<'a> {
    /// The key of the flag.
    pub flag_key: &'a str,
    /// An encoded `google.protobuf.Struct`, not looked at yet.
    pub context: &'a [u8],
}

impl<'a> ResolveRequest<'a> {
    /// Reads a request's message; unknown fields are skipped.
    pub fn read(message: &'a [u8]) -> Result<Self, Malformed> {
        let mut request = Self { flag_key: "", context: &[] };
        for field in Fields::new(message) {
            match field? {
                (1, FieldContent::Bytes(key)) => {
                    request.flag_key = std::str::from_utf8(key).map_err(|_| Malformed)?;
                }
                (2, FieldContent::Bytes(context)) => request.context = context,
                _ => {}
            }
        }
        Ok(request)
    }
}

/// `ResolveAllRequest`.
#[derive(Debug)]
pub(crate) struct BulkRequest<'a> {
    /// An encoded `google.protobuf.Struct`, not looked at yet.
    pub(crate) context: &'a [u8],
}

impl<'a> BulkRequest<'a> {
    pub(crate) fn read(message: &'a [u8]) -> Result<Self, Malformed> {
        let mut request = Self { context: &[] };
        for field in Fields::new(message) {
            if let (1, FieldContent::Bytes(context)) = field? {
                request.context = context;
            }
        }
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pb::flagd::evaluation::v2::ResolveBooleanRequest;
    use prost::Message;

    #[test]
    fn reads_what_prost_writes() {
        let message = ResolveBooleanRequest { flag_key: "schlüssel".into(), context: None };
        let message = message.encode_to_vec();
        let request = ResolveRequest::read(&message).unwrap();
        assert_eq!(request, ResolveRequest { flag_key: "schlüssel", context: &[] });
    }

    #[test]
    fn skips_fields_it_does_not_know() {
        let message = [0x18, 1, 0x25, 0, 0, 0, 0, 0x0a, 1, b'k', 0x21, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(ResolveRequest::read(&message).unwrap().flag_key, "k");
    }

    #[test]
    fn every_broken_message_is_malformed_and_none_panics() {
        let message = [0x0a, 3, b'k', b'e', b'y', 0x12, 2, 0x0a, 0];
        for length in 0..message.len() {
            let result = ResolveRequest::read(&message[..length]);
            assert_eq!(result.is_ok(), [0, 5].contains(&length), "{length}");
        }
        for broken in [&[0x0a, 1, 0xff][..], &[0x0b], &[0x02, 0], &[0xff; 12], &[0x0a, 0xff, 0xff]]
        {
            assert_eq!(ResolveRequest::read(broken), Err(Malformed), "{broken:?}");
        }
    }
}
