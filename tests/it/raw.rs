//! HTTP/2 by hand, for clients that no library would be: that stop reading, stop half-way, or ask
//! for more than they may.

use crate::sidecar::DEADLINE;
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// A frame as it goes over the wire.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    pub(crate) fn new(kind: u8, stream: u32, payload: &[u8]) -> Self {
        Self { kind, flags: 0, stream, payload: payload.to_vec() }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let length = u32::try_from(self.payload.len()).unwrap().to_be_bytes();
        let head = [&length[1..], &[self.kind, self.flags], &self.stream.to_be_bytes()].concat();
        [head, self.payload.clone()].concat()
    }
}

/// The headers of a gRPC call, as a block of literals that leave no trace in HPACK's table.
pub(crate) fn grpc_headers(path: &str) -> Vec<u8> {
    header_block(&[
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "localhost"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ])
}

pub(crate) fn header_block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        // A literal without indexing, under a new name.
        block.push(0);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).unwrap());
            block.extend(text.as_bytes());
        }
    }
    block
}

/// The beginning of a call whose message is still to come.
pub(crate) fn begin(stream: u32, path: &str) -> Vec<u8> {
    let headers = Frame::new(HEADERS, stream, &grpc_headers(path));
    Frame { flags: END_HEADERS, ..headers }.encode()
}

/// A whole call, with these bytes for a body.
pub(crate) fn call(stream: u32, path: &str, body: &[u8]) -> Vec<u8> {
    let body = Frame { flags: END_STREAM, ..Frame::new(DATA, stream, body) };
    [begin(stream, path), body.encode()].concat()
}

/// A message with its gRPC prefix.
pub(crate) fn prefixed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], &length[..], message].concat()
}

/// What asks for an update stream: headers, and the empty request.
pub(crate) fn event_stream(stream: u32) -> Vec<u8> {
    call(stream, "/flagd.evaluation.v2.Service/EventStream", &[0; 5])
}

/// What lets the server send nearly without end: on each stream, and on the connection.
pub(crate) fn wide_open() -> Vec<u8> {
    let most = 0x7fff_ffff_u32.to_be_bytes();
    let settings = Frame::new(SETTINGS, 0, &[&[0, 4][..], &most].concat());
    let update = Frame::new(WINDOW_UPDATE, 0, &0x7fff_0000_u32.to_be_bytes());
    [settings.encode(), update.encode()].concat()
}

/// A connection that says exactly what it is told to, and reads only when asked to.
pub(crate) struct Raw {
    stream: TcpStream,
}

impl Raw {
    /// A connection that has not said anything.
    pub(crate) async fn silent(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap() }
    }

    /// A connection that has said hello.
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let mut raw = Self::silent(address).await;
        raw.send(PREFACE).await;
        raw.send(&Frame::new(SETTINGS, 0, &[]).encode()).await;
        raw
    }

    /// A connection with an update stream that nobody will read.
    pub(crate) async fn subscribe(address: SocketAddr) -> Self {
        let mut raw = Self::connect(address).await;
        raw.send(&event_stream(1)).await;
        raw
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Sends as much as the server takes; it may have had enough.
    pub(crate) async fn offer(&mut self, bytes: &[u8]) {
        // That the server ended the connection is an answer, not a failure.
        timeout(Duration::from_secs(1), self.stream.write_all(bytes)).await.map(|_| ()).ok();
    }

    /// The next frame of this kind on this stream, if the server sends it.
    pub(crate) async fn next_of(&mut self, kind: u8, stream: u32) -> Option<Frame> {
        loop {
            let frame = self.next().await?;
            if (frame.kind, frame.stream) == (kind, stream) {
                return Some(frame);
            }
        }
    }

    /// The next frame; `None` once the server has ended the connection.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        let read = timeout(DEADLINE, self.stream.read_exact(&mut head)).await;
        read.expect("a frame in time").ok()?;
        let [a, b, c, kind, flags, stream @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        self.stream.read_exact(&mut payload).await.ok()?;
        Some(Frame { kind, flags, stream: u32::from_be_bytes(stream), payload })
    }

    /// Everything the server still has to say, once it has ended the connection.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let read = timeout(DEADLINE, self.stream.read_to_end(&mut rest)).await;
        // A reset is an end as well.
        read.expect("the connection ends in time").ok();
        rest
    }
}
