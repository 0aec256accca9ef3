//! The eight networks of Table 1: FCN and CNN, plain and behind a transformer of three kinds.

use candle_core::Result;
use lab::data::Distortion;
use lab::report::Scale;
use stn::networks::{Body, DigitConfig, Transform};

use super::model;
use super::recipe;
use crate::experiment::Images;

/// A row of Table 1, without its distortion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digit {
    pub(super) kind: Kind,
    pub(super) transform: Option<Transform>,
}

/// What classifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Fully connected.
    Fcn,
    /// Convolutional.
    Cnn,
}

/// In the order of the paper.
pub(super) const ROWS: [Digit; 8] = {
    const fn row(kind: Kind, transform: Option<Transform>) -> Digit {
        Digit { kind, transform }
    }
    [
        row(Kind::Fcn, None),
        row(Kind::Cnn, None),
        row(Kind::Fcn, Some(Transform::Affine)),
        row(Kind::Fcn, Some(Transform::Projective)),
        row(Kind::Fcn, Some(Transform::Tps)),
        row(Kind::Cnn, Some(Transform::Affine)),
        row(Kind::Cnn, Some(Transform::Projective)),
        row(Kind::Cnn, Some(Transform::Tps)),
    ]
};

impl Digit {
    /// The paper's name.
    pub(super) fn name(self) -> String {
        let kind = match self.kind {
            Kind::Fcn => "FCN",
            Kind::Cnn => "CNN",
        };
        match self.transform {
            None => kind.to_owned(),
            Some(Transform::Affine) => format!("ST-{kind} Aff"),
            Some(Transform::Projective) => format!("ST-{kind} Proj"),
            Some(Transform::Tps) => format!("ST-{kind} TPS"),
        }
    }

    /// The network for one distortion, of the size that `scale` gives to all networks of its kind.
    ///
    /// Behind the transformer of RTS and TC stands a 2x pooling where the classifier fits behind it: not before the CNN on RTS.
    pub(super) fn config(
        self,
        distortion: Distortion,
        scale: Scale,
        images: Images,
    ) -> Result<DigitConfig> {
        let side = canvas(distortion, images);
        let body = match self.kind {
            Kind::Fcn => Body::Fcn { hidden: 1 },
            Kind::Cnn => Body::Cnn { filters: 1 },
        };
        let plain = DigitConfig {
            classes: images.classes,
            gradient_scale: recipe::gradient_scale(scale),
            ..DigitConfig::plain(side, body)
        };
        let Some(transform) = self.transform else {
            return equal(&plain, self.kind, distortion, scale);
        };
        let config = plain.with_transformers(1, transform);
        let config = match (distortion, self.kind) {
            (Distortion::RotatedScaledPlaced, Kind::Fcn) | (Distortion::Cluttered, _) => {
                config.pooled()
            }
            _ => config,
        };
        equal(&config, self.kind, distortion, scale)
    }
}

/// The kind of transformer that is made for a distortion.
pub(super) fn suited(distortion: Distortion) -> Transform {
    match distortion {
        Distortion::Rotated | Distortion::RotatedScaledPlaced | Distortion::Cluttered => {
            Transform::Affine
        }
        Distortion::Projective => Transform::Projective,
        Distortion::Elastic => Transform::Tps,
    }
}

/// The canvas of a distortion for these images, larger than the usual one for larger images.
pub(super) fn canvas(distortion: Distortion, images: Images) -> usize {
    distortion.canvas() + images.size.1.max(images.size.2).saturating_sub(28)
}

/// The network with its classifier as wide as the scale's number of parameters asks for.
fn equal(
    config: &DigitConfig,
    kind: Kind,
    distortion: Distortion,
    scale: Scale,
) -> Result<DigitConfig> {
    let small = matches!(scale, Scale::Quick | Scale::Smoke);
    match (distortion, kind) {
        // A CNN as large as the localisation net would take too long on images of this size; behind the pooling it may be wider.
        (Distortion::Cluttered, Kind::Cnn) if small => Ok(DigitConfig {
            body: Body::Cnn {
                filters: 10 * config.pool.max(1),
            },
            ..config.clone()
        }),
        _ => model::sized(config, budget(kind, config.side, scale)?),
    }
}

/// Parameters that every network of this kind has, nearly.
fn budget(kind: Kind, side: usize, scale: Scale) -> Result<usize> {
    let reference = match (scale, kind) {
        // The paper's widest CNN: FCN and CNN get its size alike.
        (Scale::Paper, _) | (Scale::Cpu, Kind::Fcn) => DigitConfig::cnn(side),
        // The middle of the paper's range of filters.
        (Scale::Cpu, Kind::Cnn) => DigitConfig::plain(side, Body::Cnn { filters: 48 }),
        (Scale::Quick | Scale::Smoke, Kind::Fcn) => {
            DigitConfig::plain(side, Body::Fcn { hidden: 64 })
        }
        // The localisation net alone has more parameters than a narrow CNN.
        (Scale::Quick | Scale::Smoke, Kind::Cnn) => {
            DigitConfig::plain(side, Body::Cnn { filters: 10 }).with_transformers(1, Transform::Tps)
        }
    };
    model::parameters(&reference)
}
