//! The protobuf contracts as generated types, for clients in Rust, for tests and for reflection.
//!
//! The server itself reads requests in place and answers with bytes made at load (see
//! [`wire`](crate::wire)).

/// `flagd.evaluation`
pub mod flagd {
    /// `flagd.evaluation`
    pub mod evaluation {
        /// `flagd.evaluation.v1`
        pub mod v1 {
            tonic::include_proto!("flagd.evaluation.v1");
        }
        /// `flagd.evaluation.v2`
        pub mod v2 {
            tonic::include_proto!("flagd.evaluation.v2");
        }
    }
}

/// The compiled contracts, as reflection serves them.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/contract.bin"));
