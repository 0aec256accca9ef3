//! Sec. 4.1: reconstructions with and without where, for pools of 2, 4, 8 and 16.
//!
//! Expected: with where reconstructions are sharp at every size of the pool; by upsampling they blur more and more.

use anyhow::{Context, Result};
use candle_core::{Device, Tensor};
use lab::data::{Batches, FloatSet};
use lab::report::{Choice, Finding, ImageGrid, Note, Picture, Relation, Scales};
use lab::train::{LrSchedule, Recipe};
use swwae::{LossWeights, Swwae, SwwaeConfig, Unpooling};

use super::model::AutoEncoder;
use super::setup::MNIST;
use crate::canvas::Canvas;
use crate::experiment::{Experiment, Row};
use crate::pictures;
use crate::planned::Planned;
use crate::session::Session;
use crate::training::{Training, adam};

/// Sides of the pool.
const POOLS: [usize; 4] = [2, 4, 8, 16];
/// With where, and the paper's upsampling.
const UNPOOLINGS: [(Unpooling, &str); 2] =
    [(Unpooling::Where, "where"), (Unpooling::Copy, "upsampling")];
/// Digits shown, the first of each class.
const SHOWN: usize = 10;
/// What is measured.
const ERROR: (&str, &str) = ("mean squared error", "");
/// 28 padded to what 2, 4, 8 and 16 divide.
pub(super) const CANVAS: Canvas = Canvas { side: 32, scale: 1 };

/// How an auto-encoder is trained.
pub(super) struct Setup {
    epochs: usize,
    batch_size: usize,
    lr: f64,
    images: (Option<usize>, Option<usize>),
}

const PAPER: Setup = Setup {
    epochs: 20,
    batch_size: 64,
    lr: 0.001,
    images: (None, None),
};

const CPU: Setup = Setup { epochs: 2, ..PAPER };

const QUICK: Setup = Setup {
    epochs: 4,
    batch_size: 32,
    lr: 0.002,
    images: (Some(2_000), None),
};

const SMOKE: Setup = Setup {
    epochs: 1,
    batch_size: 8,
    images: (Some(16), Some(20)),
    ..QUICK
};

pub(super) const SETUPS: Scales<Setup> = Scales::new(PAPER, CPU, QUICK, SMOKE);

/// What is not known of the paper.
pub(super) const CHOICES: &[Choice] = &[
    Choice::new("recipe.optimizer", "the paper's training is not known"),
    Choice::new("recipe.schedule.decay", "the paper's training is not known"),
    Choice::new("recipe.epochs", "the paper's training is not known"),
    Choice::new("recipe.batch_size", "the paper's training is not known"),
    Choice::new(
        "model.canvas",
        "digits from zero to one in the middle of cells that all pools divide",
    ),
];

impl Setup {
    /// An auto-encoder of digits between 0 and 1 and its training.
    pub(super) fn training(&self, config: SwwaeConfig, weights: LossWeights) -> Training {
        let model = AutoEncoder {
            config,
            weights,
            canvas: CANVAS,
        };
        let recipe = Recipe {
            schedule: LrSchedule::cosine(0.0),
            ..Recipe::new(self.epochs, self.batch_size, adam(self.lr))
        };
        Training {
            train_images: self.images.0,
            test_images: self.images.1,
            ..Training::new(model, recipe)
        }
    }
}

/// What the paper claims.
const FINDINGS: &[Finding] = &[Finding::new(
    "Reconstructions with where are better than by upsampling, at every size of \
     the pool.",
    "Sec. 4.1",
    ERROR.0,
    Relation::Below(&[
        ("pool 2, where", "pool 2, upsampling"),
        ("pool 4, where", "pool 4, upsampling"),
        ("pool 8, where", "pool 8, upsampling"),
        ("pool 16, where", "pool 16, upsampling"),
    ]),
)
.remembered()];

pub(crate) const WHERE: Experiment = Experiment::new(
    "swwae/where",
    "reconstructions with and without where",
    MNIST,
    rows,
)
.choices(&[CHOICES])
.findings(FINDINGS)
.notes(&[
    Note::new("The paper shows pictures only; the mean squared error is an addition."),
    Note::new(
        "Errors are means over all cells of the test images, and a black picture would \
         have the mean square of the digits.",
    ),
])
.of_one_seed()
.run(run);

fn rows() -> Vec<Row> {
    let row = |(pool, (unpooling, name)): (usize, (Unpooling, &str))| {
        let row = Row::new(format!("pool {pool}, {name}"), move |scale, _| {
            let config = SwwaeConfig {
                unpooling,
                ..SwwaeConfig::necessity_of_where(pool)
            };
            let weights = LossWeights {
                l2_rec: 1.0,
                l2_m: 0.0,
            };
            Some(SETUPS.at(scale).training(config, weights))
        });
        row.measured(ERROR)
    };
    let of_pool = |pool| UNPOOLINGS.map(|unpooling| (pool, unpooling));
    POOLS.into_iter().flat_map(of_pool).map(row).collect()
}

fn run(session: &mut Session, rows: &[Planned]) -> Result<()> {
    let mut shown: Vec<(&str, Vec<Picture>)> = Vec::new();
    for row in rows {
        let Some(trained) = session.trained(row)? else {
            continue;
        };
        let model: &AutoEncoder = row.config()?;
        let network = Swwae::new(&model.config, trained.parameters.builder())?;
        let sets = session.prepare(row)?;
        let device = session.device().clone();
        let digits = first_of_each_class(&sets.1, &device)?;
        if shown.is_empty() {
            shown.push(("input", pictures_of(&digits)?));
        }
        let reconstructed = network.reconstruct(&digits)?;
        shown.push((&row.label, pictures_of(&reconstructed)?));
        let error = mean_squared_error(&network, &sets.1, &device)?;
        session.measured_of(row, ERROR, &trained, error)?;
    }
    if shown.is_empty() {
        return Ok(());
    }
    let mut grid = ImageGrid::new("reconstructions, by the side of the pool").enlarge(2);
    shown
        .into_iter()
        .for_each(|(name, pictures)| grid.row(name, pictures));
    session.figure("reconstructions", &grid.draw()?)
}

/// The mean over all cells of the images of `set` on the canvas.
fn mean_squared_error(network: &Swwae, set: &FloatSet, device: &Device) -> Result<f64> {
    let (mut sum, mut cells) = (0.0, 0);
    for batch in Batches::eval(set, 100, device)? {
        let xs = CANVAS.place(&batch?.xs)?;
        let squares = (network.reconstruct(&xs)?.detach() - &xs)?.sqr()?;
        sum += f64::from(squares.sum_all()?.to_scalar::<f32>()?);
        cells += xs.elem_count();
    }
    Ok(sum / cells.max(1) as f64)
}

/// The first image of each class on the canvas, (N, C, H, W).
fn first_of_each_class(set: &FloatSet, device: &Device) -> Result<Tensor> {
    let classes = 0..set.classes.min(SHOWN) as u32;
    let indices = classes.filter_map(|class| set.first_of(class));
    let images: Vec<Tensor> = indices
        .map(|index| pictures::input(set, index, device))
        .collect::<Result<_>>()?;
    let images =
        Tensor::cat(&images, 0).context("the test set has no images of the first classes")?;
    Ok(CANVAS.place(&images)?)
}

/// Images from 0 to 1 as pictures.
fn pictures_of(images: &Tensor) -> Result<Vec<Picture>> {
    let (n, c, h, w) = images.dims4()?;
    let picture = |index| {
        let values: Vec<f32> = images.detach().get(index)?.flatten_all()?.to_vec1()?;
        Ok(Picture::new(&values, (c, h, w), (0.0, 1.0))?)
    };
    (0..n).map(picture).collect()
}
