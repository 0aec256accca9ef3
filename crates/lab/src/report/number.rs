//! Numbers as text.

/// A number with as many decimals as say something.
pub(super) fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 1000.0 => format!("{value:.0}"),
        // What rounds to 0.10 is written so.
        size if size >= 0.0995 || size == 0.0 => format!("{value:.2}"),
        size if size >= 0.00995 => format!("{value:.4}"),
        size if size >= 0.000995 => format!("{value:.5}"),
        size if size >= 0.0000995 => format!("{value:.6}"),
        _ => format!("{value:.2e}"),
    }
}

/// A number and the spread around it, with as many decimals where that leaves something of the spread.
pub(super) fn with_spread(value: f64, spread: f64) -> String {
    let spread = match value.abs() >= 0.0995 && (0.005..1000.0).contains(&spread) {
        true => format!("{spread:.2}"),
        false => number(spread),
    };
    format!("{} ± {spread}", number(value))
}

/// 1369738 as 1,369,738.
pub fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(
            [
                0.0, 0.00004, 0.00042, 0.00123, 0.012, 0.0999999, 12.345, 1234.5
            ]
            .map(number),
            [
                "0.00", "4.00e-5", "0.000420", "0.00123", "0.0120", "0.10", "12.35", "1234"
            ]
        );
        assert_eq!(
            [(2.11, 0.0896), (2.11, 0.002), (0.012, 0.0012), (0.5, 0.0)]
                .map(|(value, spread)| with_spread(value, spread)),
            [
                "2.11 ± 0.09",
                "2.11 ± 0.00200",
                "0.0120 ± 0.00120",
                "0.50 ± 0.00"
            ]
        );
        assert_eq!(
            [7, 999, 1000, 1_369_738].map(grouped),
            ["7", "999", "1,000", "1,369,738"]
        );
    }
}
