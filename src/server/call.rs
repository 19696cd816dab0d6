//! One evaluation call over gRPC: reads the request's message, answers with a frame or a status.
//!
//! A request that has arrived is answered within the call, without a future worth its name; one
//! that trickles in is read in a task, for a bounded time.

use super::body::Body;
use crate::{
    lifecycle::Lifecycle,
    rpc::{Method, Procedure, Rpc, subscription::Subscription},
    wire::{PREFIX, is_message},
};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version, header};
use http_body::Body as _;
use hyper::body::Incoming;
use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
    time::{Duration, Instant},
};
use tokio::{task::yield_now, time::timeout};
use tonic::{Code, Status};

/// The longest request message; flagd's own default.
const MAX_MESSAGE: usize = 1_000_000;

/// A request's body must arrive within this time of its headers.
const BODY_TIMEOUT: Duration = Duration::from_secs(5);

const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");

/// An answer that is there, or one that has to wait for its request.
pub(super) enum Answer {
    Now(Response<Body>),
    Later(Pin<Box<dyn Future<Output = Response<Body>> + Send>>),
}

/// Answers one request.
pub(super) fn answer(
    rpc: &Arc<Rpc>,
    lifecycle: &Lifecycle,
    method: Method,
    request: Request<Incoming>,
) -> Answer {
    if let Some(refusal) = not_grpc(&request) {
        return Answer::Now(refusal);
    }
    let mut reading = Reading::new(request.into_body());
    // Nothing is lost by a waker that does nothing: whoever waits polls once more.
    let mut now = Context::from_waker(Waker::noop());
    let arrived = match reading.poll(&mut now) {
        // A bulk reply takes as long as there are flags: other connections come in between.
        Poll::Ready(message) if method.procedure == Procedure::ResolveAll => Some(message),
        Poll::Ready(message) => return Answer::Now(finish(rpc, lifecycle, method, message)),
        Poll::Pending => None,
    };
    let (rpc, lifecycle) = (Arc::clone(rpc), lifecycle.clone());
    Answer::Later(Box::pin(async move {
        if let Some(message) = arrived {
            yield_now().await;
            return finish(&rpc, &lifecycle, method, message);
        }
        let message = timeout(BODY_TIMEOUT, poll_fn(|cx| reading.poll(cx))).await;
        let late = || Status::deadline_exceeded("the request's body did not arrive within 5 s");
        finish(&rpc, &lifecycle, method, message.unwrap_or_else(|_| Err(late())))
    }))
}

/// Answers a message, and counts how long it took.
fn finish(
    rpc: &Rpc,
    lifecycle: &Lifecycle,
    method: Method,
    message: Result<Bytes, Status>,
) -> Response<Body> {
    let start = Instant::now();
    let (code, response) = match message {
        Ok(message) if method.procedure == Procedure::EventStream && is_message(&message) => {
            let events = Box::new(Subscription::new(rpc, lifecycle.drain_token()));
            (Code::Ok, respond(Body::Events { events, ended: false }))
        }
        Ok(message) => match rpc.unary(method, &message) {
            Ok(frame) => (Code::Ok, respond(Body::Answer { frame: Some(frame), ended: false })),
            Err(status) => (status.code(), fail(status)),
        },
        Err(status) => (status.code(), fail(status)),
    };
    rpc.metrics.rpc(method, code, start.elapsed());
    response
}

fn respond(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, GRPC);
    response
}

/// A status without a message goes with the headers.
fn fail(status: Status) -> Response<Body> {
    status.into_http::<()>().map(|()| Body::Empty)
}

/// The answer to a request that does not speak gRPC, if it does not.
fn not_grpc(request: &Request<Incoming>) -> Option<Response<Body>> {
    let kind = request.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let rest = kind.and_then(|kind| kind.strip_prefix(b"application/grpc"));
    let code = if request.method() != http::Method::POST {
        StatusCode::METHOD_NOT_ALLOWED
    } else if !rest
        .is_some_and(|rest| matches!(rest.strip_prefix(b"+proto").unwrap_or(rest), [] | [b';', ..]))
    {
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

/// The one message of a request, as far as it has arrived.
struct Reading {
    body: Incoming,
    /// What arrived, if it came in one piece: most requests do, and are not copied.
    whole: Bytes,
    pieces: BytesMut,
}

impl Reading {
    fn new(body: Incoming) -> Self {
        Self { body, whole: Bytes::new(), pieces: BytesMut::new() }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, Status>> {
        while !self.body.is_end_stream() {
            let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(cx)) else { break };
            let Ok(frame) = frame else {
                return Poll::Ready(Err(Status::cancelled("the request was cut off")));
            };
            if let Ok(data) = frame.into_data()
                && let Err(refusal) = self.add(data)
            {
                return Poll::Ready(Err(refusal));
            }
        }
        Poll::Ready(self.message())
    }

    /// Takes in a piece; refuses what is too long or compressed as soon as its prefix says so.
    fn add(&mut self, data: Bytes) -> Result<(), Status> {
        if self.whole.is_empty() && self.pieces.is_empty() {
            self.whole = data;
        } else {
            self.pieces.extend_from_slice(&std::mem::take(&mut self.whole));
            self.pieces.extend_from_slice(&data);
        }
        let request = if self.pieces.is_empty() { &*self.whole } else { &*self.pieces };
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

    fn message(&mut self) -> Result<Bytes, Status> {
        let pieces = std::mem::take(&mut self.pieces);
        let mut whole = std::mem::take(&mut self.whole);
        if !pieces.is_empty() {
            whole = pieces.freeze();
        }
        match whole.len().checked_sub(PREFIX) {
            Some(length) if Some(length) == announced(&whole) => Ok(whole.split_off(PREFIX)),
            _ => Err(Status::invalid_argument("the request is not exactly one message")),
        }
    }
}

/// The length of the message as its prefix says it.
fn announced(request: &[u8]) -> Option<usize> {
    let [_, length @ ..] = request.first_chunk::<PREFIX>()?;
    usize::try_from(u32::from_be_bytes(*length)).ok()
}

/// The trailers of an answer.
pub(super) fn ok() -> HeaderMap {
    let status = (http::HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"));
    HeaderMap::from_iter([status])
}
