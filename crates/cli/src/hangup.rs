//! What a closed terminal does to this process.

/// Whether this process was started so that a closed terminal does not end it, as `nohup` does.
///
/// Read from the mask of ignored signals in `/proc/self/status`; `false` on systems without that file.
pub fn hangup_is_ignored() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| ignores_hangup(&status))
}

/// Whether bit 0, which stands for signal 1, is set in the line `SigIgn`.
fn ignores_hangup(status: &str) -> bool {
    let mut lines = status.lines();
    let mask = lines.find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bit_is_the_hangup() {
        let status = |mask| format!("Name:\tcat\nSigBlk:\t0000000000000001\nSigIgn:\t{mask}\n");
        assert!(ignores_hangup(&status("0000000000001001")));
        assert!(!ignores_hangup(&status("0000000000001000")));
        assert!(!ignores_hangup("") && !ignores_hangup(&status("no number")));
    }
}
