//! Bodies of requests over HTTP/2: the one message of an evaluation call, read as it arrives.

use crate::{
    server::memory_budget::{MemoryBudget, PendingRequest},
    wire::PREFIX,
};
use bytes::{Bytes, BytesMut};
use h2::RecvStream;
use http_body::{Body, Frame};
use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::timeout;
use tonic::Status;

/// The longest request message; flagd's own default.
const MAX_MESSAGE: usize = 1_000_000;

/// A request's body must arrive within this time of its headers.
pub(super) const BODY_TIMEOUT: Duration = Duration::from_secs(5);

/// The one message of a request, as far as it has arrived.
pub(super) struct Reading {
    body: RecvStream,
    /// What arrived, if it came in one piece: most requests do, and are not copied.
    whole: Bytes,
    pieces: BytesMut,
    /// Present once the request has to wait for its rest.
    waiting: Option<PendingRequest>,
}

impl Reading {
    pub(super) fn new(body: RecvStream) -> Self {
        Self { body, whole: Bytes::new(), pieces: BytesMut::new(), waiting: None }
    }

    /// Reads what has not arrived yet, for a bounded time and within the budget.
    pub(super) async fn rest(mut self, budget: &MemoryBudget) -> Result<Bytes, Status> {
        // A piece is a slice of what its connection read at once: a copy holds as much as it counts.
        self.pieces.extend_from_slice(&std::mem::take(&mut self.whole));
        self.waiting = Some(budget.wait(self.pieces.len())?);
        let message = timeout(BODY_TIMEOUT, poll_fn(|cx| self.poll(cx))).await;
        let late = || Status::deadline_exceeded("the request's body did not arrive within 5 s");
        message.unwrap_or_else(|_| Err(late()))
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, Status>> {
        while let Some(piece) = ready!(self.body.poll_data(cx)) {
            let Ok(data) = piece else {
                return Poll::Ready(Err(Status::cancelled("the request was cut off")));
            };
            let length = data.len();
            if let Err(refusal) = self.add(data) {
                return Poll::Ready(Err(refusal));
            }
            // The window of a body that has ended goes back when the body is dropped.
            if self.body.is_end_stream() {
                break;
            }
            // It fails only for more bytes than have arrived.
            self.body.flow_control().release_capacity(length).unwrap_or_default();
        }
        Poll::Ready(self.message())
    }

    /// Takes in a piece; refuses what is too long or compressed as soon as its prefix says so.
    fn add(&mut self, data: Bytes) -> Result<(), Status> {
        if let Some(waiting) = &mut self.waiting {
            waiting.grow(data.len())?;
        }
        if self.waiting.is_none() && self.whole.is_empty() && self.pieces.is_empty() {
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

/// A request's body over HTTP/2, for routed services. They do not read trailers.
pub(super) struct Inbound(pub(super) RecvStream);

impl Body for Inbound {
    type Data = Bytes;
    type Error = h2::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        let piece = ready!(self.0.poll_data(cx));
        if let Some(Ok(data)) = &piece {
            self.0.flow_control().release_capacity(data.len())?;
        }
        Poll::Ready(piece.map(|data| data.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }
}
