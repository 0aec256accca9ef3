//! Tests across the crates of striate; see `conformance`.

/// Compiles and runs the program of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeProgram;
