//! Rust source as a list of tokens: without comments, and without the items that only tests see.

use anyhow::{Result, anyhow};
use proc_macro2::{Delimiter, Spacing, Span, TokenStream, TokenTree};

/// A token, and the lines on which it stands, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) text: String,
    pub(super) line: usize,
    /// Another than `line` for a string of several lines.
    pub(super) last_line: usize,
}

impl Token {
    pub(super) fn is(&self, text: &str) -> bool {
        self.text == text
    }

    /// Whether it can be a part of a path.
    pub(super) fn is_name(&self) -> bool {
        self.text
            .starts_with(|c: char| c.is_alphabetic() || c == '_')
    }
}

/// The code of a file.
#[derive(Debug)]
pub(super) struct Code {
    /// What is compiled when no test is.
    pub(super) tokens: Vec<Token>,
    /// Names of the modules that are declared for tests only.
    pub(super) test_modules: Vec<String>,
}

impl Code {
    /// # Errors
    /// If the text is not made of Rust's tokens.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let stream: TokenStream = text.parse().map_err(|e| anyhow!("not Rust: {e}"))?;
        let mut all = Vec::new();
        flatten(stream, &mut all);
        let mut code = Self {
            tokens: Vec::new(),
            test_modules: Vec::new(),
        };
        let mut rest = &all[..];
        while let Some((token, tail)) = rest.split_first() {
            let (inner, attribute) = attribute(rest);
            if is_doc(attribute) {
                rest = &rest[attribute.len()..];
            } else if is_for_tests(attribute) && inner {
                // The file as a whole.
                code.tokens.clear();
                break;
            } else if is_for_tests(attribute) {
                let item = &rest[attribute.len()..];
                let item = &item[..item_len(item)];
                code.test_modules.extend(module_elsewhere(item));
                rest = &rest[attribute.len() + item.len()..];
            } else {
                code.tokens.push(token.clone());
                rest = tail;
            }
        }
        Ok(code)
    }

    /// Number of lines that hold code.
    pub(super) fn lines(&self) -> usize {
        let (mut count, mut last) = (0, 0);
        for token in &self.tokens {
            let first = token.line.max(last + 1);
            count += (token.last_line + 1).saturating_sub(first);
            last = last.max(token.last_line);
        }
        count
    }
}

fn flatten(stream: TokenStream, out: &mut Vec<Token>) {
    let token = |text: &str, span: Span| Token {
        text: text.to_owned(),
        line: span.start().line,
        last_line: span.end().line,
    };
    let mut trees = stream.into_iter();
    while let Some(tree) = trees.next() {
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket | Delimiter::None => ("[", "]"),
                };
                out.push(token(open, group.span_open()));
                flatten(group.stream(), out);
                out.push(token(close, group.span_close()));
            }
            TokenTree::Punct(punct)
                if punct.as_char() == ':' && punct.spacing() == Spacing::Joint =>
            {
                out.push(token("::", punct.span()));
                // The second colon.
                trees.next();
            }
            other => out.push(token(&other.to_string(), other.span())),
        }
    }
}

/// The attribute at the start of `tokens`, and whether it is an inner one (`#![..]`); empty if there is none.
fn attribute(tokens: &[Token]) -> (bool, &[Token]) {
    let inner = tokens.get(1).is_some_and(|token| token.is("!"));
    let open = 1 + usize::from(inner);
    match (tokens.first(), tokens.get(open)) {
        (Some(hash), Some(bracket)) if hash.is("#") && bracket.is("[") => {
            (inner, &tokens[..open + group_len(&tokens[open..])])
        }
        _ => (false, &[]),
    }
}

/// The tokens between the brackets of an attribute, and whether they start like `start`.
fn starts(attribute: &[Token], start: &[&str]) -> bool {
    let Some(open) = attribute.iter().position(|token| token.is("[")) else {
        return false;
    };
    let tokens = &attribute[open + 1..];
    tokens.len() >= start.len() && tokens.iter().zip(start).all(|(token, text)| token.is(text))
}

/// A documentation comment, which is an attribute for the compiler.
fn is_doc(attribute: &[Token]) -> bool {
    let literal = attribute.iter().rev().nth(1);
    starts(attribute, &["doc", "="])
        && literal.is_some_and(|token| token.text.ends_with(['"', '#']))
}

fn is_for_tests(attribute: &[Token]) -> bool {
    starts(attribute, &["cfg", "(", "test", ")"])
        || starts(attribute, &["cfg", "(", "all", "(", "test"])
}

/// Number of tokens from an opening bracket to the one that closes it.
fn group_len(tokens: &[Token]) -> usize {
    let mut depth = 0usize;
    for (at, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" if depth <= 1 => return at + 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
    }
    tokens.len()
}

/// Number of tokens of the item at the start of `tokens`: to its semicolon, or to its closing brace.
fn item_len(tokens: &[Token]) -> usize {
    let mut at = 0;
    // These end with a semicolon even if they have braces.
    let mut braces_end = true;
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            "use" | "static" | "type" | "let" => braces_end = false,
            "const" => braces_end = tokens.get(at + 1).is_some_and(|next| next.is("fn")),
            ";" => return at + 1,
            ")" | "]" | "}" => return at,
            "(" | "[" => at += group_len(&tokens[at..]) - 1,
            "{" => {
                at += group_len(&tokens[at..]) - 1;
                if braces_end {
                    return at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    tokens.len()
}

/// The name in `mod name;`.
fn module_elsewhere(item: &[Token]) -> Option<String> {
    let at = item.iter().position(|token| token.is("mod"))?;
    let end = item.get(at + 2)?;
    end.is(";").then(|| item[at + 1].text.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> String {
        let tokens = Code::parse(source).unwrap().tokens;
        let texts: Vec<String> = tokens.into_iter().map(|token| token.text).collect();
        texts.join(" ")
    }

    #[test]
    fn comments_are_no_code() {
        let source = "//! Module.\n/* a /* b */ */ let a = \"// no comment\"; // c\n/** Doc */ fn f<'a>() -> a::b {}\n";
        assert_eq!(
            texts(source),
            "let a = \"// no comment\" ; fn f < ' a > ( ) - > a :: b { }"
        );
    }

    #[test]
    fn items_for_tests_are_no_code() {
        let source = "use a;\n#[cfg(test)]\n#[path = \"m.rs\"]\nmod more;\n#[cfg(test)]\nuse b::{c, d};\n\
                      #[cfg(test)]\npub(crate) const fn f(a: [u8; 3]) -> u8 { { 1 } }\n#[cfg(not(test))]\nfn g() {}\n\
                      #[cfg(all(test, unix))]\nmod tests { fn h() {} }\n#[cfg(test)]\nconst C: T = T { a };\n";
        assert_eq!(
            texts(source),
            "use a ; # [ cfg ( not ( test ) ) ] fn g ( ) { }"
        );
        assert_eq!(Code::parse(source).unwrap().test_modules, ["more"]);
        assert_eq!(texts("//! a\n#![cfg(test)]\nuse a;\n"), "");
    }

    #[test]
    fn lines_of_code_are_counted_once() {
        let source =
            "//! Doc.\n\nfn f() {\n    // comment\n    g(\"a\n\n b\");\n}\n/// Doc\nstruct S;\n";
        assert_eq!(Code::parse(source).unwrap().lines(), 6);
        assert_eq!(Code::parse("").unwrap().lines(), 0);
    }

    #[test]
    fn what_is_not_rust_is_an_error() {
        assert!(Code::parse("fn f( {").is_err());
    }
}
