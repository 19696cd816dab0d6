//! Accepts connections: bounded in number, and calm when the machine runs out of something.

use super::{PortService, connection::serve, listener::Listener, stream::Socket};
use crate::{report::chain, server::connection_limiter::ConnectionLimiter};
use socket2::{SockRef, TcpKeepalive};
use std::{io, sync::Arc, time::Duration};
use tokio::{
    net::{TcpStream, UnixStream},
    time::sleep,
};
use tracing::warn;

/// The pause after an accept that failed: long enough not to burn a core, short enough to recover
/// at once when file descriptors are free again.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Accepts connections until the sidecar drains.
pub(crate) async fn accept(
    listener: &Listener,
    site: Arc<PortService>,
    gate: Arc<ConnectionLimiter>,
) {
    let mut pause = FIRST_PAUSE;
    loop {
        let accepted = tokio::select! {
            biased;
            () = site.lifecycle.draining() => return,
            accepted = accept_one(listener, &site, &gate) => accepted,
        };
        match accepted {
            Ok(()) => pause = FIRST_PAUSE,
            Err(error) => {
                if gate.failed() {
                    let address = listener.to_string();
                    warn!(
                        address,
                        error = chain(&error),
                        "cannot accept connections, trying again"
                    );
                }
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

async fn accept_one(
    listener: &Listener,
    site: &Arc<PortService>,
    gate: &Arc<ConnectionLimiter>,
) -> io::Result<()> {
    match listener {
        Listener::Tcp(listener, _) => {
            let (stream, _) = listener.accept().await?;
            prepare(&stream);
            let stream = stream.into_std()?;
            enter(async { TcpStream::from_std(stream) }, site, gate).await;
        }
        Listener::Unix(listener, _) => {
            let (stream, _) = listener.accept().await?;
            let stream = stream.into_std()?;
            enter(async { UnixStream::from_std(stream) }, site, gate).await;
        }
    }
    Ok(())
}

/// Small answers that are awaited must not wait for more; a peer that vanished without a word is
/// found by the kernel's probes, which cost a live connection nothing. A failure of either costs
/// no answer.
fn prepare(stream: &TcpStream) {
    let probes = TcpKeepalive::new()
        .with_time(Duration::from_secs(30))
        .with_interval(Duration::from_secs(10))
        .with_retries(3);
    stream.set_nodelay(true).unwrap_or_default();
    SockRef::from(stream).set_tcp_keepalive(&probes).unwrap_or_default();
}

/// Lets a connection in; its socket is registered with the runtime of the thread it goes to.
async fn enter<S: Socket + 'static>(
    stream: impl Future<Output = io::Result<S>> + Send + 'static,
    site: &Arc<PortService>,
    gate: &Arc<ConnectionLimiter>,
) {
    let Some(place) = gate.enter(&site.lifecycle.drain_token()).await else { return };
    let served = Arc::clone(site);
    site.workers.spawn(&site.lifecycle, async move {
        if let Ok(stream) = stream.await {
            serve(Box::new(stream), served, &place.seat).await;
        }
        drop(place);
    });
}
