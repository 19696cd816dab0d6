//! One connection, from its first byte to its last, within bounds of time and size.

use super::{Site, call::Answer};
use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::conn::auto,
};
use std::{
    convert::Infallible,
    future::Future,
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf},
    time::timeout,
};
use tracing::debug;

use crate::lifecycle::Lifecycle;

/// A client must say what it speaks within this time.
const PREFACE_TIMEOUT: Duration = Duration::from_secs(5);
/// An HTTP/1.1 request's headers must arrive within this time.
const HEADER_TIMEOUT: Duration = Duration::from_secs(3);
/// The longest header list, in bytes.
const MAX_HEADERS: u32 = 64 * 1024;
/// The most calls and update streams at once on one connection.
const MAX_STREAMS: u32 = 1024;

const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

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
pub(super) async fn serve<S>(stream: S, site: Arc<Site>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let lifecycle = site.lifecycle.clone();
    let stream = tokio::select! {
        biased;
        () = lifecycle.draining() => return,
        stream = timeout(PREFACE_TIMEOUT, recognised(stream)) => stream,
    };
    let Ok(Ok(stream)) = stream else { return };
    let mut builder = auto::Builder::new(InPlace(lifecycle.clone()));
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_HEADERS as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(MAX_HEADERS)
        .max_concurrent_streams(MAX_STREAMS)
        .auto_date_header(false);
    let service = service_fn(move |request| {
        let answer = site.respond(request);
        async move {
            Ok::<_, Infallible>(match answer {
                Answer::Now(response) => response,
                Answer::Later(response) => response.await,
            })
        }
    });
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let draining = lifecycle.draining();
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = draining => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(error = %error, "a connection ended badly");
    }
}

/// Reads until it is clear whether the client speaks HTTP/2, and gives the bytes back.
async fn recognised<S: AsyncRead + Unpin>(mut stream: S) -> io::Result<Recognised<S>> {
    let mut start = [0; PREFACE.len()];
    let mut length = 0;
    while length < start.len() {
        let free = start.get_mut(length..).unwrap_or_default();
        match stream.read(free).await? {
            0 if length == 0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            0 => break,
            read => length += read,
        }
        if start.get(..length) != PREFACE.get(..length) {
            break;
        }
    }
    Ok(Recognised { start, given: 0, length, stream })
}

/// A stream whose first bytes have been read already.
struct Recognised<S> {
    start: [u8; PREFACE.len()],
    given: usize,
    length: usize,
    stream: S,
}

impl<S: AsyncRead + Unpin> AsyncRead for Recognised<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let rest = self.start.get(self.given..self.length).unwrap_or_default();
        if rest.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buffer);
        }
        let count = rest.len().min(buffer.remaining());
        buffer.put_slice(rest.get(..count).unwrap_or_default());
        self.given += count;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Recognised<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
