//! Tests across the crates of striate; see `tests/`.
