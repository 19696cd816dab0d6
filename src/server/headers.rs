//! The bound of a request's header list. A longer one ends its call, not its connection.

use super::{body::Body, call::fail, routed::speaks_grpc};
use http::{Request, Response, StatusCode};
use tonic::Status;

/// The longest header list, in bytes.
pub(super) const MAX_HEADERS: usize = 64 * 1024;

/// What HTTP/2 counts for a field beside its texts (RFC 9113, section 6.5.2).
const FIELD: usize = 32;

/// The refusal of a request whose header list is too long, if it is.
pub(super) fn too_long<B>(request: &Request<B>) -> Option<Response<Body>> {
    let fields = request.headers().iter();
    let lengths = fields.map(|(name, value)| name.as_str().len() + value.len() + FIELD);
    let path = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    if path + lengths.sum::<usize>() <= MAX_HEADERS {
        return None;
    }
    let mut refusal = match speaks_grpc(request.headers()) {
        true => fail(Status::resource_exhausted("the request's headers have more than 64 KiB")),
        false => Response::new(Body::Empty),
    };
    *refusal.status_mut() = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    Some(refusal)
}
