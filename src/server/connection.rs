//! One connection, from its first byte to its last, within bounds of time and size.

use super::{
    PortService, http1, http2,
    stream::{Socket, Stream},
};
use crate::server::connection_limiter::ConnectionState;
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;
use tracing::debug;

/// A client must say what it speaks within this time, over HTTP/2 up to its settings.
const PREFACE_TIMEOUT: Duration = Duration::from_secs(5);

/// Serves one connection in the protocol that its first bytes announce.
pub(super) async fn serve(
    socket: Box<dyn Socket>,
    site: Arc<PortService>,
    seat: &Arc<ConnectionState>,
) {
    let stream = tokio::select! {
        biased;
        () = seat.leaving.cancelled() => return,
        stream = timeout(PREFACE_TIMEOUT, Stream::recognise(socket)) => stream,
    };
    let Ok(Ok(stream)) = stream else { return };
    let ended = if stream.is_http2() {
        http2::serve(stream, site, seat).await
    } else {
        // Boxed, because few connections speak it, and each task would have room for it.
        Box::pin(http1::serve(stream, site, seat)).await.map_err(Into::into)
    };
    if let Err(error) = ended {
        debug!(error = %error, "a connection ended badly");
    }
}

#[cfg(test)]
mod tests;
