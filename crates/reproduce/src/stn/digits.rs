//! The eight networks of Table 1: FCN and CNN, plain and with a transformer of three kinds.

use candle_core::Result;
use lab::data::Distortion;
use lab::report::{Scale, Scales};
use stn::networks::{Body, DigitConfig, Transform};

use super::setup;
use super::sized::{parameters, sized};
use crate::images::Images;

/// A row of Table 1, without its distortion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digit {
    pub(super) kind: Kind,
    pub(super) transform: Option<Transform>,
    /// With a pooling where the paper has none, and the other way about.
    pub(super) other_pooling: bool,
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
pub(super) const ROWS: [Digit; 8] = [
    Digit::of_paper(Kind::Fcn, None),
    Digit::of_paper(Kind::Cnn, None),
    Digit::of_paper(Kind::Fcn, Some(Transform::Affine)),
    Digit::of_paper(Kind::Fcn, Some(Transform::Projective)),
    Digit::of_paper(Kind::Fcn, Some(Transform::Tps)),
    Digit::of_paper(Kind::Cnn, Some(Transform::Affine)),
    Digit::of_paper(Kind::Cnn, Some(Transform::Projective)),
    Digit::of_paper(Kind::Cnn, Some(Transform::Tps)),
];

impl Digit {
    /// A network with the paper's pooling.
    pub(super) const fn of_paper(kind: Kind, transform: Option<Transform>) -> Self {
        Self {
            kind,
            transform,
            other_pooling: false,
        }
    }

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

    /// Whether a 2x pooling stands before the classifier.
    ///
    /// The paper's (from memory) follows the transformer of RTS and TC where the classifier fits after it: not before the CNN on RTS.
    fn is_pooled(self, distortion: Distortion) -> bool {
        let is_transformed = self.transform.is_some();
        let of_paper = match distortion {
            Distortion::Cluttered => is_transformed,
            Distortion::RotatedScaledPlaced => is_transformed && self.kind == Kind::Fcn,
            _ => false,
        };
        of_paper != self.other_pooling
    }

    /// The network for one distortion, as large as all networks of its kind.
    pub(super) fn config(
        self,
        distortion: Distortion,
        scale: Scale,
        images: &Images,
    ) -> Result<DigitConfig> {
        let body = match self.kind {
            Kind::Fcn => Body::Fcn { hidden: 1 },
            Kind::Cnn => Body::Cnn { filters: 1 },
        };
        let plain = DigitConfig {
            classes: images.classes,
            gradient_scale: setup::SETUPS.at(scale).gradient_scale,
            ..DigitConfig::plain(canvas(distortion, images), body)
        };
        let config = match self.transform {
            Some(transform) => plain.with_transformers(1, transform),
            None => plain,
        };
        let config = match self.is_pooled(distortion) {
            true => config.pooled(),
            false => config,
        };
        let sizes = SIZES.at(scale);
        match (distortion, self.kind, sizes.cluttered_filters) {
            (Distortion::Cluttered, Kind::Cnn, Some(filters)) => Ok(DigitConfig {
                body: Body::Cnn {
                    filters: filters * config.pool.max(1),
                },
                ..config
            }),
            (_, Kind::Fcn, _) => sized(&config, sizes.fcn.parameters(config.side)?),
            (_, Kind::Cnn, _) => sized(&config, sizes.cnn.parameters(config.side)?),
        }
    }
}

/// How large the networks are.
struct Sizes {
    fcn: Size,
    cnn: Size,
    /// The filters of the CNN on TC, times its pooling, if it has a size of its own:
    /// a CNN as large as the localisation net would take too long on images of this size; after the pooling it may be wider.
    cluttered_filters: Option<usize>,
}

/// The network that has the number of parameters of all others of its kind, nearly.
enum Size {
    Plain(Body),
    /// With a transformer of the TPS kind, whose localisation net alone has more parameters than a narrow CNN.
    Transformed(Body),
}

/// The paper's widest CNN: FCN and CNN get its size alike.
const PAPER: Sizes = Sizes {
    fcn: Size::Plain(Body::Cnn { filters: 64 }),
    cnn: Size::Plain(Body::Cnn { filters: 64 }),
    cluttered_filters: None,
};

const CPU: Sizes = Sizes {
    // The middle of the paper's range of filters.
    cnn: Size::Plain(Body::Cnn { filters: 48 }),
    ..PAPER
};

const QUICK: Sizes = Sizes {
    fcn: Size::Plain(Body::Fcn { hidden: 64 }),
    cnn: Size::Transformed(Body::Cnn { filters: 10 }),
    cluttered_filters: Some(10),
};

const SIZES: Scales<Sizes> = Scales::new(PAPER, CPU, QUICK, QUICK);

impl Size {
    fn parameters(&self, side: usize) -> Result<usize> {
        parameters(&match *self {
            Self::Plain(body) => DigitConfig::plain(side, body),
            Self::Transformed(body) => {
                DigitConfig::plain(side, body).with_transformers(1, Transform::Tps)
            }
        })
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
pub(super) fn canvas(distortion: Distortion, images: &Images) -> usize {
    distortion.canvas() + images.side().saturating_sub(28)
}
