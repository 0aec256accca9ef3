//! Terms of the objective on and off, and what L2M does to the upper levels.
//!
//! Expected: without L2M the decoder's upper states have nothing to do with the encoder's, since nothing asks for it;
//! with it they are close at every level.
//! The paper argues for L2M without such a table; everything here is an addition.

use anyhow::Result;
use candle_core::{Device, Tensor};
use lab::data::{Batches, FloatSet};
use lab::report::{Finding, Note, Relation, Scales};
use swwae::{
    DecoderInput, DecoderWeights, EncoderSide, LossWeights, Swwae, SwwaeConfig, Unpooling,
};

use super::mnist;
use super::model::SemiSupervised;
use super::setup::{CHOICES, CONVNET, Kind, MNIST, SETUPS, WEIGHTS};
use crate::experiment::{Experiment, Row};
use crate::kept_labels::KeptLabels;
use crate::planned::Planned;
use crate::session::Session;

/// Labels that are kept.
const LABELS: usize = 1000;
/// What is measured of the levels: the squared distance of encoder and decoder, as a share of the encoder's square.
const DISTANCE: [(&str, &str); 2] = [("distance at level 1", ""), ("distance at level 2", "")];

/// A row: which terms there are and how.
#[derive(Clone, Copy, Debug)]
struct Variant {
    label: &'static str,
    weights: LossWeights,
    side: EncoderSide,
    unpooling: Unpooling,
    decoder_weights: DecoderWeights,
    decoder_input: DecoderInput,
}

/// The rows.
fn variants() -> [Variant; 8] {
    let full = Variant {
        label: "all terms",
        weights: WEIGHTS,
        side: EncoderSide::Joint,
        unpooling: Unpooling::Where,
        decoder_weights: DecoderWeights::Untied,
        decoder_input: DecoderInput::Features,
    };
    [
        Variant {
            label: "L_NLL alone (Convnet)",
            weights: CONVNET,
            ..full
        },
        Variant {
            label: "without L2M",
            weights: LossWeights {
                l2_m: 0.0,
                ..WEIGHTS
            },
            ..full
        },
        Variant {
            label: "without L2rec",
            weights: LossWeights {
                l2_rec: 0.0,
                ..WEIGHTS
            },
            ..full
        },
        full,
        Variant {
            label: "all terms, L2M not into the encoder",
            side: EncoderSide::Detached,
            ..full
        },
        Variant {
            label: "all terms, upsampling instead of where",
            unpooling: Unpooling::Copy,
            ..full
        },
        Variant {
            label: "all terms, the encoder's weights in the decoder",
            decoder_weights: DecoderWeights::Tied,
            ..full
        },
        Variant {
            label: "all terms, decoder from the logits",
            decoder_input: DecoderInput::Logits,
            ..full
        },
    ]
}

/// What the paper claims.
const FINDINGS: &[Finding] = &[Finding::new(
    "Without L2M the decoder's upper states are farther from the encoder's than with it.",
    Finding::OURS,
    DISTANCE[1].0,
    Relation::Falls(&["without L2M", "all terms"]),
)];

pub(crate) const ABLATION: Experiment = Experiment::new(
    "swwae/ablation",
    "terms of the objective on and off",
    MNIST,
    rows,
)
.seeds(Scales {
    quick: 1,
    ..mnist::SEEDS
})
.choices(&[CHOICES])
.findings(FINDINGS)
.notes(&[
    Note::with("{labels} labels are kept.", &[("labels", LABELS as f64)]),
    Note::new(
        "A distance is the squared distance of the decoder's state from the encoder's \
         what at that level, as a share of the what's square, over the test images of \
         the first seed: zero is equal, one is as far as nothing at all.",
    ),
])
.run(run);

fn rows() -> Vec<Row> {
    let row = |variant: Variant| {
        let row = Row::new(variant.label, move |scale, images| {
            let setup = SETUPS.at(scale);
            let labels = KeptLabels::Balanced(setup.few(LABELS));
            let config = SwwaeConfig {
                unpooling: variant.unpooling,
                decoder_weights: variant.decoder_weights,
                decoder_input: variant.decoder_input,
                ..setup.config(SwwaeConfig::mnist(), images)
            };
            let model = SemiSupervised {
                weights: variant.weights,
                side: variant.side,
                ..Kind::Swwae.model(config, labels, setup)
            };
            Some(setup.digits(model, LABELS, images))
        });
        let row = row.measured_error();
        match variant.weights == CONVNET {
            true => row,
            false => DISTANCE.into_iter().fold(row, Row::measured),
        }
    };
    variants().map(row).into()
}

fn run(session: &mut Session, rows: &[Planned]) -> Result<()> {
    session.train_all(rows)?;
    for row in rows {
        let model: &SemiSupervised = row.config()?;
        if model.weights == CONVNET {
            continue;
        }
        let Some(trained) = session.trained(row)? else {
            continue;
        };
        let network = Swwae::new(&model.config, trained.parameters.builder())?;
        let sets = session.prepare(row)?;
        let distances = distances(&network, &sets.1, session.device())?;
        for (quantity, distance) in DISTANCE.into_iter().zip(distances) {
            session.measured(row, quantity, trained.seed, Some(distance), None)?;
        }
    }
    Ok(())
}

/// For each level that the decoder has a state for: its squared distance from the what, as a share of the what's square.
fn distances(network: &Swwae, set: &FloatSet, device: &Device) -> Result<Vec<f64>> {
    let square =
        |xs: &Tensor| -> Result<f64> { Ok(f64::from(xs.sqr()?.sum_all()?.to_scalar::<f32>()?)) };
    let mut sums: Vec<(f64, f64)> = Vec::new();
    for batch in Batches::eval(set, 100, device)? {
        let pass = network.pass(&batch?.xs, false)?;
        let levels = pass.encoding.levels.iter().zip(&pass.decoding.states);
        for (at, (level, state)) in levels.enumerate() {
            let Some(state) = state else { continue };
            sums.resize(sums.len().max(at + 1), (0.0, 0.0));
            sums[at].0 += square(&(state.detach() - level.what.detach())?)?;
            sums[at].1 += square(&level.what.detach())?;
        }
    }
    let share = |(distance, of): (f64, f64)| distance / of.max(f64::MIN_POSITIVE);
    Ok(sums.into_iter().map(share).collect())
}
