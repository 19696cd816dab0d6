//! One connection, from its first byte to its last, within bounds of time and size.

use super::{
    Site,
    call::Answer,
    gate::Seat,
    headers::MAX_HEADERS,
    stream::{Socket, Stream},
};
use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::conn::auto,
};
use std::{
    convert::Infallible,
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Waker},
    time::Duration,
};
use tokio::time::timeout;
use tracing::debug;

use crate::lifecycle::Lifecycle;

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

/// Runs what hyper would spawn for each HTTP/2 stream: at once and in place, which is the end of
/// an answer whose request has arrived; what has to wait becomes a task the drain can wait for.
///
/// Answering in place saves every call a task and a second wake-up of its connection, and lets the
/// answers to all requests of one read leave in one write.
#[derive(Debug, Clone)]
struct InPlace(Lifecycle);

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for InPlace {
    fn execute(&self, call: F) {
        let mut call = Box::pin(call);
        // Nothing is lost by a waker that does nothing: a spawned task is polled once more.
        let mut context = Context::from_waker(Waker::noop());
        if call.as_mut().poll(&mut context).is_pending() {
            self.0.spawn(call);
        }
    }
}

/// Serves one connection until either side has had enough; on draining it is asked to end.
pub(super) async fn serve<S: Socket>(socket: S, site: Arc<Site>, seat: &Arc<Seat>) {
    let lifecycle = site.lifecycle.clone();
    let stream = tokio::select! {
        biased;
        () = seat.leaving.cancelled() => return,
        stream = timeout(PREFACE_TIMEOUT, Stream::recognise(socket)) => stream,
    };
    let Ok(Ok(stream)) = stream else { return };
    let mut builder = auto::Builder::new(InPlace(lifecycle.clone()));
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
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let leaving = seat.leaving.clone().cancelled_owned();
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = leaving => {
            if !lifecycle.is_draining() {
                // Somebody else needs the place, now.
                return;
            }
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(error = %error, "a connection ended badly");
    }
}
