//! Flagstaff: a feature-flag sidecar.
#![forbid(unsafe_code)]

pub mod flag;
