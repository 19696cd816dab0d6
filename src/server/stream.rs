//! The bytes of a connection, the first of which are looked at before HTTP is spoken.

use super::authority::Authority;
use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf},
    net::{TcpStream, UnixStream},
};

/// What HTTP/2 connections begin with.
pub(super) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A connected socket. Connections hold it behind a pointer: h2 and hyper compiled for each kind of socket
/// make the program a megabyte larger.
pub(super) trait Socket: AsyncRead + AsyncWrite + Unpin + Send {
    /// Whether clients send authorities that name no host.
    fn names_no_host(&self) -> bool;
}

impl Socket for TcpStream {
    fn names_no_host(&self) -> bool {
        false
    }
}

impl Socket for UnixStream {
    fn names_no_host(&self) -> bool {
        true
    }
}

/// What follows it: the head of the client's settings, without which nothing is answered
/// (RFC 9113, 3.4). Its length and flags are whatever they are.
const SETTINGS_HEAD: usize = 9;
const SETTINGS: u8 = 4;

/// A socket whose first bytes have been read already.
pub(super) struct Stream {
    start: [u8; PREFACE.len() + SETTINGS_HEAD],
    given: usize,
    length: usize,
    /// Present where authorities have to be mended.
    authority: Option<Authority>,
    socket: Box<dyn Socket>,
}

impl Stream {
    /// Reads until it is clear whether the client speaks HTTP/2, and keeps what it read.
    ///
    /// A client that says the preface must go on with its settings: else it could stay for ever.
    pub(super) async fn recognise(mut socket: Box<dyn Socket>) -> io::Result<Self> {
        let mut start = [0; PREFACE.len() + SETTINGS_HEAD];
        let mut length = 0;
        while length < start.len() {
            let free = start.get_mut(length..).unwrap_or_default();
            match socket.read(free).await? {
                0 if length == 0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                0 => break,
                read => length += read,
            }
            let preface = length.min(PREFACE.len());
            if start.get(..preface) != PREFACE.get(..preface) {
                break;
            }
            if length == start.len() && start.get(PREFACE.len() + 3) != Some(&SETTINGS) {
                return Err(io::ErrorKind::InvalidData.into());
            }
        }
        let mut authority = socket.names_no_host().then(Authority::default);
        if let Some(authority) = &mut authority {
            authority.rewrite(start.get_mut(..length).unwrap_or_default());
        }
        Ok(Self { start, given: 0, length, authority, socket })
    }

    /// Whether the client began with the preface of HTTP/2.
    pub(super) fn is_http2(&self) -> bool {
        self.length >= PREFACE.len() && self.start.starts_with(PREFACE)
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let rest = self.start.get(self.given..self.length).unwrap_or_default();
        if !rest.is_empty() {
            let count = rest.len().min(buffer.remaining());
            buffer.put_slice(rest.get(..count).unwrap_or_default());
            self.given += count;
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.socket).poll_read(cx, buffer);
        if let (Some(authority), Some(arrived)) =
            (&mut self.authority, buffer.filled_mut().get_mut(before..))
        {
            authority.rewrite(arrived);
        }
        polled
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
