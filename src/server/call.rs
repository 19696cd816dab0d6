//! One evaluation call over gRPC: reads the request's message, answers with a frame or a status.

use super::body::Body;
use crate::{
    lifecycle::Lifecycle,
    rpc::{Method, Procedure, Rpc, subscription::Subscription},
    wire::PREFIX,
};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::time::{Duration, Instant};
use tokio::time::timeout;
use tonic::{Code, Status};

/// The longest request message; flagd's own default.
const MAX_MESSAGE: usize = 1_000_000;

/// A request's body must arrive within this time of its headers.
const BODY_TIMEOUT: Duration = Duration::from_secs(5);

const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");

/// Answers one request.
pub(super) async fn answer(
    rpc: &Rpc,
    method: Method,
    request: Request<Incoming>,
    lifecycle: &Lifecycle,
) -> Response<Body> {
    if let Some(refusal) = not_grpc(&request) {
        return refusal;
    }
    let mut body = request.into_body();
    let message = match timeout(BODY_TIMEOUT, read_message(&mut body)).await {
        Ok(message) => message,
        Err(_) => Err(Status::deadline_exceeded("the request's body did not arrive within 5 s")),
    };
    let start = Instant::now();
    let (code, response) = match message {
        Ok(_) if method.procedure == Procedure::EventStream => {
            let events = Box::new(Subscription::new(rpc, lifecycle.drain_token()));
            (Code::Ok, respond(Body::Events { events, ended: false }))
        }
        Ok(message) => match rpc.unary(method, &message) {
            Ok(frame) => {
                let trailers = HeaderMap::from_iter([(OK_STATUS.0, OK_STATUS.1)]);
                let answer = Body::Answer { frame: Some(frame), trailers: Some(trailers) };
                (Code::Ok, respond(answer))
            }
            Err(status) => (status.code(), fail(status)),
        },
        Err(status) => (status.code(), fail(status)),
    };
    rpc.metrics.rpc(method, code, start.elapsed());
    response
}

const OK_STATUS: (header::HeaderName, HeaderValue) =
    (header::HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"));

fn respond(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, GRPC);
    response
}

/// A status without a message goes with the headers.
fn fail(status: Status) -> Response<Body> {
    status.into_http::<Unit>().map(|_| Body::Empty)
}

/// The body type tonic asks for where there is none.
type Unit = ();

/// The answer to a request that does not speak gRPC, if it does not.
fn not_grpc(request: &Request<Incoming>) -> Option<Response<Body>> {
    let kind = request.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let is_grpc = kind.is_some_and(|kind| {
        let rest = kind.strip_prefix(b"application/grpc");
        rest.is_some_and(|rest| {
            matches!(rest, [] | [b'+', b'p', b'r', b'o', b't', b'o'] | [b';', ..])
        })
    });
    let code = if request.method() != http::Method::POST {
        StatusCode::METHOD_NOT_ALLOWED
    } else if !is_grpc {
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    } else if request.version() != Version::HTTP_2 {
        StatusCode::HTTP_VERSION_NOT_SUPPORTED
    } else {
        return None;
    };
    let mut refusal = Response::new(Body::Empty);
    *refusal.status_mut() = code;
    let speaks = HeaderValue::from_static("application/grpc, application/grpc+proto");
    refusal.headers_mut().insert("accept-post", speaks);
    Some(refusal)
}

/// Reads the one message of a request, without copying if it came in one piece.
async fn read_message(body: &mut Incoming) -> Result<Bytes, Status> {
    let mut whole = Bytes::new();
    let mut pieces = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Status::cancelled("the request was cut off"))?;
        let Ok(data) = frame.into_data() else { continue };
        if whole.is_empty() && pieces.is_empty() {
            whole = data;
        } else {
            pieces.extend_from_slice(&std::mem::take(&mut whole));
            pieces.extend_from_slice(&data);
        }
        check_prefix(if pieces.is_empty() { &whole } else { &pieces })?;
    }
    if !pieces.is_empty() {
        whole = pieces.freeze();
    }
    match whole.len().checked_sub(PREFIX) {
        Some(length) if Some(length) == announced(&whole) => Ok(whole.split_off(PREFIX)),
        _ => Err(Status::invalid_argument("the request is not exactly one message")),
    }
}

/// Refuses what is too long or compressed as soon as its prefix says so.
fn check_prefix(request: &[u8]) -> Result<(), Status> {
    let length = announced(request).unwrap_or(0).max(request.len().saturating_sub(PREFIX));
    if length > MAX_MESSAGE {
        let message =
            format!("a request message has at most {MAX_MESSAGE} bytes, this has {length}");
        return Err(Status::resource_exhausted(message));
    }
    match request.first() {
        None | Some(0) => Ok(()),
        Some(_) => Err(Status::unimplemented("compressed messages are not supported")),
    }
}

/// The length of the message as its prefix says it.
fn announced(request: &[u8]) -> Option<usize> {
    let prefix = request.first_chunk::<PREFIX>()?;
    let [_, length @ ..] = prefix;
    usize::try_from(u32::from_be_bytes(*length)).ok()
}
