//! Rust source with comments and literals blanked out, so that a search for a word finds code only.
//!
//! The masked text has the same length in lines as the source: line numbers stay true.

/// Replaces comments, strings and character literals with spaces; newlines stay.
pub(crate) fn mask(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    while at < chars.len() {
        let end = match chars[at] {
            '/' if chars.get(at + 1) == Some(&'/') => line_end(&chars, at),
            '/' if chars.get(at + 1) == Some(&'*') => block_comment_end(&chars, at),
            '"' => string_end(&chars, at),
            'r' if starts_raw_string(&chars, at) => raw_string_end(&chars, at),
            '\'' => char_end(&chars, at),
            _ => at,
        };
        if end == at {
            out.push(chars[at]);
            at += 1;
        } else {
            out.extend(
                chars[at..end]
                    .iter()
                    .map(|&c| if c == '\n' { '\n' } else { ' ' }),
            );
            at = end;
        }
    }
    out
}

/// Blanks out every item marked `#[cfg(test)]` in text that [`mask`] returned.
pub(crate) fn without_tests(masked: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = String::with_capacity(masked.len());
    let mut rest = masked;
    while let Some(start) = rest.find(MARK) {
        let end = start + MARK.len() + item_len(&rest[start + MARK.len()..]);
        out.push_str(&rest[..start]);
        out.extend(
            rest[start..end]
                .chars()
                .map(|c| if c == '\n' { '\n' } else { ' ' }),
        );
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

/// Length in bytes of the item at the start of `text`: up to its `;` or its closing brace.
fn item_len(text: &str) -> usize {
    let (mut braces, mut brackets) = (0usize, 0usize);
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets = brackets.saturating_sub(1),
            '{' => braces += 1,
            '}' if braces <= 1 && brackets == 0 => return at + 1,
            '}' => braces = braces.saturating_sub(1),
            ';' if braces == 0 && brackets == 0 => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn line_end(chars: &[char], at: usize) -> usize {
    chars[at..]
        .iter()
        .position(|&c| c == '\n')
        .map_or(chars.len(), |n| at + n)
}

/// Block comments nest in Rust.
fn block_comment_end(chars: &[char], mut at: usize) -> usize {
    let mut depth = 0;
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    chars.len()
}

fn string_end(chars: &[char], at: usize) -> usize {
    let mut end = at + 1;
    while end < chars.len() {
        match chars[end] {
            '\\' => end += 2,
            '"' => return end + 1,
            _ => end += 1,
        }
    }
    chars.len()
}

/// `r"`, `r#"`, `br#"`: but neither the `r` that ends a name nor a raw identifier such as `r#type`.
fn starts_raw_string(chars: &[char], at: usize) -> bool {
    let before = match at.checked_sub(1).map(|b| chars[b]) {
        Some('b' | 'c') => at.checked_sub(2).map(|b| chars[b]),
        other => other,
    };
    let hashes = chars[at + 1..].iter().take_while(|&&c| c == '#').count();
    !before.is_some_and(is_word) && chars.get(at + 1 + hashes) == Some(&'"')
}

fn raw_string_end(chars: &[char], at: usize) -> usize {
    let hashes = chars[at + 1..].iter().take_while(|&&c| c == '#').count();
    let mut end = at + 2 + hashes;
    while end < chars.len() {
        let close = chars[end + 1..]
            .iter()
            .take(hashes)
            .filter(|&&c| c == '#')
            .count();
        if chars[end] == '"' && close == hashes {
            return end + 1 + hashes;
        }
        end += 1;
    }
    chars.len()
}

/// A character literal, or `at` itself for a lifetime.
fn char_end(chars: &[char], at: usize) -> usize {
    match (chars.get(at + 1), chars.get(at + 2)) {
        (Some('\\'), _) => {
            let close = chars.iter().skip(at + 3).position(|&c| c == '\'');
            close.map_or(chars.len(), |n| at + 3 + n + 1)
        }
        (Some(_), Some('\'')) => at + 3,
        _ => at,
    }
}

/// Whether `c` can be part of a Rust name.
pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Lines (from 1) of `text` in which `word` stands as a whole name.
pub(crate) fn lines_with(text: &str, word: &str) -> Vec<usize> {
    let holds = |line: &str| {
        line.match_indices(word).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            let after = line[at + word.len()..].chars().next();
            !before.is_some_and(is_word) && !after.is_some_and(is_word)
        })
    };
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| holds(line))
        .map(|(at, _)| at + 1)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_comments_and_literals() {
        let source = "let a = \"unsafe \\\" x\"; // unsafe\n/* a /* b */\nunsafe */ let c = '\"'; let d = b'\\'';\n";
        let masked = mask(source);
        assert!(!masked.contains("unsafe"), "{masked}");
        assert_eq!(masked.lines().count(), source.lines().count());
        assert!(
            masked.contains("let c =") && masked.contains("let d = b"),
            "{masked}"
        );
    }

    #[test]
    fn blanks_raw_strings_but_not_raw_names() {
        let masked = mask("let r#type = br#\"a \"unsafe\" b\"#; var\"x\"; fn f<'a>(x: &'a str) {}");
        assert!(!masked.contains("unsafe"), "{masked}");
        assert!(
            masked.contains("r#type") && masked.contains("fn f<'a>(x: &'a str) {}"),
            "{masked}"
        );
    }

    #[test]
    fn removes_test_items_only() {
        let source = "use a;\n#[cfg(test)]\nmod tests {\n fn f() { Tensor }\n}\n#[cfg(test)]\nmod more;\nfn g() {}\n";
        let product = without_tests(source);
        assert!(
            !product.contains("Tensor") && !product.contains("more"),
            "{product}"
        );
        assert!(
            product.contains("use a;") && product.contains("fn g() {}"),
            "{product}"
        );
        assert_eq!(product.lines().count(), source.lines().count());
    }

    #[test]
    fn finds_whole_names() {
        assert_eq!(
            lines_with("TensorShape\nmy_Tensor\n&Tensor,\nTensor", "Tensor"),
            [3, 4]
        );
        assert_eq!(lines_with("eprintln!(x)\nprintln!(x)", "println!"), [2]);
    }
}
