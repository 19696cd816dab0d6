//! Accepts connections: bounded in number, and calm when the machine runs out of something.

use super::{Site, connection::serve, listener::Listener, stream::Socket};
use crate::telemetry::{metrics::Metrics, rate_limit::RateLimit};
use metrics::{Counter, Gauge};
use socket2::{SockRef, TcpKeepalive};
use std::{io, sync::Arc, time::Duration};
use tokio::{
    net::{TcpStream, UnixStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::sleep,
};
use tracing::warn;

/// How many connections may be open at once, over all listeners that share the gate.
#[derive(Debug)]
pub(crate) struct Gate {
    free: Arc<Semaphore>,
    active: Gauge,
    refused: Counter,
    log: RateLimit,
}

/// A place for one connection, counted while it is held.
struct Place {
    _permit: OwnedSemaphorePermit,
    active: Gauge,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.active.decrement(1.0);
    }
}

impl Gate {
    /// A gate whose connections are counted.
    pub(crate) fn counted(connections: usize, metrics: &Metrics) -> Self {
        let (active, refused) = (&metrics.connections_active, &metrics.connections_refused);
        Self { active: active.clone(), refused: refused.clone(), ..Self::uncounted(connections) }
    }

    /// A gate for connections that are nobody's clients.
    pub(crate) fn uncounted(connections: usize) -> Self {
        let free = Arc::new(Semaphore::new(connections));
        Self { free, active: Gauge::noop(), refused: Counter::noop(), log: RateLimit::default() }
    }

    fn enter(&self) -> Option<Place> {
        let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() else {
            self.refused.increment(1);
            if self.log.permits(10) {
                warn!("connections are refused because too many are open");
            }
            return None;
        };
        let active = self.active.clone();
        active.increment(1.0);
        Some(Place { _permit: permit, active })
    }
}

/// The pause after an accept that failed: long enough not to burn a core, short enough to recover
/// at once when file descriptors are free again.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Accepts connections until the sidecar drains.
pub(crate) async fn accept(listener: Listener, site: Arc<Site>, gate: Arc<Gate>) {
    let mut pause = FIRST_PAUSE;
    loop {
        let accepted = tokio::select! {
            biased;
            () = site.lifecycle.draining() => return,
            accepted = accept_one(&listener, &site, &gate) => accepted,
        };
        match accepted {
            Ok(()) => pause = FIRST_PAUSE,
            Err(error) => {
                let address = listener.to_string();
                warn!(address, error = %error, "cannot accept connections, trying again");
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

async fn accept_one(listener: &Listener, site: &Arc<Site>, gate: &Gate) -> io::Result<()> {
    match listener {
        Listener::Tcp(listener, _) => {
            let (stream, _) = listener.accept().await?;
            prepare(&stream);
            let stream = stream.into_std()?;
            enter(async { TcpStream::from_std(stream) }, site, gate);
        }
        Listener::Unix(listener, _) => {
            let (stream, _) = listener.accept().await?;
            let stream = stream.into_std()?;
            enter(async { UnixStream::from_std(stream) }, site, gate);
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
fn enter<S: Socket>(
    stream: impl Future<Output = io::Result<S>> + Send + 'static,
    site: &Arc<Site>,
    gate: &Gate,
) {
    let Some(place) = gate.enter() else { return };
    let served = Arc::clone(site);
    site.workers.spawn(&site.lifecycle, async move {
        if let Ok(stream) = stream.await {
            serve(stream, served).await;
        }
        drop(place);
    });
}
