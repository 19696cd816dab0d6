//! Asks a running sidecar's management port: one GET, bounded in time and size.

use http::{Request, header};
use http_body::Body;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use std::{
    fmt,
    future::poll_fn,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::pin,
    time::Duration,
};
use tokio::{net::TcpStream, time::timeout};

/// A sidecar answers in milliseconds, or something is wrong.
const DEADLINE: Duration = Duration::from_secs(2);

/// More than a hundred thousand flags take.
const MAX_BYTES: usize = 64 << 20;

/// Where a sidecar's management port is: host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(String);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `127.0.0.1:8014`, `[::1]:8014`, `localhost:8014`, and the same after `http://`.
pub fn address(text: &str) -> Result<Address, String> {
    let plain = text.strip_prefix("http://").unwrap_or(text);
    let plain = plain.strip_suffix('/').unwrap_or(plain);
    let whole = plain.rsplit_once(':').is_some_and(|(host, port)| {
        let bracketed = host.starts_with('[') && host.ends_with(']');
        let is_host = !host.is_empty() && (bracketed || !host.contains(':'));
        is_host && !host.contains(['/', '@', ' ']) && port.parse::<u16>().is_ok()
    });
    let help = "write host and port of the management port, such as localhost:8014";
    if whole { Ok(Address(plain.to_owned())) } else { Err(help.to_owned()) }
}

/// What answered.
#[derive(Debug)]
pub(super) struct ManagementReply {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

/// Why nothing of use answered.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    #[error("no sidecar answers on {address} (--address names another management port)")]
    Connect { address: Address, source: io::Error },
    #[error("no answer from {address} within {DEADLINE:?}")]
    TimedOut { address: Address },
    #[error("{address} is no management port of a sidecar")]
    Protocol { address: Address, source: hyper::Error },
    #[error("{address} is no management port of a sidecar: its answer does not end")]
    TooLarge { address: Address },
    #[error("cannot ask {address}")]
    Request { address: Address, source: http::Error },
}

impl Address {
    /// One GET.
    pub(super) async fn get(&self, path: &str) -> Result<ManagementReply, AskError> {
        let late = |_elapsed| AskError::TimedOut { address: self.clone() };
        timeout(DEADLINE, self.ask(path)).await.map_err(late)?
    }

    /// This machine's name means both of its addresses, without asking anybody: a pod may have one
    /// family only, and an image no file of hosts.
    async fn connect(&self) -> io::Result<TcpStream> {
        match self.0.strip_prefix("localhost:").and_then(|port| port.parse::<u16>().ok()) {
            Some(port) => {
                let [v6, v4] = [Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()];
                let addresses = [v6, v4].map(|address: IpAddr| SocketAddr::new(address, port));
                TcpStream::connect(&addresses[..]).await
            }
            None => TcpStream::connect(&self.0).await,
        }
    }

    async fn ask(&self, path: &str) -> Result<ManagementReply, AskError> {
        let address = || self.clone();
        let stream = self
            .connect()
            .await
            .map_err(|source| AskError::Connect { address: address(), source })?;
        let protocol = |source| AskError::Protocol { address: address(), source };
        let (mut sender, connection) =
            handshake::<_, String>(TokioIo::new(stream)).await.map_err(protocol)?;
        let request = Request::get(path).header(header::HOST, &self.0).body(String::new());
        let request = request.map_err(|source| AskError::Request { address: address(), source })?;
        let mut answered = pin!(async {
            let response = sender.send_request(request).await.map_err(protocol)?;
            let status = response.status().as_u16();
            let mut incoming = pin!(response.into_body());
            let mut body = Vec::new();
            while let Some(frame) = poll_fn(|cx| incoming.as_mut().poll_frame(cx)).await {
                body.extend(frame.map_err(protocol)?.into_data().unwrap_or_default());
                if body.len() > MAX_BYTES {
                    return Err(AskError::TooLarge { address: address() });
                }
            }
            Ok(ManagementReply { status, body })
        });
        tokio::select! {
            answer = &mut answered => answer,
            // The connection may end before all that came over it was taken.
            _ended = connection => answered.await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_host_and_port() {
        for (text, expected) in [
            ("127.0.0.1:8014", Some("127.0.0.1:8014")),
            ("http://localhost:8014/", Some("localhost:8014")),
            ("[::1]:8014", Some("[::1]:8014")),
            ("::1:8014", None),
            ("", None),
            ("8014", None),
            (":8014", None),
            ("host:", None),
            ("host:65536", None),
            ("https://host:8014", None),
            ("http://host:8014/status", None),
        ] {
            let read = address(text).ok().map(|address| address.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }
}
