//! Fig. 3: training and test error over the epochs, without and with dropout.
//!
//! Expected: without dropout the training error falls to nothing while the test error stays high.

use anyhow::Result;
use lab::report::Plot;

use super::setup::{CHOICES, CIFAR10};
use super::table1;
use crate::experiment::{Experiment, Row};
use crate::planned::Planned;
use crate::session::Session;

pub(crate) const FIG3: Experiment = Experiment::new(
    "nin/fig3",
    "error over the epochs, without and with dropout",
    CIFAR10,
    rows,
)
.choices(&[CHOICES])
.run(draw);

fn rows() -> Vec<Row> {
    let rows = [table1::without_dropout(), table1::with_dropout()];
    rows.map(Row::measured_error).into()
}

fn draw(session: &mut Session, rows: &[Planned]) -> Result<()> {
    let mut plot = Plot::new("error without and with dropout", "epoch", "error, %");
    let mut drawn = false;
    for row in rows {
        session.train(row)?;
        if let Some((_, log)) = session.logs(&row.label).first() {
            drawn = true;
            let training = log.curve(|epoch| epoch.train_error);
            plot = plot
                .line(format!("{}, training", row.label), training)
                .line(format!("{}, test", row.label), log.test_curve());
        }
    }
    match drawn {
        true => session.figure("errors", &plot.draw()?),
        false => Ok(()),
    }
}
