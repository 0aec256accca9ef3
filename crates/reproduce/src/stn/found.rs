//! App. A.2: what co-localisation measures, what the paper claims of it, and what it does not say.

use lab::report::{Choice, Finding, Relation};

/// Pictures of a class whose object was found.
pub(super) const FOUND: (&str, &str) = ("found", "%");

/// Why the training of the encoder and its size are ours.
const SILENT: &str = "of the encoder; the paper does not state it";

/// What the paper does not say.
pub(super) const CHOICES: &[Choice] = &[
    Choice::new(
        "recipe.epochs",
        "the encoder is trained on plain digits for few epochs; the paper does not state them",
    ),
    Choice::new("recipe.batch_size", SILENT),
    Choice::new("recipe.optimizer", SILENT),
    Choice::new("recipe.schedule.decay", SILENT),
    Choice::new("model.body.cnn.filters", SILENT),
];

/// What the paper claims.
pub(super) const FINDINGS: &[Finding] = &[
    Finding::new(
        "Without clutter all objects are found.",
        "App. A.2",
        FOUND.0,
        Relation::AtLeast {
            rows: &[
                "T, digit 0",
                "T, digit 1",
                "T, digit 2",
                "T, digit 3",
                "T, digit 4",
                "T, digit 5",
                "T, digit 6",
                "T, digit 7",
                "T, digit 8",
                "T, digit 9",
            ],
            limit: 100.0,
        },
    ),
    Finding::new(
        "Among clutter 75 % of each class or more are found.",
        "App. A.2",
        FOUND.0,
        Relation::AtLeast {
            rows: &[
                "TC, digit 0",
                "TC, digit 1",
                "TC, digit 2",
                "TC, digit 3",
                "TC, digit 4",
                "TC, digit 5",
                "TC, digit 6",
                "TC, digit 7",
                "TC, digit 8",
                "TC, digit 9",
            ],
            limit: 75.0,
        },
    ),
];
