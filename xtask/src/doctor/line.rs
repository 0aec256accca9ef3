//! A line of what `cargo xtask doctor` says.

/// What is printed, and whether it is fine.
pub(super) struct Line {
    pub(super) label: &'static str,
    pub(super) text: String,
    pub(super) fine: bool,
}

impl Line {
    pub(super) fn fine(label: &'static str, text: impl Into<String>) -> Self {
        Self {
            label,
            text: text.into(),
            fine: true,
        }
    }

    pub(super) fn wrong(label: &'static str, text: impl Into<String>) -> Self {
        Self {
            label,
            text: text.into(),
            fine: false,
        }
    }
}
