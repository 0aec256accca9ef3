//! Sec. 4.2: what is invariant and where is equivariant, when a digit moves.
//!
//! Command: `cargo xtask reproduce swwae/equivariance`
//! Expected: what lies on the diagonal; where along the moved axis on a line beside it, that of the other axis on the diagonal.
//! Cost: `--list` prints it.
//! Deviations: beta and the shift are ours, since the paper's are not known;
//! beside the panels, slope, offset and R^2 of a least-squares line.

use anyhow::{Result, bail};
use candle_core::{Device, Tensor};
use lab::data::{Dataset, FloatSet};
use lab::report::{Claim, ImageGrid, Picture, Plot, Record, Scale};
use swwae::{LossWeights, Place, Swwae, SwwaeConfig};

use super::line::Line;
use super::necessity_of_where::{CANVAS, training};
use crate::experiment::{Experiment, Images};
use crate::laboratory::{Laboratory, file_name};
use crate::pictures;
use crate::training::Training;

/// How sharply soft pooling prefers large values; the paper's is not known.
const BETA: f64 = 20.0;
/// Cells of the image that a digit is shifted by: a whole number of cells behind the first pooling.
const SHIFT: usize = 4;
/// Side of the first pooling.
const FIRST_POOL: usize = 2;
/// Side of the second, whose cells span the coordinates from -1 to 1.
const SECOND_POOL: usize = 16;
/// Digits whose features are drawn and measured.
const DIGITS: usize = 200;
/// The row of the run itself.
const MODEL: &str = "SWWAE, soft pooling";

/// What is compared before and after a shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Feature {
    What,
    WhereX,
    WhereY,
}

impl Feature {
    const ALL: [Self; 3] = [Self::What, Self::WhereX, Self::WhereY];

    fn name(self) -> &'static str {
        match self {
            Self::What => "what",
            Self::WhereX => "where x",
            Self::WhereY => "where y",
        }
    }

    /// The offset that the whole shift is, in coordinates of the upper pooling's window.
    fn expected(self, shift: Shift) -> f64 {
        match (self, shift) {
            (Self::WhereX, Shift::Horizontal) | (Self::WhereY, Shift::Vertical) => {
                let cells = SHIFT as f64 / FIRST_POOL as f64;
                2.0 * cells / (SECOND_POOL as f64 - 1.0)
            }
            _ => 0.0,
        }
    }
}

/// Which way a digit is moved: to the right or down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shift {
    Horizontal,
    Vertical,
}

impl Shift {
    const ALL: [Self; 2] = [Self::Horizontal, Self::Vertical];

    fn name(self) -> &'static str {
        match self {
            Self::Horizontal => "horizontal shift",
            Self::Vertical => "vertical shift",
        }
    }

    /// The images moved; what leaves the square is lost and zeros come in.
    fn apply(self, xs: &Tensor) -> candle_core::Result<Tensor> {
        let dim = match self {
            Self::Horizontal => 3,
            Self::Vertical => 2,
        };
        let kept = xs.dim(dim)?.saturating_sub(SHIFT);
        xs.narrow(dim, 0, kept)?.pad_with_zeros(dim, SHIFT, 0)
    }
}

pub(crate) struct Equivariance;

fn label(feature: Feature, shift: Shift) -> String {
    format!("{}, {}", feature.name(), shift.name())
}

/// What is measured of a panel.
const QUANTITIES: [&str; 3] = ["slope", "offset", "R^2"];

impl Experiment for Equivariance {
    fn id(&self) -> &'static str {
        "swwae/equivariance"
    }

    fn title(&self) -> &'static str {
        "what is invariant, where is equivariant"
    }

    fn data_set(&self) -> &'static str {
        "mnist"
    }

    fn embedded(&self, scale: Scale) -> Option<&'static str> {
        match scale {
            Scale::Smoke | Scale::Quick => Some("mnist"),
            Scale::Cpu | Scale::Paper => None,
        }
    }

    fn claims(&self) -> Vec<Claim> {
        let mut claims = Vec::new();
        for shift in Shift::ALL {
            for feature in Feature::ALL {
                let of_panel = |quantity: &&str| {
                    super::measured(self.id(), label(feature, shift), quantity, "")
                };
                claims.extend(QUANTITIES.iter().map(of_panel));
            }
        }
        claims
    }

    fn deviations(&self, scale: Scale) -> Vec<String> {
        let amount = match scale {
            Scale::Smoke => "a smoke run shows that everything works, its numbers mean nothing",
            Scale::Quick => "2,000 digits of a small set, 4 epochs",
            Scale::Cpu => "2 epochs",
            Scale::Paper => "20 epochs",
        };
        vec![
            format!(
                "Deviations: {amount}; Adam with a cosine schedule, beta {BETA}, weights 1 and 0.1 of L2rec and L2M and shifts by {SHIFT} cells are ours, \
                 the paper's are not known; digits from 0 to 1 in the middle of 32x32 cells."
            ),
            format!(
                "A panel holds the features of the upper pooling for {DIGITS} test digits; of whats that are 0 before and after the shift there is no where. \
                 Coordinates run from -1 to 1 over {SECOND_POOL} cells, so the whole shift is an offset of {:.3}.",
                Feature::WhereX.expected(Shift::Horizontal)
            ),
        ]
    }

    fn trainings(&self, scale: Scale, _images: Images) -> Vec<Training> {
        let weights = LossWeights {
            l2_rec: 1.0,
            l2_m: 0.1,
        };
        let config = SwwaeConfig::equivariance(BETA);
        vec![training(MODEL.to_owned(), config, weights, scale)]
    }

    fn run(&self, laboratory: &mut Laboratory, data: &Dataset) -> Result<()> {
        let trainings = self.trainings(laboratory.scale(), Images::of(&data.train));
        let Some(training) = trainings.first() else {
            return Ok(());
        };
        let Some(trained) = laboratory.trained(training, data)? else {
            return Ok(());
        };
        let config = SwwaeConfig::equivariance(BETA);
        let network = Swwae::new(&config, trained.parameters.builder())?;
        let sets = laboratory.prepare(training, data)?;
        let digits = digits(&sets.1, &laboratory.settings.device)?;
        let before = features(&network, &digits)?;
        let mut grid = ImageGrid::new("features before and after a shift");
        for shift in Shift::ALL {
            let after = features(&network, &shift.apply(&digits)?)?;
            let mut panels: Vec<Picture> = Vec::new();
            for (index, feature) in Feature::ALL.into_iter().enumerate() {
                let points = pairs(&before, &after, index);
                let line = Line::through(&points);
                panels.push(panel(feature, shift, points)?);
                let Some(line) = line else {
                    laboratory.console.warn(format!(
                        "{}: {} does not vary, so there is no line",
                        self.id(),
                        label(feature, shift)
                    ));
                    continue;
                };
                let values = [line.slope, line.offset, line.r_squared];
                for (quantity, value) in QUANTITIES.into_iter().zip(values) {
                    let claim = Claim::new(self.id(), label(feature, shift), quantity, "");
                    let dataset = laboratory.described(training, data);
                    let record = Record::new(&claim, dataset, laboratory.scale());
                    let record = Record {
                        notes: self.deviations(laboratory.scale()),
                        ..record.value(trained.seed, Some(value))
                    };
                    let name = file_name(&format!("{} {quantity}", label(feature, shift)));
                    laboratory.keep(&laboratory.folder().join("lines").join(name), &record)?;
                }
            }
            grid.row("", panels);
        }
        laboratory.figure("what-and-where", &grid.draw()?)
    }
}

/// What, where x and where y of every feature of every digit, in one order.
type Features = [Vec<f32>; 3];

fn features(network: &Swwae, digits: &Tensor) -> Result<Features> {
    let encoding = network.encode(digits)?;
    let Some(top) = encoding.levels.last() else {
        bail!("the network of Sec. 4.2 has no pooling");
    };
    let Place::Soft { position, .. } = &top.place else {
        bail!("the network of Sec. 4.2 pools hard; where has no axes");
    };
    let values = |xs: &Tensor| xs.detach().flatten_all()?.to_vec1::<f32>();
    let axis = |at| values(&position.narrow(2, at, 1)?.squeeze(2)?);
    Ok([values(&top.what)?, axis(0)?, axis(1)?])
}

/// The values of one feature before and after; wheres of silent whats are left out.
fn pairs(before: &Features, after: &Features, feature: usize) -> Vec<(f64, f64)> {
    let heard = |what: &f32| what.abs() > 1e-6;
    let heard = before[0]
        .iter()
        .zip(&after[0])
        .map(|(a, b)| heard(a) && heard(b));
    let points = before[feature].iter().zip(&after[feature]);
    let kept = points.zip(heard).filter(|(_, heard)| *heard);
    kept.map(|((&a, &b), _)| (a.into(), b.into())).collect()
}

/// The first test digits on the canvas.
fn digits(set: &FloatSet, device: &Device) -> Result<Tensor> {
    let images: Vec<Tensor> = (0..set.len().min(DIGITS))
        .map(|index| pictures::input(set, index, device))
        .collect::<Result<_>>()?;
    Ok(CANVAS.place(&Tensor::cat(&images, 0)?)?)
}

/// One panel: the points, and the diagonal.
fn panel(feature: Feature, shift: Shift, points: Vec<(f64, f64)>) -> Result<Picture> {
    let values = || points.iter().flat_map(|&(a, b)| [a, b]);
    let (low, high) = (
        values().fold(f64::INFINITY, f64::min),
        values().fold(f64::NEG_INFINITY, f64::max),
    );
    let mut plot = Plot::new(label(feature, shift), "before", "after")
        .line("diagonal", vec![(low, low), (high, high)])
        .points(feature.name(), points);
    let offset = feature.expected(shift);
    if offset > 0.0 {
        let ends = vec![(low, low + offset), (high - offset, high)];
        plot = plot.line("whole shift", ends);
    }
    Ok(plot.draw()?)
}
