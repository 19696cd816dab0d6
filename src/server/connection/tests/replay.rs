//! A client that was written down: requests that arrive in batches, and answers that are counted.

use super::*;
use crate::{pb::flagd::evaluation::v2::ResolveBooleanRequest, server::http2::CALLS_PER_TURN};
use prost::Message;
use prost_types::{Struct, Value, value::Kind};
use std::{future::poll_fn, task::Waker};
use tokio::runtime::Builder;

/// The frames of HTTP/2 that a client sends (RFC 9113, section 6).
const HEAD: usize = 9;
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const WINDOW_UPDATE: u8 = 8;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// A socket that gives the next batch of requests once the last one was answered, and then ends.
struct Replay {
    batches: std::vec::IntoIter<Bytes>,
    batch: Bytes,
    /// How many calls each batch has.
    calls: usize,
    asked: usize,
    answered: Arc<AtomicUsize>,
    reader: Waker,
}

impl Socket for Replay {
    fn names_no_host(&self) -> bool {
        false
    }
}

impl AsyncRead for Replay {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.batch.is_empty() {
            if self.answered.load(Ordering::Relaxed) < self.asked {
                self.reader.clone_from(cx.waker());
                return Poll::Pending;
            }
            let Some(batch) = self.batches.next() else { return Poll::Ready(Ok(())) };
            self.batch = batch;
            self.asked += self.calls;
        }
        let count = self.batch.len().min(buffer.remaining());
        buffer.put_slice(&self.batch.split_to(count));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Replay {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let (mut answers, mut rest) = (0, bytes);
        // Whole frames: each answer has one frame of data.
        while let [a, b, c, kind, ..] = *rest {
            answers += usize::from(kind == DATA);
            let length = u32::from_be_bytes([0, a, b, c]) as usize;
            rest = rest.get(HEAD + length..).expect("whole frames");
        }
        if self.answered.fetch_add(answers, Ordering::Relaxed) + answers >= self.asked {
            self.reader.wake_by_ref();
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::new();
    frame.put_uint(payload.len() as u64, 3);
    frame.put_slice(&[kind, flags]);
    frame.put_u32(stream);
    frame.put_slice(payload);
    frame.freeze()
}

/// A header block whose fields are not indexed (RFC 7541, section 6.2.2).
fn header_block() -> Vec<u8> {
    let path = "/flagd.evaluation.v2.Service/ResolveBoolean";
    // `:method: POST` and `:scheme: http` are in the static table, and so are three of the names.
    let mut block = vec![0x83, 0x86];
    let fields: [(&[u8], &str); 4] = [
        (&[0x04], path),
        (&[0x01], "localhost"),
        (&[0x0f, 0x10], "application/grpc"),
        (&[0x00, 2, b't', b'e'], "trailers"),
    ];
    for (name, value) in fields {
        block.extend_from_slice(name);
        block.push(u8::try_from(value.len()).unwrap());
        block.extend_from_slice(value.as_bytes());
    }
    block
}

/// A request for the flag `on` with a small context, as a gRPC frame.
fn targeted() -> Bytes {
    let text = |text: &str| Value { kind: Some(Kind::StringValue(text.to_owned())) };
    let attributes = [("targetingKey", "user-1"), ("plan", "premium"), ("country", "DE")];
    let fields = attributes.map(|(name, value)| (name.to_owned(), text(value)));
    let context = Some(Struct { fields: fields.into() });
    let message = ResolveBooleanRequest { flag_key: "on".to_owned(), context }.encode_to_vec();
    crate::wire::frame(&message)
}

/// Serves so many batches of calls, and checks that each call is answered. Meanwhile another task
/// has its turns, the number of which is returned.
pub(super) fn serve_batches(batches: usize, calls: usize) -> usize {
    let mut first = BytesMut::from(&PREFACE[..]);
    first.extend_from_slice(&frame(SETTINGS, 0, 0, &[]));
    first.extend_from_slice(&frame(WINDOW_UPDATE, 0, 0, &(1_u32 << 30).to_be_bytes()));
    let mut all = Vec::new();
    let (block, message) = (header_block(), targeted());
    let mut streams = (1..).step_by(2);
    for _ in 0..batches {
        let mut batch = BytesMut::new();
        for stream in streams.by_ref().take(calls) {
            batch.extend_from_slice(&frame(HEADERS, END_HEADERS, stream, &block));
            batch.extend_from_slice(&frame(DATA, END_STREAM, stream, &message));
        }
        all.push(batch.freeze());
    }
    let answered = Arc::new(AtomicUsize::new(0));
    let socket = Replay {
        batches: all.into_iter(),
        batch: first.freeze(),
        calls,
        asked: 0,
        answered: Arc::clone(&answered),
        reader: Waker::noop().clone(),
    };
    let turns = Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let (site, gate) = port_with_flags();
        let place = gate.enter(&site.lifecycle.drain_token()).await.unwrap();
        let mut tasks = JoinSet::new();
        let served = tasks.spawn(async move {
            serve(Box::new(socket), site, &place.seat).await;
            0
        });
        let mut turns = 0;
        tasks.spawn(poll_fn(move |cx| {
            turns += 1;
            if served.is_finished() {
                return Poll::Ready(turns);
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        }));
        tasks.join_all().await.into_iter().sum()
    });
    assert_eq!(answered.load(Ordering::Relaxed), batches * calls);
    turns
}

#[test]
fn a_connection_with_many_calls_at_once_lets_other_tasks_run_in_between() {
    const BATCHES: usize = 16;
    // The requests of a batch fit in the window that a client has at the beginning, 64 KiB.
    const CALLS: usize = 2 * CALLS_PER_TURN;
    let turns = serve_batches(BATCHES, CALLS);
    assert!(turns >= BATCHES * 2, "{turns} turns of another task during {BATCHES} x {CALLS} calls");
}
