//! Which images of a set were classified wrongly.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

/// Which images of a set were classified wrongly, in the order of the set.
///
/// Two networks that were tested on the same images can be compared image by image,
/// which has less noise than a comparison of their errors.
/// It is written as the number of images and a hexadecimal digit for each four of them, the first in the highest bit.
///
/// ```
/// use lab::train::Mistakes;
/// let mistakes: Mistakes = [true, false, false, true, true].into_iter().collect();
/// assert_eq!((mistakes.images(), mistakes.count()), (5, 3));
/// assert_eq!(String::from(mistakes.clone()), "5:98");
/// assert_eq!(Mistakes::try_from("5:98".to_owned()), Ok(mistakes));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Mistakes(Vec<bool>);

impl Mistakes {
    /// Images that were classified.
    pub fn images(&self) -> usize {
        self.0.len()
    }

    /// Images that were classified wrongly.
    pub fn count(&self) -> usize {
        self.0.iter().filter(|&&wrong| wrong).count()
    }

    /// Whether each image was classified wrongly.
    pub fn iter(&self) -> impl Iterator<Item = bool> {
        self.0.iter().copied()
    }
}

impl FromIterator<bool> for Mistakes {
    fn from_iter<T: IntoIterator<Item = bool>>(wrong: T) -> Self {
        Self(wrong.into_iter().collect())
    }
}

impl Extend<bool> for Mistakes {
    fn extend<T: IntoIterator<Item = bool>>(&mut self, wrong: T) {
        self.0.extend(wrong);
    }
}

impl From<Mistakes> for String {
    fn from(mistakes: Mistakes) -> Self {
        let mut text = format!("{}:", mistakes.images());
        for four in mistakes.0.chunks(4) {
            let bits = four.iter().enumerate();
            let digit: u8 = bits.map(|(at, &wrong)| u8::from(wrong) << (3 - at)).sum();
            // Writing to a string does not fail.
            let _ = write!(text, "{digit:x}");
        }
        text
    }
}

impl TryFrom<String> for Mistakes {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wanted = "wanted a number of images, a colon and a hexadecimal digit for each four of them, such as 5:98";
        let short: String = text.chars().take(24).collect();
        let refused = || format!("the mistakes {short:?} cannot be read; {wanted}");
        let (images, digits) = text.split_once(':').ok_or_else(refused)?;
        let images: usize = images.parse().map_err(|_| refused())?;
        if digits.len() != images.div_ceil(4) {
            return Err(refused());
        }
        let mut wrong = Vec::with_capacity(images);
        for digit in digits.chars() {
            let digit = digit.to_digit(16).ok_or_else(refused)?;
            for bit in (0..4).rev().map(|at| digit >> at & 1 == 1) {
                match wrong.len() < images {
                    true => wrong.push(bit),
                    false if bit => return Err(refused()),
                    false => {}
                }
            }
        }
        Ok(Self(wrong))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_is_read_as_it_was_written() {
        for images in 0..20 {
            let mistakes: Mistakes = (0..images).map(|at| at * at % 3 == 1).collect();
            let json = serde_json::to_string(&mistakes).unwrap();
            assert_eq!(serde_json::from_str::<Mistakes>(&json).unwrap(), mistakes);
        }
    }

    #[test]
    fn what_is_no_list_of_mistakes_is_refused() {
        let texts = [
            "",
            "5",
            "5:",
            "5:9",
            "5:988",
            "5:9g",
            "5:99",
            "-1:",
            "x:98",
            "5:9é",
            "18446744073709551615:0",
        ];
        for text in texts {
            let error = Mistakes::try_from(text.to_owned()).unwrap_err();
            assert!(error.contains("such as 5:98"), "{text}: {error}");
        }
    }
}
