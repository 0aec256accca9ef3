//! Fig. 3: training and test error over the epochs, without and with dropout.
//!
//! Command: `cargo xtask reproduce nin/fig3`
//! Expected: without dropout the training error falls to nothing while the test error stays high.
//! Cost: that of two rows of Table 1, whose runs it shares.
//! Deviations: `recipe.rs`.

use anyhow::Result;
use lab::data::Dataset;
use lab::report::{Claim, Plot, Scale};

use super::{recipe, table1};
use crate::experiment::{Experiment, Images};
use crate::laboratory::Laboratory;
use crate::training::Training;

pub(crate) struct Fig3;

impl Experiment for Fig3 {
    fn id(&self) -> &'static str {
        "nin/fig3"
    }

    fn title(&self) -> &'static str {
        "error over the epochs, without and with dropout"
    }

    fn data_set(&self) -> &'static str {
        "cifar10"
    }

    fn embedded(&self, scale: Scale) -> Option<&'static str> {
        recipe::embedded(scale)
    }

    fn claims(&self) -> Vec<Claim> {
        let rows = &table1::ROWS[..2];
        rows.iter()
            .map(|row| super::measured(self.id(), row, "test error", "%"))
            .collect()
    }

    fn deviations(&self, scale: Scale) -> Vec<String> {
        recipe::deviations(scale)
    }

    fn trainings(&self, scale: Scale, images: Images) -> Vec<Training> {
        let [plain, dropout, _] = table1::ROWS;
        vec![
            table1::training(plain, false, scale, images),
            table1::training(dropout, true, scale, images),
        ]
    }

    fn run(&self, laboratory: &mut Laboratory, data: &Dataset) -> Result<()> {
        let mut plot = Plot::new("error without and with dropout", "epoch", "error, %");
        let mut drawn = false;
        for training in self.trainings(laboratory.scale(), Images::of(&data.train)) {
            laboratory.train(&training, data)?;
            if let Some((_, log)) = laboratory.logs(&training.label).next() {
                drawn = true;
                plot = plot
                    .line(
                        format!("{}, training", training.label),
                        log.curve(|epoch| epoch.train_error),
                    )
                    .line(format!("{}, test", training.label), log.test_curve());
            }
        }
        match drawn {
            true => laboratory.figure("errors", &plot.draw()?),
            false => Ok(()),
        }
    }
}
