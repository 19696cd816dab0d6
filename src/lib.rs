//! Flagstaff: a feature-flag sidecar that watches flag files, answers over gRPC on localhost,
//! streams updates and counts what it answers.
//!
//! In reading order: [`flagstaff_core`] is the pure core, from a definition to an answer. `wire` turns bytes
//! into requests and answers into bytes, `rpc` is what each method does with them, `server` the
//! connections they come over. `source` keeps a `snapshot` of all flags in the `store` at what the
//! files say. `app` wires it all, `lifecycle` starts and ends it, `management`, `status`, `metrics` and
//! `report` tell of it, [`cli`] is how it is asked for. ARCHITECTURE.md has the picture and the reasons.
#![forbid(unsafe_code)]

mod app;
pub mod cli;
mod clock;
mod files;
mod lifecycle;
mod log_writer;
mod management;
pub mod metrics;
mod overrides;
mod page;
pub mod pb;
mod report;
mod rpc;
mod server;
mod snapshot;
mod source;
mod status;
mod store;
pub mod wire;
