//! One evaluation call over gRPC: reads the request's message, answers with a frame or a status.
//!
//! If the whole request has arrived, it is answered synchronously. Otherwise a task reads the rest,
//! with a timeout.

use super::body::Body;
use crate::{
    lifecycle::Lifecycle,
    rpc::{Rpc, subscription::Subscription},
    server::{
        connection_limiter::ConnectionState, memory_budget::MemoryBudget,
        reply_limiter::ClientHandle, request_body::Reading,
    },
    wire::{
        is_message,
        method::{Method, Procedure},
    },
};
use bytes::Bytes;
use h2::RecvStream;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Version, header};
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Instant,
};
use tokio::task::yield_now;
use tonic::{Code, Status};

const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// The reply to one call.
pub(super) enum Reply {
    /// One gRPC frame, then trailers with status 0.
    Frame(Bytes),
    /// Any other response: a refusal, an update stream, the response of a routed service.
    Other(Box<Response<Body>>),
}

/// A reply, or a future of one that waits for the rest of its request or for room.
pub(super) enum Answer {
    Now(Reply),
    Later(Later),
}

/// The future of a reply.
pub(super) type Later = Pin<Box<dyn Future<Output = Reply> + Send>>;

impl From<Response<Body>> for Reply {
    fn from(response: Response<Body>) -> Self {
        Self::Other(Box::new(response))
    }
}

/// What answers evaluation calls.
#[derive(Debug)]
pub(super) struct Evaluation {
    rpc: Rpc,
    lifecycle: Lifecycle,
    budget: Arc<MemoryBudget>,
}

impl Evaluation {
    pub(super) fn new(rpc: Rpc, lifecycle: Lifecycle, budget: Arc<MemoryBudget>) -> Self {
        Self { rpc, lifecycle, budget }
    }

    /// Answers one request.
    pub(super) fn answer(
        self: &Arc<Self>,
        seat: &Arc<ConnectionState>,
        method: Method,
        request: Request<RecvStream>,
    ) -> Answer {
        if let Some(refusal) = not_grpc(&request) {
            return Answer::Now(refusal.into());
        }
        let mut reading = Reading::new(request.into_body());
        // Nothing is lost by a waker that does nothing: whoever waits polls once more.
        let arrived = reading.poll(&mut Context::from_waker(Waker::noop()));
        let is_bulk = method.procedure == Procedure::ResolveAll;
        let arrived = match arrived {
            Poll::Ready(message) if !is_bulk => return Answer::Now(self.finish(method, message)),
            arrived => arrived,
        };
        let (evaluation, seat) = (Arc::clone(self), Arc::clone(seat));
        Answer::Later(Box::pin(async move {
            let message = match arrived {
                Poll::Ready(message) => message,
                Poll::Pending => reading.rest(&evaluation.budget).await,
            };
            match message {
                Ok(message) if is_bulk => evaluation.bulk(&seat, method, message).await,
                message => evaluation.finish(method, message),
            }
        }))
    }

    /// Answers a bulk request when there is room for its reply, all of it from the snapshot of
    /// that moment. Until then only the request is held.
    async fn bulk(&self, seat: &Arc<ConnectionState>, method: Method, message: Bytes) -> Reply {
        let turn = match self.budget.turn(&seat.bulk_replies, message.len()).await {
            Ok(turn) => turn,
            Err(refusal) => return self.finish(method, Err(refusal)),
        };
        let start = Instant::now();
        let frame = self.evaluate_all(message).await.map(|frame| {
            let held = self.budget.hold(turn, frame);
            self.budget.replies.give(held, ClientHandle::new(&seat.leaving), &self.lifecycle)
        });
        self.conclude(method, start, frame.map(Reply::Frame))
    }

    async fn evaluate_all(&self, message: Bytes) -> Result<Bytes, Status> {
        // It takes as long as there are flags: other connections come in between.
        yield_now().await;
        let mut reply = self.rpc.bulk(message)?;
        loop {
            if let Some(frame) = reply.go_on()? {
                return Ok(frame);
            }
            yield_now().await;
        }
    }

    /// Answers a message, and counts how long it took.
    fn finish(&self, method: Method, message: Result<Bytes, Status>) -> Reply {
        let start = Instant::now();
        let answered = match message {
            Ok(message) if method.procedure == Procedure::EventStream && is_message(&message) => {
                self.subscribe()
            }
            Ok(message) => self.rpc.unary(method, &message, start).map(Reply::Frame),
            Err(status) => Err(status),
        };
        self.conclude(method, start, answered)
    }

    fn conclude(&self, method: Method, start: Instant, answered: Result<Reply, Status>) -> Reply {
        let (code, reply) = match answered {
            Ok(reply) => (Code::Ok, reply),
            Err(status) => (status.code(), fail(status).into()),
        };
        self.rpc.metrics.rpc(method, code, start.elapsed());
        reply
    }

    fn subscribe(&self) -> Result<Reply, Status> {
        let share = self.budget.stream()?;
        let events = Box::new(Subscription::new(&self.rpc, self.lifecycle.drain_token()));
        Ok(head().map(|()| Body::Events { events, _share: share, ended: false }).into())
    }
}

/// The head of each response that has a gRPC message.
pub(super) fn head() -> Response<()> {
    let mut response = Response::new(());
    *response.headers_mut() = one_header(header::CONTENT_TYPE, GRPC);
    response
}

/// The trailers of an answer.
pub(super) fn ok() -> HeaderMap {
    one_header(GRPC_STATUS, HeaderValue::from_static("0"))
}

/// A map no larger than its only header; an empty map would grow to eight at once.
fn one_header(name: HeaderName, value: HeaderValue) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(1);
    headers.insert(name, value);
    headers
}

/// A status without a message goes with the headers.
pub(super) fn fail(status: Status) -> Response<Body> {
    status.into_http::<()>().map(|()| Body::Empty)
}

/// The answer to a request that does not speak gRPC, if it does not.
pub(super) fn not_grpc<B>(request: &Request<B>) -> Option<Response<Body>> {
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
