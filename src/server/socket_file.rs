//! The file of a Unix socket: bound, made again if somebody deletes it, and removed at the end.

use super::{
    PortService,
    accept::accept,
    listener::{BindError, Listener},
};
use crate::{report::chain, server::connection_limiter::ConnectionLimiter};
use socket2::{Domain, SockAddr, Socket, Type};
use std::{
    fs, io,
    os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{net::UnixListener, sync::Notify};
use tracing::{info, warn};

/// Device and inode.
type Identity = (u64, u64);

/// The file of a socket. It is removed when its owner goes, whatever became of the listener.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    mode: u32,
    /// Of the file that this process made last: the path may be a successor's by now.
    identity: Mutex<Identity>,
}

/// What has become of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SocketState {
    Ours,
    /// Deleted: no new client gets in.
    Missing,
    /// Another file stands there, which is not ours to remove.
    Replaced,
}

/// Binds a socket file. A socket left behind by a process that is gone is replaced; anything else
/// at the path is not.
pub(crate) fn bind_unix(path: &Path, mode: u32) -> Result<(Listener, SocketFile), BindError> {
    let bind = || {
        let left_behind = fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
        if left_behind && is_abandoned(path)? {
            fs::remove_file(path)?;
        }
        let (listener, identity) = bind_new(path, mode)?;
        let file = SocketFile { path: path.to_owned(), mode, identity: Mutex::new(identity) };
        Ok((listener, file))
    };
    bind().map_err(|source| BindError::Unix { path: path.to_owned(), source })
}

fn bind_new(path: &Path, mode: u32) -> io::Result<(Listener, Identity)> {
    let listener = UnixListener::bind(path)?;
    let identity = identity(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    Ok((Listener::Unix(listener, path.to_owned()), identity))
}

/// Whether no process listens on a socket. Asked without waiting: one whose queue is full has an
/// owner.
fn is_abandoned(path: &Path) -> io::Result<bool> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    let connected = socket.connect(&SockAddr::unix(path)?);
    Ok(connected.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused))
}

fn identity(path: &Path) -> io::Result<Identity> {
    let file = fs::symlink_metadata(path)?;
    Ok((file.dev(), file.ino()))
}

impl SocketFile {
    fn state(&self) -> SocketState {
        match identity(&self.path) {
            Ok(identity) if identity == self.identity() => SocketState::Ours,
            Err(error) if error.kind() == io::ErrorKind::NotFound => SocketState::Missing,
            // One that cannot be looked at now may be ours.
            Err(_) => SocketState::Ours,
            Ok(_) => SocketState::Replaced,
        }
    }

    fn identity(&self) -> Identity {
        *self.identity.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn bind_again(&self) -> io::Result<Listener> {
        let (listener, identity) = bind_new(&self.path, self.mode)?;
        *self.identity.lock().unwrap_or_else(PoisonError::into_inner) = identity;
        Ok(listener)
    }

    /// Waits until the file is missing and has been made again. Looks at each tick.
    async fn replaced(&self, tick: &Notify) -> Listener {
        let path = self.path.display();
        let mut logged: Option<SocketState> = None;
        loop {
            tick.notified().await;
            let state = self.state();
            if state == SocketState::Missing {
                match self.bind_again() {
                    Ok(listener) => {
                        info!(path = %path, "the Unix socket was deleted, and is made again");
                        return listener;
                    }
                    Err(error) if logged != Some(state) => {
                        let why = chain(&error);
                        warn!(path = %path, why, "the Unix socket was deleted, and cannot be made again");
                    }
                    Err(_) => {}
                }
            }
            if state == SocketState::Replaced && logged != Some(state) {
                let help = "no client reaches this sidecar there: remove the file, or choose another --uds";
                warn!(path = %path, help, "another file has taken the place of the Unix socket");
            }
            logged = Some(state);
        }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.state() == SocketState::Ours && identity(&self.path).is_ok() {
            // Already gone is as good.
            fs::remove_file(&self.path).unwrap_or_default();
        }
    }
}

/// Accepts connections on a socket until the sidecar drains, whatever happens to its file.
pub(crate) async fn accept_unix(
    mut listener: Listener,
    file: Arc<SocketFile>,
    tick: Arc<Notify>,
    site: Arc<PortService>,
    gate: Arc<ConnectionLimiter>,
) {
    loop {
        listener = tokio::select! {
            () = accept(&listener, Arc::clone(&site), Arc::clone(&gate)) => return,
            listener = file.replaced(&tick) => listener,
        };
    }
}
