//! Sec. 4.2: what is invariant and where is equivariant, when a digit moves.
//!
//! Expected: what lies on the diagonal; where along the moved axis on a line beside it, that of the other axis on the diagonal.
//! Beside the panels: slope, offset and R^2 of a least-squares line.

use anyhow::{Result, bail};
use candle_core::{Device, Tensor};
use lab::data::FloatSet;
use lab::report::{Choice, Finding, ImageGrid, Line, Note, Picture, Plot, Relation};
use swwae::{LossWeights, Place, Swwae, SwwaeConfig};

use super::model::AutoEncoder;
use super::necessity_of_where::{CANVAS, CHOICES, SETUPS};
use super::setup::MNIST;
use crate::experiment::{Experiment, Row};
use crate::pictures;
use crate::planned::{self, Planned};
use crate::session::Session;

/// How sharply soft pooling prefers large values; the paper's is not known.
const BETA: f64 = 20.0;
/// Cells of the image that a digit is shifted by: a whole number of cells after the first pooling.
const SHIFT: usize = 4;
/// Side of the first pooling.
const FIRST_POOL: usize = 2;
/// Side of the second, whose cells span the coordinates from -1 to 1.
const SECOND_POOL: usize = 16;
/// The offset that the whole shift is, in coordinates of the upper pooling's window.
const WHOLE_SHIFT: f64 = 2.0 * (SHIFT as f64 / FIRST_POOL as f64) / (SECOND_POOL as f64 - 1.0);
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
            (Self::WhereX, Shift::Horizontal) | (Self::WhereY, Shift::Vertical) => WHOLE_SHIFT,
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

fn label(feature: Feature, shift: Shift) -> String {
    format!("{}, {}", feature.name(), shift.name())
}

/// What the paper sees in its panels; how near is ours.
const FINDINGS: &[Finding] = &[
    Finding::new(
        "What, and the where of the axis that was not moved, stay as they are (this project's \
         limit: slopes within a tenth of one).",
        "Sec. 4.2",
        QUANTITIES[0].0,
        Relation::Within {
            rows: &[
                "what, horizontal shift",
                "where y, horizontal shift",
                "what, vertical shift",
                "where x, vertical shift",
            ],
            of: 1.0,
            by: 0.1,
        },
    )
    .remembered(),
    Finding::new(
        "The where of the moved axis moves along (this project's limit: by half of the shift).",
        "Sec. 4.2",
        QUANTITIES[1].0,
        Relation::AtLeast {
            rows: &["where x, horizontal shift", "where y, vertical shift"],
            limit: 0.5 * WHOLE_SHIFT,
        },
    )
    .remembered(),
];

/// What is measured of a panel.
const QUANTITIES: [(&str, &str); 3] = [("slope", ""), ("offset", ""), ("R^2", "")];

pub(crate) const EQUIVARIANCE: Experiment = Experiment::new(
    "swwae/equivariance",
    "what is invariant, where is equivariant",
    MNIST,
    rows,
)
.choices(&[
    CHOICES,
    &[
        Choice::new("model.weights", "the paper's are not known"),
        Choice::new("model.network.pooling", "the paper's beta is not known"),
    ],
])
.findings(FINDINGS)
.notes(&[
    Note::with(
        "Digits are shifted by {shift} cells, where the paper's shift is not known.",
        &[("shift", SHIFT as f64)],
    ),
    Note::with(
        "A panel holds the features of the upper pooling for {digits} test digits; of \
         whats that are zero before and after the shift there is no where.",
        &[("digits", DIGITS as f64)],
    ),
    Note::with(
        "Coordinates run over the {cells} cells of a window from minus one to one, so \
         the whole shift is an offset of {offset}.",
        &[("cells", SECOND_POOL as f64), ("offset", WHOLE_SHIFT)],
    ),
])
.of_one_seed()
.run(run);

/// The run itself, and the panels.
fn rows() -> Vec<Row> {
    let network = Row::new(MODEL, |scale, _| {
        let weights = LossWeights {
            l2_rec: 1.0,
            l2_m: 0.1,
        };
        let config = SwwaeConfig::equivariance(BETA);
        Some(SETUPS.at(scale).training(config, weights))
    });
    let panel = |(shift, feature)| {
        let row = Row::untrained(label(feature, shift));
        QUANTITIES.into_iter().fold(row, Row::measured)
    };
    let of_shift = |shift| Feature::ALL.map(|feature| (shift, feature));
    let panels = Shift::ALL.into_iter().flat_map(of_shift).map(panel);
    std::iter::once(network).chain(panels).collect()
}

fn run(session: &mut Session, rows: &[Planned]) -> Result<()> {
    let row = planned::network_row(rows.first(), session.id(), MODEL)?;
    let Some(trained) = session.trained(row)? else {
        return Ok(());
    };
    let model: &AutoEncoder = row.config()?;
    let network = Swwae::new(&model.config, trained.parameters.builder())?;
    let sets = session.prepare(row)?;
    let digits = digits(&sets.1, session.device())?;
    let before = features(&network, &digits)?;
    let mut grid = ImageGrid::new("features before and after a shift");
    for shift in Shift::ALL {
        let after = features(&network, &shift.apply(&digits)?)?;
        let mut panels: Vec<Picture> = Vec::new();
        for (index, feature) in Feature::ALL.into_iter().enumerate() {
            let points = pairs(&before, &after, index);
            let line = Line::through(&points);
            panels.push(panel(feature, shift, points)?);
            let label = label(feature, shift);
            let Some(line) = line else {
                session.console().warn(format!(
                    "{}: {label} does not vary, so there is no line",
                    session.id()
                ));
                continue;
            };
            let measured = Planned {
                label,
                ..row.clone()
            };
            let values = [line.slope, line.offset, line.r_squared];
            for (quantity, value) in QUANTITIES.into_iter().zip(values) {
                session.measured(&measured, quantity, trained.seed, Some(value), None)?;
            }
        }
        grid.row("", panels);
    }
    session.figure("what-and-where", &grid.draw()?)
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
    // Lines over the points.
    let mut plot = Plot::new(label(feature, shift), "before", "after")
        .panel()
        .points(feature.name(), points)
        .line("diagonal", vec![(low, low), (high, high)]);
    let offset = feature.expected(shift);
    if offset > 0.0 {
        let ends = vec![(low, low + offset), (high - offset, high)];
        plot = plot.line("whole shift", ends);
    }
    Ok(plot.draw()?)
}
