//! One self-contained page: tables, notes and figures, without any other file.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment};
use serde::Serialize;

use super::{ReportError, Table};

/// A part of the page, about one experiment.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// The heading.
    pub title: String,
    /// The tables.
    pub tables: Vec<Table>,
    /// What a reader must know, one sentence each.
    pub notes: Vec<String>,
    /// Caption and content of a PNG file, each.
    pub figures: Vec<(String, Vec<u8>)>,
}

#[derive(Serialize)]
struct TableView<'a> {
    columns: Vec<(&'a str, bool)>,
    rows: &'a [Vec<String>],
}

#[derive(Serialize)]
struct FigureView<'a> {
    caption: &'a str,
    png: String,
}

#[derive(Serialize)]
struct SectionView<'a> {
    title: &'a str,
    tables: Vec<TableView<'a>>,
    notes: &'a [String],
    figures: Vec<FigureView<'a>>,
}

#[derive(Serialize)]
struct PageView<'a> {
    title: &'a str,
    sections: Vec<SectionView<'a>>,
}

/// The page as HTML; all text is escaped.
///
/// ```
/// use lab::report::{Section, page};
/// let section = Section { title: "a < b".into(), ..Default::default() };
/// assert!(page("Results", &[section])?.contains("<h2>a &lt; b</h2>"));
/// # Ok::<(), lab::report::ReportError>(())
/// ```
///
/// # Errors
/// A template that fails; that would be a bug.
pub fn page(title: &str, sections: &[Section]) -> Result<String, ReportError> {
    let sections = sections.iter().map(view).collect();
    let content = Serde(PageView { title, sections });
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    let rendered = environment.render_str(include_str!("page.html"), content);
    rendered.map_err(|error| ReportError::Template(error.to_string()))
}

fn view(section: &Section) -> SectionView<'_> {
    SectionView {
        title: &section.title,
        tables: section.tables.iter().map(table_view).collect(),
        notes: &section.notes,
        figures: section.figures.iter().map(figure_view).collect(),
    }
}

fn table_view(table: &Table) -> TableView<'_> {
    TableView {
        columns: table.columns().collect(),
        rows: table.rows(),
    }
}

fn figure_view((caption, png): &(String, Vec<u8>)) -> FigureView<'_> {
    FigureView {
        caption,
        png: BASE64_STANDARD.encode(png),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Align;

    #[test]
    fn everything_is_inside() {
        let mut table = Table::new([("model", Align::Left), ("error", Align::Right)]);
        table.row(["<A>".to_owned(), "9.08".to_owned()]);
        let section = Section {
            title: "Table 3".to_owned(),
            tables: vec![table],
            notes: vec!["A note & more.".to_owned()],
            figures: vec![("curves".to_owned(), b"png".to_vec())],
        };
        let html = page("Results", &[section]).unwrap();
        for wanted in [
            "<td>&lt;A&gt;</td><td class=\"number\">9.08</td>",
            "A note &amp; more.",
            "data:image/png;base64,cG5n",
            "href=\"#s1\"",
        ] {
            assert!(html.contains(wanted), "no {wanted} in {html}");
        }
        assert!(
            !html.contains("http"),
            "the page needs nothing from outside"
        );
    }
}
