//! What a connection costs: one write for the answers to all requests of one read, turns for other
//! connections, and a number of instructions per call.

mod instructions;
mod replay;

use super::*;
use crate::{
    lifecycle::Lifecycle,
    metrics::{Metrics, MetricsOptions},
    rpc::Rpc,
    server::{connection_limiter::ConnectionLimiter, stream::PREFACE},
    snapshot::Snapshot,
    store::Store,
    wire::PREFIX,
};
use axum::Router;
use bytes::{BufMut, Bytes, BytesMut};
use flagstaff_core::{Format, Generation, Layer, compile, merge};
use http::{HeaderValue, Request, header};
use std::{
    io,
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering},
    task::{Context, Poll},
    time::SystemTime,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex},
    task::JoinSet,
};

const FLAGS: &str = r#"{ "metadata": { "fractional": "v2" }, "flags": { "on": {
    "state": "ENABLED", "variants": { "on": true, "off": false }, "defaultVariant": "off",
    "targeting": { "if": [{ "==": [{ "var": "plan" }, "free"] }, "off", "on"] } } } }"#;

/// A socket that counts the writes that took something.
struct Counting {
    socket: DuplexStream,
    writes: Arc<AtomicUsize>,
}

impl Socket for Counting {
    fn names_no_host(&self) -> bool {
        false
    }
}

impl AsyncRead for Counting {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Counting {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.socket).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.socket).poll_write_vectored(cx, bytes)
    }

    /// As a TCP socket.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

fn port_with_flags() -> (Arc<PortService>, Arc<ConnectionLimiter>) {
    let metrics = Arc::new(Metrics::register(&MetricsOptions::default(), None).unwrap());
    let store = Store::new();
    let layer =
        compile(FLAGS.as_bytes(), Format::Json, Generation::V2, &Layer::default()).unwrap().layer;
    let snapshot = Snapshot::next(None, &merge([&layer]), &metrics, SystemTime::now());
    store.publish(Arc::new(snapshot));
    let gate = Arc::new(ConnectionLimiter::of_clients(8, &metrics));
    let (rpc, lifecycle) = (Rpc::new(store, metrics), Lifecycle::new());
    (Arc::new(PortService::evaluation(rpc, Router::new(), lifecycle, Arc::default())), gate)
}

/// A gRPC frame that asks for the flag `on`, without a context.
fn question() -> Bytes {
    let message = [0x0a, 2, b'o', b'n'];
    let mut frame = BytesMut::zeroed(PREFIX - 1);
    frame.put_u8(4);
    frame.extend_from_slice(&message);
    frame.freeze()
}

/// Each subscriber holds such a task for as long as it listens.
#[tokio::test]
async fn the_task_of_a_connection_is_small() {
    let (site, gate) = port_with_flags();
    let place = gate.enter(&site.lifecycle.drain_token()).await.unwrap();
    let (ours, _theirs) = duplex(1);
    let socket = Counting { socket: ours, writes: Arc::default() };
    let size = size_of_val(&serve(Box::new(socket), site, &place.seat));
    assert!(size <= 1024, "{size} bytes");
}

#[tokio::test]
async fn answers_to_one_batch_of_requests_leave_in_one_write() {
    const ROUNDS: usize = 20;
    const CALLS: usize = 32;
    let (site, gate) = port_with_flags();
    let place = gate.enter(&site.lifecycle.drain_token()).await.unwrap();
    let (ours, theirs) = duplex(1 << 20);
    let writes = Arc::new(AtomicUsize::new(0));
    let socket = Counting { socket: ours, writes: Arc::clone(&writes) };
    let lifecycle = site.lifecycle.clone();
    lifecycle.spawn(async move { serve(Box::new(socket), site, &place.seat).await });
    let (sender, connection) = h2::client::handshake(theirs).await.unwrap();
    lifecycle.spawn(async move { connection.await.unwrap() });
    let mut before = 0;
    for round in 0..=ROUNDS {
        if round == 1 {
            // The first round exchanges settings too.
            before = writes.load(Ordering::Relaxed);
        }
        let mut calls = JoinSet::new();
        for _ in 0..CALLS {
            let mut sender = sender.clone().ready().await.unwrap();
            let request =
                Request::post("http://localhost/flagd.evaluation.v2.Service/ResolveBoolean")
                    .header(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"))
                    .body(())
                    .unwrap();
            let (response, mut body) = sender.send_request(request, false).unwrap();
            body.send_data(question(), true).unwrap();
            calls.spawn(async move {
                let mut body = response.await.unwrap().into_body();
                let frame = body.data().await.unwrap().unwrap();
                assert!(
                    frame.windows(b"TARGETING_MATCH".len()).any(|part| part == b"TARGETING_MATCH")
                );
                body.trailers().await.unwrap().unwrap()
            });
        }
        let trailers = calls.join_all().await;
        assert!(trailers.iter().all(|trailers| trailers.get("grpc-status").unwrap() == "0"));
    }
    let writes = writes.load(Ordering::Relaxed) - before;
    assert!(writes * 10 <= ROUNDS * 11, "{writes} writes for {ROUNDS} batches of {CALLS} calls");
}
