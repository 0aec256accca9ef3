//! The one training loop.
//!
//! Batches, dropout masks and updates depend on the recipe and the step alone,
//! so a run that is stopped and resumed gives the same bits as one that is not.

mod epoch;
mod progress;
mod session;
mod step;

use striate::{Network, Parameters};

use super::{Classifier, Objective, Recipe, Run, TrainError, TrainLog};
use crate::data::FloatSet;
use session::Session;

/// Trains a classifying network by cross entropy.
///
/// On return the parameters hold the trained weights; an interrupted or resumed run is no exception.
/// The test set is only measured: nothing is chosen by it.
///
/// # Errors
/// A recipe that means nothing, sets that do not fit each other or the network, a loss that is not a number, weights that are not finite,
/// a folder that cannot be written to, a checkpoint that cannot be used.
pub fn fit(
    model: &dyn Network,
    params: &Parameters,
    train: &FloatSet,
    test: &FloatSet,
    recipe: &Recipe,
    run: &mut Run,
) -> Result<TrainLog, TrainError> {
    fit_objective(&Classifier::new(model), params, train, test, recipe, run)
}

/// Trains by any objective; otherwise like [`fit`].
///
/// # Errors
/// Those of [`fit`].
pub fn fit_objective(
    objective: &dyn Objective,
    params: &Parameters,
    train: &FloatSet,
    test: &FloatSet,
    recipe: &Recipe,
    run: &mut Run,
) -> Result<TrainLog, TrainError> {
    recipe.check()?;
    check_sets(train, test)?;
    Session::new(objective, params, (train, test), recipe, run)?.go()
}

fn check_sets(train: &FloatSet, test: &FloatSet) -> Result<(), TrainError> {
    let describe = |set: &FloatSet| {
        format!(
            "{}x{}x{} in {} classes",
            set.channels, set.height, set.width, set.classes
        )
    };
    for (name, set) in [("train", train), ("test", test)] {
        if set.is_empty() {
            return Err(TrainError::recipe(
                format!("the {name} set"),
                "empty",
                "at least one image",
            ));
        }
    }
    match describe(train) == describe(test) {
        true => Ok(()),
        false => Err(TrainError::recipe(
            "the test set",
            describe(test),
            format!("{} like the training set", describe(train)),
        )),
    }
}
