//! `GET /`: what `/status` says, for a person, as one page that needs nothing else.
//!
//! The page is read-only and asks this sidecar alone. Its policy lets the browser run exactly the
//! script and the style below, by their hashes: even if a flag's name ever became markup, nothing
//! in it would run, and nothing could be sent anywhere.

use axum::{
    http::header,
    response::{Html, IntoResponse},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use sha2::{Digest as _, Sha256};
use std::sync::LazyLock;

const INDEX: &str = include_str!("page/index.html");
const STYLE: &str = include_str!("page/style.css");
const SCRIPT: &str = concat!(
    include_str!("page/elements.js"),
    include_str!("page/overview.js"),
    include_str!("page/flags.js"),
    include_str!("page/refresh.js"),
);
const ICON: &[u8] = include_bytes!("page/icon.png");

struct WebPage {
    html: String,
    policy: String,
}

static PAGE: LazyLock<WebPage> = LazyLock::new(|| WebPage {
    html: INDEX
        .replace("@icon@", &BASE64_STANDARD.encode(ICON))
        .replace("/* style.css */", STYLE)
        .replace("/* elements.js, overview.js, flags.js, refresh.js */", SCRIPT),
    policy: format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; img-src data:; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
        source(SCRIPT),
        source(STYLE),
    ),
});

/// The page, with what the browser is told about it.
pub(crate) fn page() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, PAGE.policy.as_str()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        // The script of another version would not understand this one's status.
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, Html(PAGE.html.as_str()))
}

/// An inline text as a policy names it.
fn source(text: &str) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(text)))
}
