//! Generated parts of Markdown files, between two comment lines.
//!
//! ```text
//! <!-- generated: NAME -->
//! anything here is replaced
//! <!-- end generated -->
//! ```

use super::ReportError;

const BEGIN: &str = "<!-- generated: ";
const END: &str = "<!-- end generated -->";

/// The text with every block replaced by what `content` gives for its name.
///
/// `place` names the text in errors.
///
/// ```
/// let text = "a\n<!-- generated: t -->\nold\n<!-- end generated -->\nb\n";
/// let new = lab::report::replace_blocks("README.md", text, |name| Some(format!("{name}!")))?;
/// assert_eq!(new, "a\n<!-- generated: t -->\nt!\n<!-- end generated -->\nb\n");
/// # Ok::<(), lab::report::ReportError>(())
/// ```
///
/// # Errors
/// A block without an end, an end without a block, a name that `content` does not know,
/// generated text with a line that begins or ends a block.
pub fn replace_blocks(
    place: &str,
    text: &str,
    mut content: impl FnMut(&str) -> Option<String>,
) -> Result<String, ReportError> {
    let mut new = String::with_capacity(text.len());
    let mut open: Option<(usize, &str)> = None;
    let wrong = |line: usize, reason: String, cure: &str| ReportError::Marker {
        place: format!("{place}:{line}"),
        reason,
        cure: cure.to_owned(),
    };
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let name = line
            .trim()
            .strip_prefix(BEGIN)
            .and_then(|rest| rest.strip_suffix("-->"));
        match (name.map(str::trim), open) {
            (Some(name), Some((begun, _))) => {
                let reason = format!("block {name:?} begins inside the block of line {begun}");
                return Err(wrong(number, reason, "end the first one before it"));
            }
            (Some(name), None) => {
                let Some(generated) = content(name) else {
                    let reason = format!("nothing is known under the name {name:?}");
                    return Err(wrong(
                        number,
                        reason,
                        "correct the name or remove the block",
                    ));
                };
                if let Some(marker) = generated.lines().find(|line| is_marker(line)) {
                    let reason = format!("what is generated for {name:?} has the line {marker:?}");
                    let cure = "change the record that says so";
                    return Err(wrong(number, reason, cure));
                }
                open = Some((number, name));
                new.extend([line, "\n", generated.trim_end(), "\n"]);
            }
            (None, Some(_)) if line.trim() == END => {
                open = None;
                new.extend([line, "\n"]);
            }
            (None, None) if line.trim() == END => {
                return Err(wrong(
                    number,
                    "an end without a block".to_owned(),
                    "remove it",
                ));
            }
            (None, Some(_)) => {}
            (None, None) => new.extend([line, "\n"]),
        }
    }
    match open {
        Some((line, name)) => {
            let cure = format!("add {END:?} after it");
            Err(wrong(line, format!("block {name:?} has no end"), &cure))
        }
        None => Ok(new),
    }
}

fn is_marker(line: &str) -> bool {
    line.trim() == END || line.trim().starts_with(BEGIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors() {
        let text = |text: &str| {
            let known = |name: &str| (name == "t").then(String::new);
            replace_blocks("a.md", text, known).unwrap_err().to_string()
        };
        let (begin, end) = ("<!-- generated: t -->", END);
        assert!(text(begin).starts_with("a.md:1: block \"t\" has no end"));
        assert!(text(end).starts_with("a.md:1: an end without a block"));
        assert!(
            text(&format!("{begin}\n{begin}\n{end}"))
                .starts_with("a.md:2: block \"t\" begins inside")
        );
        assert!(
            text("\n<!-- generated: x -->")
                .contains("a.md:2: nothing is known under the name \"x\"")
        );
    }

    #[test]
    fn generated_text_cannot_end_its_block() {
        let text = format!("{BEGIN}t -->\n{END}\nrest\n");
        for hostile in [END, "a\n  <!-- generated: x -->"] {
            let error = replace_blocks("a.md", &text, |_| Some(hostile.to_owned())).unwrap_err();
            assert!(
                error.to_string().starts_with("a.md:1: what is generated"),
                "{error}"
            );
        }
    }

    #[test]
    fn replacing_twice_changes_nothing() {
        let text = format!("{BEGIN}t -->\n{END}\nrest\n");
        let fill = |_: &str| Some("1\n\n2\n".to_owned());
        let once = replace_blocks("a.md", &text, fill).unwrap();
        assert_eq!(once, format!("{BEGIN}t -->\n1\n\n2\n{END}\nrest\n"));
        assert_eq!(replace_blocks("a.md", &once, fill).unwrap(), once);
    }
}
