//! The paths that a file names: every leaf of a `use`, and every `a::b` in its code.

use super::code::Token;

/// A path as it is written, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NamedPath {
    /// `*` as the last segment of a glob.
    pub(super) segments: Vec<String>,
    pub(super) line: usize,
    /// For the leaf of a `use`: the name that it brings in (`_` brings in none).
    pub(super) import: Option<String>,
    /// The modules within the file in which it stands, outermost first.
    pub(super) within: Vec<String>,
}

/// All paths of a file, in the order in which they stand.
///
/// Paths that begin with `::` name another crate and are left out.
pub(super) fn paths(tokens: &[Token]) -> Vec<NamedPath> {
    let mut reader = Reader {
        tokens,
        at: 0,
        within: Vec::new(),
        found: Vec::new(),
    };
    reader.read();
    reader.found
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    /// Open modules, and how many braces are open within each.
    within: Vec<(String, usize)>,
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
                "mod" if self.is(2, "{") => {
                    self.within.push((self.tokens[self.at + 1].text.clone(), 0));
                    self.at += 2;
                }
                _ if token.is_name() && !self.continues() => self.inline(),
                text => {
                    self.brace(text.to_owned());
                    self.at += 1;
                }
            }
        }
    }

    /// Keeps count of braces, which end the modules within the file.
    fn brace(&mut self, text: String) {
        let Some((_, open)) = self.within.last_mut() else {
            return;
        };
        match text.as_str() {
            "{" => *open += 1,
            "}" if *open <= 1 => drop(self.within.pop()),
            "}" => *open -= 1,
            _ => {}
        }
    }

    fn is(&self, ahead: usize, text: &str) -> bool {
        self.tokens
            .get(self.at + ahead)
            .is_some_and(|token| token.is(text))
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
        while self.is(0, "::") && self.tokens.get(self.at + 1).is_some_and(Token::is_name) {
            segments.push(self.tokens[self.at + 1].text.clone());
            self.at += 2;
        }
        if segments.len() > 1 {
            self.push(segments, line, None);
        }
    }

    /// A tree of a `use`, to its comma, closing brace or semicolon.
    fn tree(&mut self, prefix: &[String]) {
        let mut segments = prefix.to_vec();
        let foreign = prefix.is_empty() && self.is(0, "::");
        while let Some(token) = self.tokens.get(self.at) {
            match token.text.as_str() {
                "{" => {
                    self.at += 1;
                    while !self.is(0, "}") && self.at < self.tokens.len() {
                        self.tree(&segments);
                        if self.is(0, ",") {
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
                    if !self.is(0, "::") {
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
        let mut name = segments.last().cloned();
        if self.is(0, "as") {
            name = self.tokens.get(self.at + 1).map(|token| token.text.clone());
            self.at += 2;
        }
        if !foreign {
            self.push(segments, line, name);
        }
    }

    fn push(&mut self, segments: Vec<String>, line: usize, import: Option<String>) {
        let within = self.within.iter().map(|(name, _)| name.clone()).collect();
        self.found.push(NamedPath {
            segments,
            line,
            import,
            within,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::code::Code;

    fn shown(source: &str) -> Vec<String> {
        let code = Code::parse(source).unwrap();
        let show = |path: NamedPath| {
            let within: String = path.within.iter().map(|name| format!("{name}/")).collect();
            let import = path
                .import
                .map_or(String::new(), |name| format!(" as {name}"));
            format!(
                "{}: {within}{}{import}",
                path.line,
                path.segments.join("::")
            )
        };
        paths(&code.tokens).into_iter().map(show).collect()
    }

    #[test]
    fn a_use_names_each_of_its_leaves() {
        let source = "use a;\npub(crate) use super::{b::{self, c as d}, e::*,\n    f};\nuse ::g::h;\nuse i as _;\n";
        let wanted = [
            "1: a as a",
            "2: super::b as b",
            "2: super::b::c as d",
            "2: super::e::* as *",
            "3: super::f as f",
            "5: i as _",
        ];
        assert_eq!(shown(source), wanted);
    }

    #[test]
    fn code_names_paths_too() {
        let source = "fn f(x: crate::a::B) -> ::std::C {\n    let y = x.c::<super::D>();\n    bail!(\"{}\", e::f(y))\n}\n";
        assert_eq!(shown(source), ["1: crate::a::B", "2: super::D", "3: e::f"]);
    }

    #[test]
    fn modules_within_a_file_are_told() {
        let source =
            "mod a {\n    use super::b;\n    mod c { fn f() { g::h() } }\n    use d;\n}\nuse e;\n";
        assert_eq!(
            shown(source),
            [
                "2: a/super::b as b",
                "3: a/c/g::h",
                "4: a/d as d",
                "6: e as e"
            ]
        );
    }
}
