//! The pictures on the front pages of the crates' documentation.
//!
//! A page of documentation reaches no file of the repository, so `crates/NAME/src/picture.md` holds a figure of `docs/figures` as text.

use std::path::Path;

use anyhow::{Context, Result};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::generated::renew;

/// What a page shows.
struct Front {
    /// The folder of the crate.
    crate_name: &'static str,
    /// The file in `docs/figures`.
    figure: &'static str,
    /// What is seen, for those who do not see it.
    description: &'static str,
    /// The sentence below.
    caption: &'static str,
}

const FRONTS: [Front; 5] = [
    Front {
        crate_name: "allconv",
        figure: "allconv-explain.png",
        description: EXPLAINED,
        caption: METHODS,
    },
    Front {
        crate_name: "attribution",
        figure: "allconv-explain.png",
        description: EXPLAINED,
        caption: METHODS,
    },
    Front {
        crate_name: "nin",
        figure: "nin-fig4-cpu-class-maps.png",
        description: "Ten photographs, and over each the map of every class, red where the network sees it",
        caption: "Test images of CIFAR-10, and the strongest tenth of each class map over them: red is where the network sees the class.",
    },
    Front {
        crate_name: "stn",
        figure: "stn-grids-cpu-RTS-ST-CNN-Aff.png",
        description: "Ten distorted digits, the learned grids over them, and the digits after the transformer",
        caption: "Distorted digits, the grid that a transformer lays over each, and what its classifier sees.",
    },
    Front {
        crate_name: "swwae",
        figure: "swwae-where-cpu-reconstructions.png",
        description: "Reconstructions of ten digits after larger and larger pools, with and without the places of the maxima",
        caption: "Reconstructions after larger and larger pools, with and without the places of the maxima.",
    },
];

const EXPLAINED: &str = "A horse, a ship and a deer, and what three methods show of the network's answer: only guided backpropagation draws their outlines";
const METHODS: &str =
    "Images, then the gradient, the deconvnet and guided backpropagation for the network's answer.";

/// Writes the pictures that are not those of `docs/figures`, and names them; with `check` nothing is written.
///
/// Crates that are not below `root` are passed over.
pub(crate) fn update(root: &Path, check: bool) -> Result<Vec<String>> {
    let mut changed = Vec::new();
    for front in FRONTS {
        if !root.join("crates").join(front.crate_name).is_dir() {
            continue;
        }
        let figure = root.join("docs/figures").join(front.figure);
        let png = std::fs::read(&figure).with_context(|| figure.display().to_string())?;
        let text = format!(
            "![{}](data:image/png;base64,{})\n\n{}\n",
            front.description,
            BASE64_STANDARD.encode(png),
            front.caption
        );
        let shown = format!("crates/{}/src/picture.md", front.crate_name);
        changed.extend(renew(root, &shown, &text, check)?);
    }
    Ok(changed)
}
