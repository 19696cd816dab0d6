//! Everything that is tested from outside: the real binary, real files, real clients.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test ends where it fails, helpers included, and prints what it measured"
)]

mod authored;
mod authoring;
mod bad_files;
mod boundaries;
mod browser;
mod cli;
mod client;
mod clocks;
mod conformance;
mod demo;
mod deploy;
mod descriptions;
mod descriptors;
mod directories;
mod docs;
mod drain;
mod duplicates;
mod event_storm;
mod events;
mod expansion;
mod exposures;
mod exposures_scale;
mod faults;
mod flags;
mod grpc;
mod half_written;
mod headers;
mod health;
mod hostile;
mod hostile_frames;
mod hostile_pages;
mod image;
mod inputs;
mod integers;
mod kills;
mod layers;
mod limits;
mod lints;
mod load;
mod logs;
mod moments;
mod observability;
mod output;
mod overrides;
mod page;
mod platform;
mod podsim;
mod printing;
mod properties;
mod python;
mod ramps;
mod raw;
mod refusals;
mod reload;
mod root_causes;
mod scrapes;
mod services;
mod sidecar;
mod slow_disks;
mod sockets;
mod status;
mod survival;
mod terminals;
mod tidy;
mod twin;
mod updates;
mod yaml;
