//! Table 5 and Sec. 4.6: global average pooling against fully connected heads, for mlpconv and for a plain network.
//!
//! Expected: the average is better than both dense heads; in the plain network it is nearly as good as dropout.
//! Beside the paper's rows: the average with dropout, which GoogLeNet's authors found essential,
//! and the epochs until a fixed training error, since the average is said to converge more slowly.

use anyhow::Result;
use lab::report::{Finding, Mark, Relation};
use lab::train::TrainLog;
use nin::{Head, NinConfig};

use super::setup::{CHOICES, CIFAR10, SETUPS};
use crate::experiment::{Experiment, Row};
use crate::planned::Planned;
use crate::session::Session;

/// A network with its head.
#[derive(Clone, Copy)]
enum Network {
    Mlpconv(Head),
    Plain(Head),
}

/// Dropout of the heads.
const HALF: f32 = 0.5;
const DROPOUT: Head = Head::FullyConnectedDropout { p: HALF };
const GAP_DROPOUT: Head = Head::GlobalAvgPoolDropout { p: HALF };

/// Label, network, and the paper's error.
const ROWS: [(&str, Network, Option<f64>); 7] = {
    use Head::{FullyConnected, GlobalAvgPool};
    use Network::{Mlpconv, Plain};
    [
        (
            "mlpconv + fully connected",
            Mlpconv(FullyConnected),
            Some(11.59),
        ),
        (
            "mlpconv + fully connected + dropout",
            Mlpconv(DROPOUT),
            Some(10.88),
        ),
        ("mlpconv + GAP", Mlpconv(GlobalAvgPool), Some(10.41)),
        ("mlpconv + GAP + dropout", Mlpconv(GAP_DROPOUT), None),
        (
            "plain + fully connected",
            Plain(FullyConnected),
            Some(17.56),
        ),
        (
            "plain + fully connected + dropout",
            Plain(DROPOUT),
            Some(15.99),
        ),
        ("plain + GAP", Plain(GlobalAvgPool), Some(16.46)),
    ]
};

/// Training error, in percent, that the speed of training is measured by.
const REACHED: f64 = 30.0;
/// What is measured by it.
const EPOCHS: (&str, &str) = ("epochs until 30 % training error", "");

/// What the paper claims.
const FINDINGS: &[Finding] = &[
    Finding::of_error(
        "Global average pooling is better than fully connected heads with and without \
         dropout.",
        "Table 5",
        Relation::Below(&[
            ("mlpconv + GAP", "mlpconv + fully connected"),
            ("mlpconv + GAP", "mlpconv + fully connected + dropout"),
        ]),
    )
    .remembered(),
    Finding::of_error(
        "In a plain network global average pooling is better than a fully connected \
         head, and worse than one with dropout.",
        "Sec. 4.6",
        Relation::Falls(&[
            "plain + fully connected",
            "plain + GAP",
            "plain + fully connected + dropout",
        ]),
    )
    .remembered(),
];

pub(crate) const TABLE5: Experiment = Experiment::new(
    "nin/table5",
    "global average pooling against fully connected heads",
    CIFAR10,
    rows,
)
.choices(&[CHOICES])
.findings(FINDINGS)
.run(train);

fn rows() -> Vec<Row> {
    let row = |(label, network, error): (&str, Network, Option<f64>)| {
        let row = Row::new(label, move |scale, images| {
            let setup = SETUPS.at(scale);
            Some(match network {
                Network::Plain(head) => setup.plain(head, images),
                Network::Mlpconv(head) => {
                    let paper = NinConfig {
                        head,
                        ..NinConfig::cifar10()
                    };
                    setup.training(paper, images)
                }
            })
        });
        let source = "Table 5 and Sec. 4.6, CIFAR-10";
        let row = match error {
            Some(error) => row.error(error, Mark::FromMemory, source),
            None => row.measured_error(),
        };
        row.measured(EPOCHS)
    };
    ROWS.map(row).into()
}

fn train(session: &mut Session, rows: &[Planned]) -> Result<()> {
    session.train_all(rows)?;
    for row in rows {
        for (seed, log) in session.logs(&row.label) {
            session.measured(row, EPOCHS, seed, reached(&log), None)?;
        }
    }
    Ok(())
}

/// The first epoch whose training error is [`REACHED`]; `None` if there is none.
fn reached(log: &TrainLog) -> Option<f64> {
    let good = |error: Option<f64>| error.is_some_and(|error| error <= REACHED);
    log.epochs
        .iter()
        .find(|epoch| good(epoch.train_error))
        .map(|epoch| epoch.epoch as f64)
}
