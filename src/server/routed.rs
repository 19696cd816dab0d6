//! Calls to routed services: few at once on a connection, and their requests within bounds of time
//! and size.

use super::{body::Body, call::fail};
use crate::server::{
    connection_limiter::ConnectionState,
    memory_budget::{MemoryBudget, PendingRequest},
    reply_limiter::ClientHandle,
    request_body::BODY_TIMEOUT,
};
use axum::Router;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body::Frame;
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};
use tokio::time::{Sleep, sleep};
use tonic::{Status, codegen::Service};

/// The most bytes of one request: names of services and symbols, on streams of them as well.
const MAX_BYTES: usize = 64 * 1024;

/// Passes a request to the router, with a handle of the connection that reads the answer.
/// Returns the future of the response, or a refusal.
pub(super) fn answer<B>(
    router: &Router,
    seat: &Arc<ConnectionState>,
    budget: &MemoryBudget,
    request: Request<B>,
) -> Result<impl Future<Output = Response<Body>> + Send + use<B>, Box<Response<Body>>>
where
    B: http_body::Body<Data = Bytes, Error: Send + Unpin> + Unpin + Send + 'static,
{
    let is_grpc = speaks_grpc(request.headers());
    let Some(open) = seat.call_routed() else {
        let status = Status::resource_exhausted("too many calls are open on this connection");
        return Err(refuse(is_grpc, status));
    };
    let (mut head, body) = request.into_parts();
    head.extensions.insert(ClientHandle::new(&seat.leaving));
    let body = match Arriving::new(body, budget) {
        Ok(body) => axum::body::Body::new(body),
        Err(status) => return Err(refuse(is_grpc, status)),
    };
    let routed = router.clone().call(Request::from_parts(head, body));
    Ok(async move {
        match routed.await {
            Ok(response) => response.map(|body| Body::Routed { body, _open: open }),
            Err(never) => match never {},
        }
    })
}

/// Whether a request speaks gRPC, in any of its dialects.
pub(crate) fn speaks_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    kind.is_some_and(|kind| kind.starts_with(b"application/grpc"))
}

fn refuse(is_grpc: bool, status: Status) -> Box<Response<Body>> {
    if is_grpc {
        return Box::new(fail(status));
    }
    let mut refusal = Response::new(Body::Empty);
    *refusal.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    Box::new(refusal)
}

/// A request's body; one that has not arrived whole has to, soon.
struct Arriving<B: http_body::Body> {
    /// What was there at the beginning.
    first: Option<Result<Frame<Bytes>, B::Error>>,
    rest: B,
    left: usize,
    waiting: Option<(Pin<Box<Sleep>>, PendingRequest)>,
}

impl<B: http_body::Body<Data = Bytes> + Unpin> Arriving<B> {
    fn new(mut rest: B, budget: &MemoryBudget) -> Result<Self, Status> {
        let mut first = None;
        if !rest.is_end_stream()
            // Nothing is lost by a waker that does nothing: the service polls once more.
            && let Poll::Ready(frame) =
                Pin::new(&mut rest).poll_frame(&mut Context::from_waker(Waker::noop()))
        {
            first = frame;
        }
        let mut waiting = None;
        if !rest.is_end_stream() {
            // Should the service not read on, this much may pile up.
            waiting = Some((Box::pin(sleep(BODY_TIMEOUT)), budget.wait(MAX_BYTES)?));
        }
        Ok(Self { first, rest, left: MAX_BYTES, waiting })
    }

    fn next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(first)),
            None => Pin::new(&mut self.rest).poll_frame(cx),
        }
    }
}

impl<B: http_body::Body<Data = Bytes, Error: Unpin> + Unpin> http_body::Body for Arriving<B> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let next = self.next(cx);
        if let (Poll::Pending, Some((deadline, _))) = (&next, &mut self.waiting) {
            ready!(deadline.as_mut().poll(cx));
            let late = "the request's body did not arrive within 5 s";
            return Poll::Ready(Some(Err(Status::deadline_exceeded(late))));
        }
        let next = match ready!(next) {
            Some(Ok(frame)) => {
                let length = frame.data_ref().map_or(0, Bytes::len);
                let enough = self.left.checked_sub(length);
                self.left = enough.unwrap_or(0);
                let long = || Status::resource_exhausted("the request has more than 64 KiB");
                Some(enough.map(|_| frame).ok_or_else(long))
            }
            Some(Err(_)) => Some(Err(Status::cancelled("the request was cut off"))),
            None => None,
        };
        if next.is_none() || self.rest.is_end_stream() {
            self.waiting = None;
        }
        Poll::Ready(next)
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.rest.is_end_stream()
    }
}
