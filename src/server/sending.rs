//! Sends replies over HTTP/2.

use super::{
    body::Body,
    call::{Later, Reply, head, ok},
};
use bytes::Bytes;
use h2::{Reason, SendStream, server::SendResponse};
use http::Response;
use http_body::Body as _;
use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};
use tracing::debug;

/// Sends a reply as far as it can be sent at once. The rest of a longer one is returned.
pub(super) fn send(
    mut call: SendResponse<Bytes>,
    reply: Reply,
) -> Option<impl Future<Output = ()> + Send + use<>> {
    let sent = match reply {
        Reply::Frame(frame) => send_frame(&mut call, frame).map(|()| None),
        Reply::Other(response) => begin(&mut call, *response),
    };
    match sent {
        Ok(None) => None,
        Ok(Some((stream, body))) => Some(async move {
            if let Err(error) = send_body(stream, body).await {
                debug!(error = %error, "a response was not sent to its end");
            }
        }),
        Err(error) => {
            debug!(error = %error, "a response was not sent");
            call.send_reset(Reason::INTERNAL_ERROR);
            None
        }
    }
}

/// Waits for a reply, and sends it. Ends when the client resets the call.
pub(super) async fn send_later(mut call: SendResponse<Bytes>, mut later: Later) {
    let reply = poll_fn(|cx| match later.as_mut().poll(cx) {
        Poll::Ready(reply) => Poll::Ready(Some(reply)),
        Poll::Pending => call.poll_reset(cx).map(|_| None),
    });
    let Some(reply) = reply.await else { return };
    drop(later);
    if let Some(rest) = send(call, reply) {
        rest.await;
    }
}

/// h2 holds the frame until the client has window for it.
fn send_frame(call: &mut SendResponse<Bytes>, frame: Bytes) -> Result<(), h2::Error> {
    let mut stream = call.send_response(head(), false)?;
    stream.send_data(frame, false)?;
    stream.send_trailers(ok())
}

/// Sends the head of a response. Returns the stream for its body, if it has one.
fn begin(
    call: &mut SendResponse<Bytes>,
    response: Response<Body>,
) -> Result<Option<(SendStream<Bytes>, Body)>, h2::Error> {
    let (head, body) = response.into_parts();
    let is_whole = body.is_end_stream();
    let stream = call.send_response(Response::from_parts(head, ()), is_whole)?;
    Ok((!is_whole).then_some((stream, body)))
}

/// Sends a body while the client has window for it, one piece at a time.
async fn send_body(mut stream: SendStream<Bytes>, mut body: Body) -> Result<(), h2::Error> {
    loop {
        let frame = poll_fn(|cx| {
            let frame = Pin::new(&mut body).poll_frame(cx).map(Ok);
            unless_reset(&mut stream, cx, frame)
        });
        match frame.await? {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => {
                    let is_last = body.is_end_stream();
                    if !data.is_empty() {
                        wait_for_window(&mut stream).await?;
                    }
                    stream.send_data(data, is_last)?;
                    if is_last {
                        return Ok(());
                    }
                }
                Err(frame) => {
                    if let Ok(trailers) = frame.into_trailers() {
                        // Other streams of the connection may need the window.
                        stream.reserve_capacity(0);
                        return stream.send_trailers(trailers);
                    }
                }
            },
            Some(Err(error)) => {
                debug!(error = %error, "a routed service failed amid its response");
                stream.send_reset(Reason::INTERNAL_ERROR);
                return Ok(());
            }
            None => return stream.send_data(Bytes::new(), true),
        }
    }
}

async fn wait_for_window(stream: &mut SendStream<Bytes>) -> Result<(), h2::Error> {
    // A larger claim would keep window from other streams; h2 raises it to what is sent.
    stream.reserve_capacity(1);
    while stream.capacity() == 0 {
        let capacity = poll_fn(|cx| {
            let capacity = stream.poll_capacity(cx).map(|capacity| capacity.transpose());
            unless_reset(stream, cx, capacity)
        });
        if capacity.await?.is_none() {
            return Err(Reason::CANCEL.into());
        }
    }
    Ok(())
}

/// What was polled, or the reset of a stream whose client does not want it any more.
fn unless_reset<T>(
    stream: &mut SendStream<Bytes>,
    cx: &mut Context<'_>,
    polled: Poll<Result<T, h2::Error>>,
) -> Poll<Result<T, h2::Error>> {
    match polled {
        Poll::Pending => stream.poll_reset(cx).map(|reason| Err(reason?.into())),
        ready @ Poll::Ready(_) => ready,
    }
}
