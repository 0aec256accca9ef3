//! Gradient checks, tolerances and fixture readers for tests of this crate and of crates built on it.
