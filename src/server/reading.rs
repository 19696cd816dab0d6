//! The one message of a request, read as it arrives.

use super::budget::{Budget, Waiting};
use crate::wire::PREFIX;
use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use hyper::body::Incoming;
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
    body: Incoming,
    /// What arrived, if it came in one piece: most requests do, and are not copied.
    whole: Bytes,
    pieces: BytesMut,
    /// Present once the request has to wait for its rest.
    waiting: Option<Waiting>,
}

impl Reading {
    pub(super) fn new(body: Incoming) -> Self {
        Self { body, whole: Bytes::new(), pieces: BytesMut::new(), waiting: None }
    }

    /// Reads what has not arrived yet, for a bounded time and within the budget.
    pub(super) async fn rest(mut self, budget: &Budget) -> Result<Bytes, Status> {
        // A piece is a slice of what its connection read at once: a copy holds as much as it counts.
        self.pieces.extend_from_slice(&std::mem::take(&mut self.whole));
        self.waiting = Some(budget.wait(self.pieces.len())?);
        let message = timeout(BODY_TIMEOUT, poll_fn(|cx| self.poll(cx))).await;
        let late = || Status::deadline_exceeded("the request's body did not arrive within 5 s");
        message.unwrap_or_else(|_| Err(late()))
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, Status>> {
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
