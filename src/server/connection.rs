//! One connection, from its first byte to its last, within bounds of time and size.

use super::{
    Site,
    call::Answer,
    coalesce::{CallQueue, Coalesced},
    gate::Seat,
    headers::MAX_HEADERS,
    stream::{Socket, Stream},
};
use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::conn::auto,
};
use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};
use tokio::time::timeout;
use tracing::debug;

/// A client must say what it speaks within this time, over HTTP/2 up to its settings.
const PREFACE_TIMEOUT: Duration = Duration::from_secs(5);
/// An HTTP/1.1 request's headers must arrive within this time.
const HEADER_TIMEOUT: Duration = Duration::from_secs(3);
/// A longer header list ends the connection, since what follows it in HPACK is lost. One that is
/// longer than [`MAX_HEADERS`] is read to its end, and refused.
const MAX_READ_HEADERS: u32 = 128 * 1024;
/// The most calls and update streams at once on one connection.
const MAX_STREAMS: u32 = 1024;
/// What a client may send ahead on a stream, and on all of them. Evaluation reads what arrives at
/// once, so a message of 1 MB passes through a smaller window; what a routed service leaves unread
/// piles up in it.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// What a stream may hold that its client has no window for, beside the frame it began with.
const MAX_UNSENT: usize = 64 * 1024;
/// Streams that a client reset before they were looked at, waiting for just that: a client that
/// opens and resets in a loop (CVE-2023-44487) has its connection ended at one more.
const MAX_RESET_UNSEEN: usize = 100;
/// Streams that broke the rules of HTTP/2, in the life of a connection.
const MAX_BROKEN_STREAMS: usize = 1024;

/// Serves one connection until either side has had enough; on draining it is asked to end.
pub(super) async fn serve<S: Socket>(socket: S, site: Arc<Site>, seat: &Arc<Seat>) {
    let lifecycle = site.lifecycle.clone();
    let stream = tokio::select! {
        biased;
        () = seat.leaving.cancelled() => return,
        stream = timeout(PREFACE_TIMEOUT, Stream::recognise(socket)) => stream,
    };
    let Ok(Ok(stream)) = stream else { return };
    let queue = CallQueue::new(lifecycle.clone());
    let mut builder = auto::Builder::new(queue.clone());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_HEADERS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(MAX_READ_HEADERS)
        .max_concurrent_streams(MAX_STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(MAX_UNSENT)
        .max_pending_accept_reset_streams(MAX_RESET_UNSEEN)
        .max_local_error_reset_streams(MAX_BROKEN_STREAMS)
        .auto_date_header(false);
    let asking = Arc::clone(seat);
    let service = service_fn(move |request| {
        let answer = site.respond(&asking, request);
        async move {
            Ok::<_, Infallible>(match answer {
                Answer::Now(response) => response,
                Answer::Later(response) => response.await,
            })
        }
    });
    let connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let mut connection = Coalesced { connection, queue };
    let leaving = seat.leaving.clone().cancelled_owned();
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = leaving => {
            if !lifecycle.is_draining() {
                // Somebody else needs the place, now.
                return;
            }
            connection.connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(error = %error, "a connection ended badly");
    }
}

#[cfg(test)]
mod tests;
