//! Serves a connection that speaks HTTP/2: all requests of one read are answered in one write.
//!
//! hyper makes a boxed future of each call, moves requests and responses through several layers, and
//! flushes after each answer. Here each call is answered as soon as h2 hands it out, and only a
//! call that has to wait becomes a task.

use super::{
    PortService,
    call::Answer,
    corked::Corked,
    quiet::Quiet,
    sending::{send, send_later},
    stream::Stream,
};
use crate::server::connection_limiter::ConnectionState;
use bytes::Bytes;
use h2::{
    RecvStream,
    server::{Builder, Connection, SendResponse},
};
use http::Request;
use std::{
    error::Error,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
};

/// A longer header list ends the connection, since what follows it in HPACK is lost. One that is
/// longer than [`MAX_HEADERS`](super::headers::MAX_HEADERS) is read to its end, and refused.
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
/// A connection yields to others after this many calls.
pub(super) const CALLS_PER_TURN: usize = 256;

type Ended = Result<(), Box<dyn Error + Send + Sync>>;

/// Serves until either side has had enough; on draining the connection is asked to end.
pub(super) async fn serve(
    stream: Stream,
    site: Arc<PortService>,
    seat: &Arc<ConnectionState>,
) -> Ended {
    let lifecycle = site.lifecycle.clone();
    // Boxed, because a task keeps room for the largest of its states until it ends.
    let turns = Box::pin(handshake(stream, site, seat)).await?;
    let Some(mut turns) = turns else { return Ok(()) };
    tokio::select! {
        biased;
        ended = &mut turns => return ended,
        () = seat.leaving.cancelled() => {}
    }
    if !lifecycle.is_draining() {
        // Another connection needs the place, now.
        return Ok(());
    }
    turns.h2.graceful_shutdown();
    turns.await
}

/// Exchanges settings; `None` if another connection needs the place meanwhile.
async fn handshake(
    stream: Stream,
    site: Arc<PortService>,
    seat: &Arc<ConnectionState>,
) -> Result<Option<Box<Turns>>, h2::Error> {
    let socket = Corked::new(stream);
    let mut handshake = pin!(builder().handshake(socket.clone()));
    let h2 = tokio::select! {
        biased;
        h2 = handshake.as_mut() => h2?,
        () = seat.leaving.cancelled() => match site.lifecycle.is_draining() {
            true => handshake.await?,
            false => return Ok(None),
        },
    };
    let quiet = Quiet::new();
    let waker = Waker::from(Arc::clone(&quiet));
    Ok(Some(Box::new(Turns { h2, socket, site, seat: Arc::clone(seat), quiet, waker })))
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder
        .max_header_list_size(MAX_READ_HEADERS)
        .max_concurrent_streams(MAX_STREAMS)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buffer_size(MAX_UNSENT)
        .max_pending_accept_reset_streams(MAX_RESET_UNSEEN)
        .max_local_error_reset_streams(Some(MAX_BROKEN_STREAMS));
    builder
}

/// A connection that is polled in turns with others.
struct Turns {
    h2: Connection<Corked, Bytes>,
    socket: Corked,
    site: Arc<PortService>,
    seat: Arc<ConnectionState>,
    quiet: Arc<Quiet>,
    /// The waker of `quiet`.
    waker: Waker,
}

impl Turns {
    /// Answers the calls that have arrived.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), h2::Error>> {
        for _ in 0..CALLS_PER_TURN {
            match self.h2.poll_accept(cx) {
                Poll::Ready(Some(Ok((request, call)))) => {
                    self.quiet.mute(|| answer(&self.site, &self.seat, request, call));
                }
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error)),
                Poll::Ready(None) => return Poll::Ready(Ok(())),
                Poll::Pending => return Poll::Pending,
            }
        }
        cx.waker().wake_by_ref();
        self.h2.poll_closed(cx)
    }
}

impl Future for Turns {
    type Output = Ended;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Ended> {
        let this = &mut *self;
        this.quiet.follow(cx.waker());
        let waker = this.waker.clone();
        let cx = &mut Context::from_waker(&waker);
        this.socket.cork();
        let turn = this.poll_turn(cx);
        let written = this.socket.uncork(cx);
        match (turn, written) {
            (Poll::Ready(ended), _) => Poll::Ready(Ok(ended?)),
            (Poll::Pending, Poll::Ready(Err(error))) => Poll::Ready(Err(error.into())),
            (Poll::Pending, _) => Poll::Pending,
        }
    }
}

/// Answers a call at once, or leaves it to a task that the drain waits for.
fn answer(
    site: &PortService,
    seat: &Arc<ConnectionState>,
    request: Request<RecvStream>,
    call: SendResponse<Bytes>,
) {
    match site.respond(seat, request) {
        Answer::Now(reply) => {
            if let Some(rest) = send(call, reply) {
                begin(site, rest);
            }
        }
        Answer::Later(reply) => begin(site, send_later(call, reply)),
    }
}

/// Polls a call once, and spawns it if it is not done: most calls of routed services are.
fn begin(site: &PortService, call: impl Future<Output = ()> + Send + 'static) {
    let mut call = Box::pin(call);
    // A spawned task is polled once more, so a waker that does nothing loses nothing.
    if call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
        site.lifecycle.spawn(call);
    }
}
