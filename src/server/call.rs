//! One evaluation call over gRPC: reads the request's message, answers with a frame or a status.
//!
//! A request that has arrived is answered within the call, without a future worth its name; one
//! that trickles in is read in a task, for a bounded time.

use super::{body::Body, budget::Budget, gate::Seat, reading::Reading, replies::Reader};
use crate::{
    lifecycle::Lifecycle,
    rpc::{Method, Procedure, Rpc, subscription::Subscription},
    wire::is_message,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version, header};
use hyper::body::Incoming;
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Instant,
};
use tokio::task::yield_now;
use tonic::{Code, Status};

const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");

/// An answer that is there, or one that has to wait for its request.
pub(super) enum Answer {
    Now(Response<Body>),
    Later(Pin<Box<dyn Future<Output = Response<Body>> + Send>>),
}

/// What answers evaluation calls.
#[derive(Debug)]
pub(super) struct Evaluation {
    rpc: Rpc,
    lifecycle: Lifecycle,
    budget: Arc<Budget>,
}

impl Evaluation {
    pub(super) fn new(rpc: Rpc, lifecycle: Lifecycle, budget: Arc<Budget>) -> Self {
        Self { rpc, lifecycle, budget }
    }

    /// Answers one request.
    pub(super) fn answer(
        self: &Arc<Self>,
        seat: &Arc<Seat>,
        method: Method,
        request: Request<Incoming>,
    ) -> Answer {
        if let Some(refusal) = not_grpc(&request) {
            return Answer::Now(refusal);
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
    async fn bulk(&self, seat: &Arc<Seat>, method: Method, message: Bytes) -> Response<Body> {
        let turn = match self.budget.turn(&seat.bulk_replies, message.len()).await {
            Ok(turn) => turn,
            Err(refusal) => return self.finish(method, Err(refusal)),
        };
        let start = Instant::now();
        let frame = self.evaluate_all(message).await.map(|frame| {
            let held = self.budget.hold(turn, frame);
            self.budget.replies.give(held, Reader::new(&seat.leaving), &self.lifecycle)
        });
        self.conclude(method, start, frame.map(Body::answer))
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
    fn finish(&self, method: Method, message: Result<Bytes, Status>) -> Response<Body> {
        let start = Instant::now();
        let answered = match message {
            Ok(message) if method.procedure == Procedure::EventStream && is_message(&message) => {
                self.subscribe()
            }
            Ok(message) => self.rpc.unary(method, &message, start).map(Body::answer),
            Err(status) => Err(status),
        };
        self.conclude(method, start, answered)
    }

    fn conclude(
        &self,
        method: Method,
        start: Instant,
        answered: Result<Body, Status>,
    ) -> Response<Body> {
        let (code, response) = match answered {
            Ok(body) => (Code::Ok, respond(body)),
            Err(status) => (status.code(), fail(status)),
        };
        self.rpc.metrics.rpc(method, code, start.elapsed());
        response
    }

    fn subscribe(&self) -> Result<Body, Status> {
        let share = self.budget.stream()?;
        let events = Box::new(Subscription::new(&self.rpc, self.lifecycle.drain_token()));
        Ok(Body::Events { events, _share: share, ended: false })
    }
}

fn respond(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, GRPC);
    response
}

/// A status without a message goes with the headers.
pub(super) fn fail(status: Status) -> Response<Body> {
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

/// The trailers of an answer.
pub(super) fn ok() -> HeaderMap {
    let status = (http::HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"));
    HeaderMap::from_iter([status])
}
