//! Labels as shards store them.

use crate::data::DataError;

/// Labels that no description names must be below this: they are counted and given a name each.
pub(super) const MAX_CLASSES: usize = 1 << 16;

/// A label that is below the number of classes.
pub(super) fn check_label(
    label: i64,
    classes: usize,
    place: impl FnOnce() -> String,
) -> Result<u32, DataError> {
    match u32::try_from(label) {
        Ok(label) if (label as usize) < classes => Ok(label),
        _ => Err(DataError::content(
            place(),
            format!("a label from 0 to {}", classes - 1),
            format!("label {label}"),
            "use a split whose labels are public",
        )),
    }
}
