//! The ports: all are bound before anything is served, and each says where it listens.

use super::options::ServeOptions;
use crate::{
    report::logging::Audience,
    server::{
        PortService,
        accept::accept,
        connection_limiter::ConnectionLimiter,
        listener::{BindError, Listener, bind_tcp},
        socket_file::{SocketFile, accept_unix, bind_unix},
    },
};
use std::sync::Arc;
use tokio::sync::Notify;
use tracing::{debug, info, warn};

/// What the sidecar listens on.
#[derive(Debug)]
pub(super) struct BoundPorts {
    pub(super) evaluation: Vec<Listener>,
    pub(super) socket: Option<(Listener, SocketFile)>,
    pub(super) management: Vec<Listener>,
}

impl BoundPorts {
    pub(super) fn bind(options: &ServeOptions) -> Result<Self, BindError> {
        let mut evaluation = Vec::new();
        for endpoint in &options.evaluation {
            evaluation.extend(bind_tcp(endpoint)?);
        }
        let socket = match &options.uds {
            Some((path, mode)) => Some(bind_unix(path, *mode)?),
            None => None,
        };
        let management = options.management.as_ref().map(bind_tcp).transpose()?.unwrap_or_default();
        if evaluation.is_empty() && socket.is_none() {
            warn!("flags cannot be asked for: --port is off and there is no --uds");
        }
        Ok(Self { evaluation, socket, management })
    }

    /// Where clients ask for flags.
    pub(super) fn for_clients(&self) -> impl Iterator<Item = &Listener> {
        self.evaluation.iter().chain(self.socket.iter().map(|(socket, _)| socket))
    }
}

/// What accepts the connections of a kind of port.
#[derive(Debug)]
pub(super) struct PortAcceptor {
    pub(super) service: Arc<PortService>,
    pub(super) limiter: Arc<ConnectionLimiter>,
    pub(super) audience: Audience,
}

impl PortAcceptor {
    /// Accepts connections on each listener, and says where; a person reads it in the greeting.
    pub(super) fn listen(&self, listeners: Vec<Listener>, name: &'static str) {
        for listener in listeners {
            log_address(&listener, name, self.audience);
            let (service, limiter) = (Arc::clone(&self.service), Arc::clone(&self.limiter));
            let lifecycle = service.lifecycle().clone();
            lifecycle.spawn_essential(async move { accept(&listener, service, limiter).await });
        }
    }

    /// The same on a Unix socket. Its file is removed when what is returned is dropped.
    pub(super) fn listen_on_socket(
        &self,
        (listener, file): (Listener, SocketFile),
        tick: Arc<Notify>,
    ) -> Arc<SocketFile> {
        log_address(&listener, "evaluation", self.audience);
        let file = Arc::new(file);
        let (held, service) = (Arc::clone(&file), Arc::clone(&self.service));
        let accepting = accept_unix(listener, held, tick, service, Arc::clone(&self.limiter));
        self.service.lifecycle().spawn_essential(accepting);
        file
    }
}

fn log_address(listener: &Listener, service: &'static str, audience: Audience) {
    match audience {
        Audience::Machine => info!(service, address = %listener, "listening"),
        Audience::Person => debug!(service, address = %listener, "listening"),
    }
}
