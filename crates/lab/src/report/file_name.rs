//! Labels as names of folders.

/// A label as the name of a folder or file: letters, digits, `.`, `+` and single hyphens.
///
/// ```
/// use lab::report::file_name;
/// assert_eq!(file_name("All-CNN-C, flip and translation"), "All-CNN-C-flip-and-translation");
/// ```
pub fn file_name(label: &str) -> String {
    let part = |c: char| {
        if c.is_ascii_alphanumeric() || "-.+".contains(c) {
            c
        } else {
            '-'
        }
    };
    let name: String = label.chars().map(part).collect();
    let parts: Vec<&str> = name.split('-').filter(|part| !part.is_empty()).collect();
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_become_names() {
        assert_eq!(
            file_name("All-CNN-C, flip and translation"),
            "All-CNN-C-flip-and-translation"
        );
        assert_eq!(file_name("NIN + dropout (100 %)"), "NIN-+-dropout-100");
        assert_eq!(file_name("../x"), "..-x");
    }
}
