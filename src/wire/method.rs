//! The methods of the contract: their paths, and a place for each.

use super::Type;

/// The version of `flagd.evaluation` a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ApiVersion {
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
    pub(crate) version: ApiVersion,
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
        of(ApiVersion::V1, PROCEDURES.len()).chain(of(ApiVersion::V2, PROCEDURES.len() - 1))
    }

    /// The method of a request path: `/package.Service/Method`.
    pub(crate) fn find(path: &str) -> Option<Self> {
        let (service, name) = path.strip_prefix('/')?.split_once('/')?;
        let (version, count) = match service {
            V1 => (ApiVersion::V1, PROCEDURES.len()),
            V2 => (ApiVersion::V2, PROCEDURES.len() - 1),
            _ => return None,
        };
        let (procedure, _) = PROCEDURES.iter().take(count).find(|(_, known)| *known == name)?;
        Some(Self { version, procedure: *procedure })
    }

    /// A place of its own among all methods.
    pub(crate) fn index(self) -> usize {
        let first = if self.version == ApiVersion::V1 { 0 } else { PROCEDURES.len() };
        first + self.place()
    }

    fn place(self) -> usize {
        PROCEDURES.iter().position(|(known, _)| *known == self.procedure).unwrap_or_default()
    }

    pub(crate) fn service(self) -> &'static str {
        if self.version == ApiVersion::V1 { V1 } else { V2 }
    }

    pub(crate) fn name(self) -> &'static str {
        PROCEDURES.get(self.place()).map_or("", |(_, name)| name)
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
