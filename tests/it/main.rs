//! Everything that is tested from outside: the real binary, real files, real clients.

mod client;
mod conformance;
mod grpc;
mod properties;
mod python;
mod refusals;
mod services;
mod sidecar;
