//! The evaluation methods at the level of bytes: `(method, message) → frame or status`.
//!
//! No transport is known here, so every one of them answers, counts and fails alike.

pub(crate) mod bulk;
pub(crate) mod errors;
pub(crate) mod resolve;
pub(crate) mod subscription;

use crate::{clock::now, store::Store, telemetry::metrics::Metrics, wire::Type};
use bytes::Bytes;
use resolve::Question;
use std::{sync::Arc, time::Instant};
use tonic::Status;

/// The version of `flagd.evaluation` a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V1,
    V2,
}

/// What a method does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Procedure {
    Resolve(Type),
    ResolveAll,
    EventStream,
}

/// A method of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Method {
    pub(crate) version: Version,
    pub(crate) procedure: Procedure,
}

const V1: &str = "flagd.evaluation.v1.Service";
const V2: &str = "flagd.evaluation.v2.Service";

/// The services evaluation ports answer for, as health checks name them.
pub(crate) const SERVICES: [&str; 2] = [V1, V2];

const PROCEDURES: [(Procedure, &str); 7] = [
    (Procedure::Resolve(Type::Boolean), "ResolveBoolean"),
    (Procedure::Resolve(Type::String), "ResolveString"),
    (Procedure::Resolve(Type::Float), "ResolveFloat"),
    (Procedure::Resolve(Type::Int), "ResolveInt"),
    (Procedure::Resolve(Type::Object), "ResolveObject"),
    (Procedure::EventStream, "EventStream"),
    (Procedure::ResolveAll, "ResolveAll"),
];

impl Method {
    /// Every method there is, each at its [`index`](Self::index).
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let of = |version, count| {
            PROCEDURES
                .into_iter()
                .take(count)
                .map(move |(procedure, _)| Self { version, procedure })
        };
        // ResolveAll comes last, because v2 has none.
        of(Version::V1, PROCEDURES.len()).chain(of(Version::V2, PROCEDURES.len() - 1))
    }

    /// The method of a request path: `/package.Service/Method`.
    pub(crate) fn find(path: &str) -> Option<Self> {
        let (service, name) = path.strip_prefix('/')?.split_once('/')?;
        let (version, count) = match service {
            V1 => (Version::V1, PROCEDURES.len()),
            V2 => (Version::V2, PROCEDURES.len() - 1),
            _ => return None,
        };
        let (procedure, _) = PROCEDURES.iter().take(count).find(|(_, known)| *known == name)?;
        Some(Self { version, procedure: *procedure })
    }

    /// A place of its own among all methods.
    pub(crate) fn index(self) -> usize {
        let first = if self.version == Version::V1 { 0 } else { PROCEDURES.len() };
        first + self.place()
    }

    fn place(self) -> usize {
        PROCEDURES.iter().position(|(known, _)| *known == self.procedure).unwrap_or_default()
    }

    pub(crate) fn service(self) -> &'static str {
        if self.version == Version::V1 { V1 } else { V2 }
    }

    pub(crate) fn name(self) -> &'static str {
        PROCEDURES.get(self.place()).map_or("", |(_, name)| name)
    }
}

/// What answers requests.
#[derive(Debug)]
pub(crate) struct Rpc {
    pub(crate) store: Store,
    pub(crate) metrics: Arc<Metrics>,
}

impl Rpc {
    pub(crate) fn new(store: Store, metrics: Arc<Metrics>) -> Self {
        Self { store, metrics }
    }

    /// Answers one message with one frame, at once; `at` is when it arrived.
    pub(crate) fn unary(
        &self,
        method: Method,
        message: &[u8],
        at: Instant,
    ) -> Result<Bytes, Status> {
        match method.procedure {
            Procedure::Resolve(wanted) => {
                self.resolve(Question { version: method.version, wanted, at }, message)
            }
            // Neither is answered at once; who gets here asked for a stream with garbage.
            Procedure::ResolveAll | Procedure::EventStream => Err(errors::malformed()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_is_found_by_its_path_and_has_its_own_place() {
        for (index, method) in Method::all().enumerate() {
            let path = format!("/{}/{}", method.service(), method.name());
            assert_eq!(Method::find(&path), Some(method), "{path}");
            assert_eq!(method.index(), index);
        }
        for unknown in ["/flagd.evaluation.v2.Service/ResolveAll", "/", "", "/x/ResolveBoolean"] {
            assert_eq!(Method::find(unknown), None, "{unknown}");
        }
    }
}
