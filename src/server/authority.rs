//! Makes the `:authority` of clients on a Unix socket one that h2 accepts.
//!
//! grpcio sends the percent-encoded path of the socket there, grpc-java the plain path; h2 resets
//! such a stream (hyperium/h2#487), and the official Python provider cannot be told to send
//! another. On a Unix socket the authority means nothing, so the bytes that no host name has are
//! replaced on their way in, one by one: no length changes, and HPACK's table stays in step. A
//! Huffman-coded authority passes as it is; both clients send such short values plainly.

mod scan;

use scan::Scan;
use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream whose HTTP/2 requests name hosts only.
pub(super) struct HostsOnly<S> {
    stream: S,
    scan: Scan,
}

impl<S> HostsOnly<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, scan: Scan::default() }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for HostsOnly<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if let Some(arrived) = buf.filled_mut().get_mut(before..) {
            self.scan.rewrite(arrived);
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for HostsOnly<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
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
