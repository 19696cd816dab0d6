//! The addresses the sidecar listens on: TCP and Unix sockets, bound before anything is declared.

use std::{
    fmt, fs, io,
    net::{IpAddr, SocketAddr},
    os::unix::{
        fs::{FileTypeExt, PermissionsExt},
        net::UnixStream as StdUnixStream,
    },
    path::{Path, PathBuf},
};
use tokio::net::{TcpListener, UnixListener};

/// An address could not be listened on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BindError {
    #[error("cannot listen on {address}: choose another port with {option}")]
    Tcp { address: SocketAddr, option: &'static str, source: io::Error },
    #[error("cannot listen on unix:{}: choose another path with --uds", .path.display())]
    Unix { path: PathBuf, source: io::Error },
}

/// A bound address.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener, SocketAddr),
    Unix(UnixListener, PathBuf),
}

/// A socket file, removed when its owner goes, whatever became of the listener.
#[derive(Debug)]
pub(crate) struct Socket(PathBuf);

impl Drop for Socket {
    fn drop(&mut self) {
        // Already gone is as good.
        fs::remove_file(&self.0).unwrap_or_default();
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

/// Binds one port on each address; port 0 takes a free one, the same on all of them.
///
/// An IPv6 address that the machine does not have is left out if another address can be bound:
/// pods without IPv6 are common.
pub(crate) async fn bind_tcp(
    addresses: &[IpAddr],
    port: u16,
    option: &'static str,
) -> Result<Vec<Listener>, BindError> {
    let mut listeners = Vec::new();
    let mut port = port;
    let mut missing = None;
    for &address in addresses {
        let address = SocketAddr::new(address, port);
        let bound = async {
            let listener = TcpListener::bind(address).await?;
            let bound = listener.local_addr()?;
            Ok(Listener::Tcp(listener, bound))
        };
        match bound.await {
            Ok(listener) => {
                if let Listener::Tcp(_, bound) = &listener {
                    port = bound.port();
                }
                listeners.push(listener);
            }
            Err(source) if address.is_ipv6() && is_missing(&source) => {
                missing = Some(BindError::Tcp { address, option, source });
            }
            Err(source) => return Err(BindError::Tcp { address, option, source }),
        }
    }
    match missing {
        Some(missing) if listeners.is_empty() => Err(missing),
        _ => Ok(listeners),
    }
}

fn is_missing(error: &io::Error) -> bool {
    // EAFNOSUPPORT (97) has no kind of its own.
    error.kind() == io::ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(97)
}

/// Binds a socket file. A socket left behind by a process that is gone is replaced; anything else
/// at the path is not.
pub(crate) fn bind_unix(path: &Path, mode: u32) -> Result<(Listener, Socket), BindError> {
    let bind = || {
        let left_behind = fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
        if left_behind && StdUnixStream::connect(path).is_err() {
            fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        let socket = Socket(path.to_owned());
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
        Ok((Listener::Unix(listener, path.to_owned()), socket))
    };
    bind().map_err(|source| BindError::Unix { path: path.to_owned(), source })
}
