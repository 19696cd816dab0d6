//! A socket that holds back small writes while its connection answers a batch of calls.
//!
//! h2 flushes each time it looks for the next request, so each answer would leave in a write of its
//! own. While the socket is corked, writes go to a buffer; uncorking writes the buffer at once.

use super::stream::Stream;
use std::{
    cell::RefCell,
    io::{self, IoSlice},
    mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A corked socket holds back at most this many bytes. Longer writes go past the buffer.
const MAX_HELD: usize = 16 * 1024;

thread_local! {
    /// The buffer of the connection that this thread polls. A connection keeps a buffer of its own
    /// only while its client does not read.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A handle of a socket. h2 owns one, and the connection that polls h2 owns another.
#[derive(Clone)]
pub(super) struct Corked(Arc<Mutex<Inner>>);

struct Inner {
    socket: Stream,
    corked: bool,
    /// Bytes that were written to the cork, of which `sent` have left.
    held: Vec<u8>,
    sent: usize,
}

impl Corked {
    pub(super) fn new(socket: Stream) -> Self {
        Self(Arc::new(Mutex::new(Inner { socket, corked: false, held: Vec::new(), sent: 0 })))
    }

    /// Holds back what is written from now on.
    pub(super) fn cork(&self) {
        let mut inner = self.lock();
        inner.corked = true;
        if inner.held.capacity() == 0 {
            inner.held = BUFFER.take();
        }
    }

    /// Writes what was held back. If the socket is full, the rest leaves before any later byte.
    pub(super) fn uncork(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut inner = self.lock();
        inner.corked = false;
        ready!(inner.poll_drain(cx))?;
        BUFFER.set(mem::take(&mut inner.held));
        Pin::new(&mut inner.socket).poll_flush(cx)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // No code that can panic runs while the lock is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Whether a write of this length goes to the buffer.
    fn holds(&self, length: usize) -> bool {
        self.corked && self.held.len() + length <= MAX_HELD
    }

    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.held.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut self.socket).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.sent += written,
            }
        }
        self.held.clear();
        self.sent = 0;
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Corked {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.lock().socket).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Corked {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut inner = self.lock();
        if inner.holds(bytes.len()) {
            inner.held.extend_from_slice(bytes);
            return Poll::Ready(Ok(bytes.len()));
        }
        ready!(inner.poll_drain(cx))?;
        Pin::new(&mut inner.socket).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut inner = self.lock();
        let length = slices.iter().map(|slice| slice.len()).sum();
        if inner.holds(length) {
            slices.iter().for_each(|slice| inner.held.extend_from_slice(slice));
            return Poll::Ready(Ok(length));
        }
        ready!(inner.poll_drain(cx))?;
        Pin::new(&mut inner.socket).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.lock().socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut inner = self.lock();
        if inner.corked {
            return Poll::Ready(Ok(()));
        }
        ready!(inner.poll_drain(cx))?;
        Pin::new(&mut inner.socket).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut inner = self.lock();
        ready!(inner.poll_drain(cx))?;
        Pin::new(&mut inner.socket).poll_shutdown(cx)
    }
}
