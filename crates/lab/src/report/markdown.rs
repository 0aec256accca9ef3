//! Text and paths from records in Markdown, which shows them and obeys nothing in them.

/// Text that stays text in Markdown, on one line: tags, links, code, emphasis and table cells are escaped.
///
/// ```
/// assert_eq!(lab::report::escaped("a|b <img>"), r"a\|b &lt;img&gt;");
/// ```
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '[' | ']' | '|' => out.extend(['\\', c]),
            // Within a word an underscore means nothing.
            '_' if before.is_alphanumeric() && rest.peek().is_some_and(|c| c.is_alphanumeric()) => {
                out.push(c);
            }
            '_' => out.push_str("\\_"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
        before = c;
    }
    out
}

/// A path as an address in a link: every byte that could mean something else is written `%XX`.
///
/// ```
/// assert_eq!(lab::report::address("a b/(1).png"), "a%20b/%281%29.png");
/// ```
pub fn address(path: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    path.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_obeyed() {
        let cases = [
            ("<!-- end generated -->", "&lt;!-- end generated --&gt;"),
            ("![x](file:///etc/passwd)", "!\\[x\\](file:///etc/passwd)"),
            ("a\nb", "a b"),
            ("test_error _x_ **b**", "test_error \\_x\\_ \\*\\*b\\*\\*"),
            ("R^2, 5 %, 11.59~", "R^2, 5 %, 11.59~"),
        ];
        for (text, wanted) in cases {
            assert_eq!(escaped(text), wanted);
        }
    }
}
