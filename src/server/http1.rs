//! Serves a connection that speaks HTTP/1.1: health pages, metrics, services beside evaluation.

use super::{PortService, headers::MAX_HEADERS, stream::Stream};
use crate::server::connection_limiter::ConnectionState;
use hyper::{server::conn::http1::Builder, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

/// A request's headers must arrive within this time.
const HEADER_TIMEOUT: Duration = Duration::from_secs(3);

/// Serves until either side has had enough; on draining the connection is asked to end.
pub(super) async fn serve(
    stream: Stream,
    site: Arc<PortService>,
    seat: &Arc<ConnectionState>,
) -> Result<(), hyper::Error> {
    let lifecycle = site.lifecycle.clone();
    let asking = Arc::clone(seat);
    let service = service_fn(move |request| {
        let response = site.respond_http1(&asking, request);
        async { Ok::<_, Infallible>(response.await) }
    });
    let mut builder = Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(MAX_HEADERS);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        ended = connection.as_mut() => return ended,
        () = seat.leaving.cancelled() => {}
    }
    if !lifecycle.is_draining() {
        // Another connection needs the place, now.
        return Ok(());
    }
    connection.as_mut().graceful_shutdown();
    connection.await
}
