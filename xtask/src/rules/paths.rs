//! The paths that a file names: every leaf of a `use`, and every `a::b` in its code.

use super::code::Token;

/// A path as it is written, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NamedPath {
    /// `*` as the last segment of a glob.
    pub(super) segments: Vec<String>,
    pub(super) line: usize,
}

/// All paths of a file, in the order in which they stand.
///
/// Paths that begin with `::` name another crate and are left out.
pub(super) fn paths(tokens: &[Token]) -> Vec<NamedPath> {
    let mut reader = Reader {
        tokens,
        at: 0,
        found: Vec::new(),
    };
    reader.read();
    reader.found
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    found: Vec<NamedPath>,
}

impl Reader<'_> {
    fn read(&mut self) {
        while let Some(token) = self.tokens.get(self.at) {
            match token.text.as_str() {
                "use" => {
                    self.at += 1;
                    self.tree(&[]);
                }
                _ if token.is_name() && !self.continues() => self.inline(),
                _ => self.at += 1,
            }
        }
    }

    fn is(&self, text: &str) -> bool {
        self.tokens.get(self.at).is_some_and(|token| token.is(text))
    }

    /// Whether the token before shows that this name is not the first of a path.
    fn continues(&self) -> bool {
        let before = self.at.checked_sub(1).map(|at| &self.tokens[at]);
        before.is_some_and(|token| token.is("::") || token.is("."))
    }

    /// `a::b::c` in code; a single name is no path.
    fn inline(&mut self) {
        let line = self.tokens[self.at].line;
        let mut segments = vec![self.tokens[self.at].text.clone()];
        self.at += 1;
        while self.is("::") && self.tokens.get(self.at + 1).is_some_and(Token::is_name) {
            segments.push(self.tokens[self.at + 1].text.clone());
            self.at += 2;
        }
        if segments.len() > 1 {
            self.found.push(NamedPath { segments, line });
        }
    }

    /// A tree of a `use`, to its comma, closing brace or semicolon.
    fn tree(&mut self, prefix: &[String]) {
        let mut segments = prefix.to_vec();
        let foreign = prefix.is_empty() && self.is("::");
        while let Some(token) = self.tokens.get(self.at) {
            match token.text.as_str() {
                "{" => {
                    self.at += 1;
                    while !self.is("}") && self.at < self.tokens.len() {
                        self.tree(&segments);
                        if self.is(",") {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    return;
                }
                "::" => self.at += 1,
                "," | "}" | ";" => return,
                _ => {
                    segments.push(token.text.clone());
                    let line = token.line;
                    self.at += 1;
                    if !self.is("::") {
                        self.leaf(segments, line, foreign);
                        return;
                    }
                }
            }
        }
    }

    fn leaf(&mut self, mut segments: Vec<String>, line: usize, foreign: bool) {
        if segments.len() > 1 && segments.last().is_some_and(|last| last == "self") {
            segments.pop();
        }
        if self.is("as") {
            self.at += 2;
        }
        if !foreign {
            self.found.push(NamedPath { segments, line });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::code::Code;

    fn shown(source: &str) -> Vec<String> {
        let code = Code::parse(source).unwrap();
        let show = |path: NamedPath| format!("{}: {}", path.line, path.segments.join("::"));
        paths(&code.tokens).into_iter().map(show).collect()
    }

    #[test]
    fn a_use_names_each_of_its_leaves() {
        let source = "use a;\npub(crate) use super::{b::{self, c as d}, e::*,\n    f};\nuse ::g::h;\nuse i as _;\n";
        let wanted = [
            "1: a",
            "2: super::b",
            "2: super::b::c",
            "2: super::e::*",
            "3: super::f",
            "5: i",
        ];
        assert_eq!(shown(source), wanted);
    }

    #[test]
    fn code_names_paths_too() {
        let source = "fn f(x: crate::a::B) -> ::std::C {\n    let y = x.c::<super::D>();\n    bail!(\"{}\", e::f(y))\n}\n";
        assert_eq!(shown(source), ["1: crate::a::B", "2: super::D", "3: e::f"]);
    }

    #[test]
    fn modules_within_a_file_have_paths_too() {
        let source = "mod a {\n    use super::b;\n    mod c { fn f() { g::h() } }\n}\nuse e;\n";
        assert_eq!(shown(source), ["2: super::b", "3: g::h", "5: e"]);
    }
}
