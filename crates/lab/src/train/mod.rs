//! Training: a [`Recipe`], the loop [`fit`], and a [`Run`] that keeps what happened.
//!
//! One seed gives the same bits for any number of threads, and a resumed run the bits of a straight one.

mod checkpoint;
mod console;
mod dead_start;
mod error;
mod evaluate;
mod events;
mod fit;
mod group;
mod identity;
mod lock;
mod log;
mod mistakes;
mod objective;
mod optim;
mod plateau;
mod recipe;
mod run;
mod schedule;
mod stop;
mod stopwatch;
mod store;

pub use console::{Console, Overall, Progress, Task, duration};
pub use error::TrainError;
pub(crate) use error::io_cure;
pub use evaluate::{Evaluation, evaluate};
pub use events::EventWriter;
pub use fit::{fit, fit_objective};
pub use group::ParamGroup;
pub use identity::{Identity, sha256};
pub use lock::{Holder, RunLock};
pub use log::{EpochLog, Outcome, TrainLog};
pub use mistakes::Mistakes;
pub use objective::{Classifier, Loss, Objective};
pub use optim::{Adam, AdamConfig, AdamDecay, Optimizer, OptimizerConfig, Sgd, SgdConfig};
pub use plateau::Plateau;
pub use recipe::{DeadStart, Recipe};
pub use run::{Run, Start};
pub use schedule::{Decay, LrSchedule};
pub use stop::StopFlag;
pub use store::{Asked, RunId, RunResult, RunStore};

#[cfg(test)]
mod tests;
