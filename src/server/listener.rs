//! The addresses the sidecar listens on: TCP and Unix sockets, bound before anything is declared.

use socket2::{Domain, Socket as Socket2, Type};
use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};
use tokio::net::{TcpListener, UnixListener};

/// An address could not be listened on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BindError {
    #[error("cannot listen on {address}: choose another {what} with {option}")]
    Tcp { address: SocketAddr, what: &'static str, option: &'static str, source: io::Error },
    #[error("cannot listen on {address}")]
    OutOfFiles { address: SocketAddr, source: io::Error },
    #[error("cannot listen on unix:{}: choose another path with --uds", .path.display())]
    Unix { path: PathBuf, source: io::Error },
}

/// Where to listen, and the options that say so.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) bind_option: &'static str,
    /// 0 is any free one, the same on all addresses.
    pub(crate) port: u16,
    pub(crate) port_option: &'static str,
}

/// Connections that may wait to be accepted: after a restart all clients come back at once.
const BACKLOG: i32 = 1024;

/// A bound address.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener, SocketAddr),
    Unix(UnixListener, PathBuf),
}

impl Listener {
    /// Whether nothing but the machine itself gets here.
    pub(crate) fn is_loopback(&self) -> bool {
        matches!(self, Self::Tcp(_, address) if address.ip().to_canonical().is_loopback())
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(_, address) => write!(f, "{address}"),
            Self::Unix(_, path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Binds one port on each address.
///
/// An IPv6 or loopback address that the machine does not have is left out if another address can
/// be bound: pods without IPv6 are common, and there are pods without IPv4.
pub(crate) fn bind_tcp(endpoint: &Endpoint) -> Result<Vec<Listener>, BindError> {
    // A port that is free on one address may be taken on the next; then another free one will do.
    for _ in 0..if endpoint.port == 0 { ATTEMPTS } else { 0 } {
        if let Ok(listeners) = bind_once(endpoint) {
            return Ok(listeners);
        }
    }
    bind_once(endpoint)
}

/// How often a free port is looked for.
const ATTEMPTS: usize = 8;

fn bind_once(endpoint: &Endpoint) -> Result<Vec<Listener>, BindError> {
    let mut listeners = Vec::new();
    let mut port = endpoint.port;
    let mut missing = None;
    for &address in &endpoint.addresses {
        let address = SocketAddr::new(address, port);
        match listen(address) {
            Ok((listener, bound)) => {
                port = bound.port();
                listeners.push(Listener::Tcp(listener, bound));
            }
            // Another port would not help.
            Err(source) if matches!(source.raw_os_error(), Some(23 | 24)) => {
                return Err(BindError::OutOfFiles { address, source });
            }
            Err(source) => {
                let absent = is_absent(&source);
                let (what, option) = match absent {
                    true => ("address", endpoint.bind_option),
                    false => ("port", endpoint.port_option),
                };
                let error = BindError::Tcp { address, what, option, source };
                let dispensable = address.is_ipv6() || address.ip().is_loopback();
                if !absent || !dispensable {
                    return Err(error);
                }
                missing = Some(error);
            }
        }
    }
    match missing {
        Some(missing) if listeners.is_empty() => Err(missing),
        _ => Ok(listeners),
    }
}

fn listen(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = Socket2::new(Domain::for_address(address), Type::STREAM, None)?;
    if address.is_ipv6() {
        // IPv4 has a listener of its own, which an IPv6 one for both would collide with.
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    let listener = TcpListener::from_std(socket.into())?;
    let bound = listener.local_addr()?;
    Ok((listener, bound))
}

/// Whether the machine does not have the address.
fn is_absent(error: &io::Error) -> bool {
    // EAFNOSUPPORT (97) has no kind of its own.
    error.kind() == io::ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(97)
}
