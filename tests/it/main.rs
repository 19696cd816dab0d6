//! Everything that is tested from outside: the real binary, real files, real clients.

mod python;
