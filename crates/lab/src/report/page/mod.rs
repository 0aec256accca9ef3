//! One self-contained page of all results, made from data: it asks for nothing but itself.
//!
//! The data are JSON inside the page, and its scripts show them as text only.
//! The policy in its head lets no script run but its own, by their hashes.

mod asset;
mod figure;
mod view;

use super::{Claim, History, Judged, Record, ReportError, Scale};

pub use figure::Figure;
pub(super) use view::{RunView, to_json};

/// Everything that the page shows.
///
/// ```
/// use lab::report::{Page, Section};
/// let section = Section { id: "nin/table1".into(), title: "</script>".into(), ..Default::default() };
/// let page = Page { title: "Results".into(), sections: vec![section], ..Default::default() };
/// let html = page.to_html()?;
/// assert!(html.contains(r"\u003c/script\u003e"));
/// # Ok::<(), lab::report::ReportError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The heading.
    pub title: String,
    /// What made the page and when, such as `striate 0.1.0, 2026-01-31`.
    pub made_by: String,
    /// The experiments, in the order of the papers.
    pub sections: Vec<Section>,
}

/// A part of the page: an experiment at one scale.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// The experiment, `paper/item`.
    pub id: String,
    /// The paper's title.
    pub paper: String,
    /// One line on what it shows.
    pub title: String,
    /// The scale; `None` for an experiment that was not run.
    pub scale: Option<Scale>,
    /// The paper's numbers.
    pub claims: Vec<Claim>,
    /// What the paper claims, and what was seen.
    pub judged: Vec<Judged>,
    /// What was measured.
    pub records: Vec<Record>,
    /// What else a reader must know, one sentence each.
    pub notes: Vec<String>,
    /// The runs, for their learning curves and settings.
    pub runs: Vec<History>,
    /// The pictures.
    pub figures: Vec<Figure>,
}

/// Where the page gets its pictures from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pictures {
    /// From itself.
    Embedded,
    /// From the server that it came from.
    Served,
}

impl Page {
    /// The page as one HTML file that needs no other.
    ///
    /// Pictures beyond [`Page::EMBEDDED`] bytes in all are named instead of shown.
    ///
    /// # Errors
    /// Data that cannot be written as JSON; that would be a bug.
    pub fn to_html(&self) -> Result<String, ReportError> {
        asset::html(&view::json(self, Pictures::Embedded)?, false)
    }

    /// The same for a server: it asks its server for pictures and for news.
    ///
    /// # Errors
    /// Those of [`Page::to_html`].
    pub(super) fn to_served_html(&self) -> Result<String, ReportError> {
        asset::html(&self.to_json()?, true)
    }

    /// The data alone, for a page that came from a server.
    ///
    /// # Errors
    /// Those of [`Page::to_html`].
    pub(super) fn to_json(&self) -> Result<String, ReportError> {
        view::json(self, Pictures::Served)
    }

    /// Pictures inside the page take at most this many bytes.
    pub const EMBEDDED: usize = 6 << 20;
}
