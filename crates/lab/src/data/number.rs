//! Numbers of one to five digits as classes, so that one label holds a whole house number.

/// Digits of the longest number.
pub const NUMBER_DIGITS: usize = 5;
/// What [`number_digits`] puts after the last digit: the class for "no digit".
pub const NO_DIGIT: u32 = 10;
/// How many numbers of one to five digits there are, leading zeros included.
pub const NUMBER_CLASSES: usize = 111_110;

/// The label of a number: shorter numbers first, numbers of one length by value.
///
/// `None` unless there are one to five digits from 0 to 9. Leading zeros count: `7` and `07` differ.
/// Source: STN, section 4.2, reads numbers of one to five digits; one label for all of them is a choice of this project.
///
/// ```
/// use lab::data::{number_digits, number_label};
/// assert_eq!(number_label(&[7]), Some(7));
/// assert_eq!(number_label(&[0, 7]), Some(17));
/// assert_eq!(number_digits(17), Some([0, 7, 10, 10, 10]));
/// assert_eq!(number_label(&[1, 2, 3, 4, 5, 6]), None);
/// ```
pub fn number_label(digits: &[u32]) -> Option<u32> {
    let fits = (1..=NUMBER_DIGITS).contains(&digits.len()) && digits.iter().all(|&d| d < 10);
    let value = |value: u32, digit: &u32| 10 * value + digit;
    fits.then(|| shorter(digits.len()) + digits.iter().fold(0, value))
}

/// The digits of a label, filled up with [`NO_DIGIT`]; `None` if no number has it.
pub fn number_digits(label: u32) -> Option<[u32; NUMBER_DIGITS]> {
    let length = (1..=NUMBER_DIGITS).find(|&length| label < shorter(length + 1))?;
    let mut rest = label - shorter(length);
    let mut digits = [NO_DIGIT; NUMBER_DIGITS];
    for digit in digits.iter_mut().take(length).rev() {
        *digit = rest % 10;
        rest /= 10;
    }
    Some(digits)
}

/// How many numbers have fewer digits.
fn shorter(length: usize) -> u32 {
    (1..length as u32).map(|digits| 10u32.pow(digits)).sum()
}

/// The class names: every number as text.
pub(super) fn number_names() -> Vec<String> {
    let of_length =
        |length: usize| (0..10u32.pow(length as u32)).map(move |value| format!("{value:0length$}"));
    (1..=NUMBER_DIGITS).flat_map(of_length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_is_the_number_of_its_name() {
        let names = number_names();
        assert_eq!(names.len(), NUMBER_CLASSES);
        for (label, name) in (0..).zip(&names) {
            let digits: Vec<u32> = name.chars().filter_map(|c| c.to_digit(10)).collect();
            assert_eq!(number_label(&digits), Some(label), "{name}");
            let mut padded = [NO_DIGIT; NUMBER_DIGITS];
            padded[..digits.len()].copy_from_slice(&digits);
            assert_eq!(number_digits(label), Some(padded), "{name}");
        }
        assert_eq!(number_digits(NUMBER_CLASSES as u32), None);
        assert_eq!(number_digits(u32::MAX), None);
        assert_eq!(number_label(&[]), None);
        assert_eq!(number_label(&[3, 10]), None);
    }
}
