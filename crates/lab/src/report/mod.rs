//! Reports: what papers claim, what was measured, and tables, figures and pages made of both.

mod block;
mod claim;
mod comparison;
mod environment;
mod error;
mod figure;
mod files;
mod finding;
mod history;
mod legend;
mod markdown;
mod number;
mod page;
mod record;
mod scale;
mod table;
mod terminal;
mod verdict;

pub use block::replace_blocks;
pub use claim::{Claim, Mark};
pub use comparison::{Comparison, STANDARD_ERRORS};
pub use environment::Environment;
pub use error::ReportError;
pub use figure::{Animation, ImageGrid, Picture, Plot, Series, Style};
pub use files::regular_files;
pub use finding::{Finding, Relation};
pub use history::{History, LastStep, RunState};
pub use legend::legend;
pub use markdown::escaped;
pub use number::grouped;
pub use page::{Figure, Page, Section};
pub use record::{Record, merge, read_records, write_records};
pub use scale::Scale;
pub use table::{Align, Table};
pub use terminal::{Judged, Terminal, verdict_lines};
pub use verdict::{Judgement, Verdict};
