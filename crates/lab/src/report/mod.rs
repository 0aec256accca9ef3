//! Reports: what papers claim, what was measured, and tables, figures and pages made of both.

mod block;
mod claim;
mod environment;
mod error;
mod figure;
mod page;
mod record;
mod scale;
mod table;

pub use block::replace_blocks;
pub use claim::{Claim, Mark};
pub use environment::Environment;
pub use error::ReportError;
pub use figure::{Animation, ImageGrid, Picture, Plot, Series, Style};
pub use page::{Section, page};
pub use record::{Record, merge, read_records, write_records};
pub use scale::Scale;
pub use table::{Align, Table, grouped, legend};
