//! Numbers as text.

/// A number with as many decimals as say something.
pub(super) fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 1000.0 => format!("{value:.0}"),
        // What rounds to 0.10 is written so.
        size if size >= 0.0995 || size == 0.0 => format!("{value:.2}"),
        _ => format!("{value:.2e}"),
    }
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
            [0.0, 0.012, 0.0999999, 12.345, 1234.5].map(number),
            ["0.00", "1.20e-2", "0.10", "12.35", "1234"]
        );
        assert_eq!(
            [7, 999, 1000, 1_369_738].map(grouped),
            ["7", "999", "1,000", "1,369,738"]
        );
    }
}
