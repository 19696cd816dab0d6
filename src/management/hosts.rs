//! Which names a port on loopback answers to.
//!
//! A page from anywhere may let its own name point to 127.0.0.1 (DNS rebinding): to the browser
//! whatever answers there is then of the page's own site, and it may read it. The request says by
//! which name it was reached, and a site that does so has to say its own.

use crate::server::routed::speaks_grpc;
use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, StatusCode, header, uri::Authority},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
};
use std::net::IpAddr;
use tonic::Status;

const HELP: &str = "this port is on loopback, and answers to localhost and to IP addresses only, not \
    to the name in Host: ask for http://localhost, or let --management-bind listen elsewhere\n";

/// Lets through what asks for this machine; whoever opened the port to others decided who may.
pub(crate) fn for_this_machine(routes: Router) -> Router {
    routes.layer(from_fn(check))
}

async fn check(request: Request, next: Next) -> Response {
    let hosts = request.headers().get_all(header::HOST).iter().map(HeaderValue::as_bytes);
    let authority = request.uri().authority().map(|authority| authority.as_str().as_bytes());
    if hosts.chain(authority).all(is_this_machine) {
        return next.run(request).await;
    }
    if speaks_grpc(request.headers()) {
        return Status::permission_denied(HELP.trim_end()).into_http();
    }
    (StatusCode::MISDIRECTED_REQUEST, HELP).into_response()
}

fn is_this_machine(authority: &[u8]) -> bool {
    if authority.is_empty() {
        return true;
    }
    let Ok(authority) = Authority::try_from(authority) else { return false };
    let host = authority.host().to_ascii_lowercase();
    let name = host.strip_suffix('.').unwrap_or(&host);
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name == "localhost" || name.ends_with(".localhost") || address.parse::<IpAddr>().is_ok()
}
