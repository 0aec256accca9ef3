//! The environment in which programs that train are started; docs/performance.md gives the measurements.

use std::process::Command;

/// Variables and their values.
pub(crate) const VARIABLES: [(&str, &str); 2] = [
    // The allocator keeps the maps of a step for the next one.
    ("MIMALLOC_PURGE_DELAY", "-1"),
    // Candle's own threads sleep between its ops, instead of keeping a core busy that the kernels need.
    ("CANDLE_BARRIER_POOL_SPIN_LIMIT", "0"),
];

/// Gives `command` those variables that the user has not set.
pub(crate) fn set(command: &mut Command) {
    for (name, value) in VARIABLES {
        if std::env::var_os(name).is_none() {
            command.env(name, value);
        }
    }
}
