//! One connection, from its first byte to its last, within bounds of time and size.

use super::Site;
use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::conn::auto,
};
use std::{
    future::Future,
    io,
    pin::{Pin, pin},
    task::{Context, Poll},
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
/// A peer that does not answer a ping is gone, although its connection looks open.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest header list, in bytes.
const MAX_HEADERS: u32 = 64 * 1024;
/// The most calls and update streams at once on one connection.
const MAX_STREAMS: u32 = 1024;

const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Spawns what hyper spawns (a task for each HTTP/2 stream) where the drain can wait for it.
#[derive(Debug, Clone)]
struct OnLifecycle(Lifecycle);

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for OnLifecycle {
    fn execute(&self, task: F) {
        self.0.spawn(task);
    }
}

/// Serves one connection until either side has had enough; on draining it is asked to end.
pub(super) async fn serve<S>(stream: S, site: Site)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Ok(Ok(stream)) = timeout(PREFACE_TIMEOUT, recognised(stream)).await else { return };
    let lifecycle = site.lifecycle.clone();
    let mut builder = auto::Builder::new(OnLifecycle(lifecycle.clone()));
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_HEADERS as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .max_header_list_size(MAX_HEADERS)
        .max_concurrent_streams(MAX_STREAMS)
        .auto_date_header(false);
    let service = service_fn(|request| {
        let site = site.clone();
        async move { site.respond(request).await }
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
