//! Response bodies that are sent piece by piece: update streams, and what routed services answer.

use crate::{
    rpc::subscription::Subscription,
    server::{connection_limiter::Routed, reply_limiter::Share},
};
use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;
use std::{
    pin::Pin,
    task::{Context, Poll},
};
use tokio_stream::Stream;
use tonic::Status;

/// A response body of ours.
#[derive(Debug)]
pub(crate) enum Body {
    /// Nothing: the status went with the headers.
    Empty,
    /// Frames until the stream ends, then trailers.
    Events { events: Box<Subscription>, _share: Share, ended: bool },
    /// A routed service's own.
    Routed { body: axum::body::Body, _open: Routed },
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match self.get_mut() {
            Self::Empty => Poll::Ready(None),
            Self::Events { ended: true, .. } => Poll::Ready(None),
            Self::Events { events, ended, .. } => Pin::new(events).poll_next(cx).map(|frame| {
                *ended = frame.is_none();
                Some(Ok(frame.map_or_else(|| Frame::trailers(draining()), Frame::data)))
            }),
            Self::Routed { body, .. } => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Events { ended, .. } => *ended,
            Self::Routed { body, .. } => body.is_end_stream(),
        }
    }
}

/// The end of a stream that would have gone on: the client's cue to reconnect.
fn draining() -> HeaderMap {
    let mut trailers = HeaderMap::new();
    // The text is plain ASCII, which a header takes; without it the stream would end in silence.
    let status = Status::unavailable("the sidecar is draining");
    if status.add_header(&mut trailers).is_err() {
        trailers.clear();
    }
    trailers
}
