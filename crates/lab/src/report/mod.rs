//! Reports: what papers claim, what was measured, and tables, figures and pages made of both.

mod claim;
mod environment;
mod error;
mod record;
mod scale;

pub use claim::{Claim, Mark};
pub use environment::Environment;
pub use error::ReportError;
pub use record::{Record, merge, read_records, write_records};
pub use scale::Scale;
