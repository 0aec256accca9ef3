//! Table 3: the three base models and what happens when their pooling is replaced, CIFAR-10 without augmentation.
//!
//! Expected: Strided worst (up to one point), All-CNN better than the base and within half a point of ConvPool, C best.
//! A quick run has time for what the paper claims of models A and B: more images and seeds are worth more than more rows.

use allconv::{Architecture, BaseModel, Variant};
use lab::report::{Finding, Mark, Relation, Scale, Scales};

use super::setup::{CHOICES, CIFAR10, SETUPS};
use crate::experiment::{Experiment, Row};

/// Test errors in the order of [`Architecture::ALL`].
const ERRORS: [f64; 12] = [
    12.47, 13.46, 10.21, 10.30, //
    10.20, 10.98, 9.33, 9.10, //
    9.74, 10.19, 9.31, 9.08,
];

/// What the paper claims of each base model.
const FINDINGS: &[Finding] = &[
    claim(
        "Model A: replacing the pooling with a stride of the convolution before it costs accuracy.",
        Relation::Falls(&["Strided-CNN-A", "A"]),
    ),
    claim(
        "Model A: a strided convolution in place of the pooling is better than the stride alone.",
        Relation::Falls(&["Strided-CNN-A", "All-CNN-A"]),
    ),
    claim(
        "Model A: a strided convolution in place of the pooling is better than the pooling.",
        Relation::Falls(&["A", "All-CNN-A"]),
    ),
    claim(
        "Model A: a strided convolution in place of the pooling does as well as pooling with \
         an additional convolution (this project's limit: half a point).",
        Relation::Alike {
            rows: &["ConvPool-CNN-A", "All-CNN-A"],
            by: 0.5,
        },
    ),
    claim(
        "Model B: replacing the pooling with a stride of the convolution before it costs accuracy.",
        Relation::Falls(&["Strided-CNN-B", "B"]),
    ),
    claim(
        "Model B: a strided convolution in place of the pooling is better than the stride alone.",
        Relation::Falls(&["Strided-CNN-B", "All-CNN-B"]),
    ),
    claim(
        "Model B: a strided convolution in place of the pooling is better than the pooling.",
        Relation::Falls(&["B", "All-CNN-B"]),
    ),
    claim(
        "Model B: a strided convolution in place of the pooling does as well as pooling with \
         an additional convolution (this project's limit: half a point).",
        Relation::Alike {
            rows: &["ConvPool-CNN-B", "All-CNN-B"],
            by: 0.5,
        },
    ),
    claim(
        "Model C: replacing the pooling with a stride of the convolution before it costs accuracy.",
        Relation::Falls(&["Strided-CNN-C", "C"]),
    ),
    claim(
        "Model C: a strided convolution in place of the pooling is better than the stride alone.",
        Relation::Falls(&["Strided-CNN-C", "All-CNN-C"]),
    ),
    claim(
        "Model C: a strided convolution in place of the pooling is better than the pooling.",
        Relation::Falls(&["C", "All-CNN-C"]),
    ),
    claim(
        "Model C: a strided convolution in place of the pooling does as well as pooling with \
         an additional convolution (this project's limit: half a point).",
        Relation::Alike {
            rows: &["ConvPool-CNN-C", "All-CNN-C"],
            by: 0.5,
        },
    ),
];

const fn claim(sentence: &'static str, relation: Relation) -> Finding {
    Finding::of_error(sentence, "Table 3", relation)
}

pub(crate) const TABLE3: Experiment = Experiment::new(
    "allconv/table3",
    "twelve networks without augmentation",
    CIFAR10,
    rows,
)
.seeds(Scales {
    quick: 3,
    ..Scales::all(1)
})
.choices(&[CHOICES])
.findings(FINDINGS);

fn rows() -> Vec<Row> {
    let row = |(architecture, error): (Architecture, f64)| {
        Row::new(architecture.to_string(), move |scale, images| {
            is_run(scale, architecture).then(|| SETUPS.at(scale).training(architecture, images))
        })
        .error(
            error,
            Mark::Verified,
            "Table 3, CIFAR-10, 50,000 training images, 350 epochs",
        )
    };
    Architecture::ALL.into_iter().zip(ERRORS).map(row).collect()
}

/// All but for a quick run, which has the rows of the claims on models A and B.
fn is_run(scale: Scale, architecture: Architecture) -> bool {
    scale != Scale::Quick
        || (architecture.base != BaseModel::C && architecture.variant != Variant::ConvPool)
}
