//! Turns a panic in a foreign decoder into an error.
//!
//! The `parquet` crate checks most of a file, but asserts on some damaged pages.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Whether panics on this thread are expected and need not be printed.
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

static HOOK: Once = Once::new();

/// Runs `work`; a panic in it comes back as its message, and is not printed.
///
/// What `work` has changed must not be used after a panic.
pub(crate) fn contain<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    HOOK.call_once(|| {
        let print = take_hook();
        set_hook(Box::new(move |info| {
            if !QUIET.get() {
                print(info);
            }
        }));
    });
    let before = QUIET.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    QUIET.set(before);
    result.map_err(|payload| message(&*payload))
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or(payload.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
        .replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_become_messages() {
        assert_eq!(contain(|| 3), Ok(3));
        assert_eq!(
            contain(|| assert!([0u8].len() > 1, "too\nshort")),
            Err("too short".to_owned())
        );
        let empty: [usize; 0] = [];
        let message = contain(|| empty[std::hint::black_box(2)]).unwrap_err();
        assert!(message.contains("out of bounds"), "{message}");
    }
}
