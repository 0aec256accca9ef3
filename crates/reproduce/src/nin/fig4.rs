//! Fig. 4: the class maps of test images, and how often the strongest is that of the true class.
//!
//! Expected: the map of the true class is the strongest and lies on the object.

use allconv::attribution::class_maps_over;
use anyhow::Result;
use candle_core::{DType, Tensor};
use lab::data::Batches;
use lab::report::{Finding, ImageGrid, Note, Picture, Relation};

use super::setup::{CHOICES, CIFAR10};
use super::table1;
use crate::experiment::{Experiment, Row};
use crate::pictures;
use crate::planned::Planned;
use crate::session::Session;

/// The part of a map's cells that is shown.
const SHOWN: f64 = 0.1;
/// What is measured beside the pictures.
const STRONGEST: (&str, &str) = ("strongest map is that of the true class", "%");

/// What the paper claims.
const FINDINGS: &[Finding] = &[Finding::new(
    "The map of the true class is the strongest (this project's limit: in half of the images).",
    "Fig. 4, Sec. 4.7",
    STRONGEST.0,
    Relation::AtLeast {
        rows: &["NIN + dropout"],
        limit: 50.0,
    },
)];

pub(crate) const FIG4: Experiment =
    Experiment::new("nin/fig4", "class maps of test images", CIFAR10, rows)
        .choices(&[CHOICES])
        .findings(FINDINGS)
        .notes(&[
            Note::new(
                "A map counts as strongest if it holds the largest activation of all maps of \
                 an image.",
            ),
            Note::new(
                "The images are the first of each class, since the paper does not say how it \
                 chose.",
            ),
        ])
        .of_one_seed()
        .run(draw);

fn rows() -> Vec<Row> {
    let row = table1::with_dropout();
    vec![row.measured_error().measured(STRONGEST)]
}

fn draw(session: &mut Session, rows: &[Planned]) -> Result<()> {
    for row in rows {
        let Some(trained) = session.trained(row)? else {
            continue;
        };
        let network = trained.network.as_ref();
        let sets = session.prepare(row)?;
        let device = session.device().clone();

        let (mut right, mut images) = (0, 0);
        for batch in Batches::eval(&sets.1, 250, &device)? {
            let batch = batch?;
            let peaks = peaks(&network.forward_features(&batch.xs)?)?;
            let answers: Vec<u32> = peaks.argmax(1)?.to_vec1()?;
            let labels: Vec<u32> = batch.labels.to_vec1()?;
            right += answers.iter().zip(&labels).filter(|(a, b)| a == b).count();
            images += labels.len();
        }
        let share = 100.0 * right as f64 / images.max(1) as f64;
        session.measured(row, STRONGEST, trained.seed, Some(share), Some(images))?;

        let names = &row.data.test.class_names;
        let columns = std::iter::once("image".to_owned()).chain(names.iter().cloned());
        let mut grid = ImageGrid::new("the strongest tenth of each class map, over the image")
            .columns(columns)
            .enlarge(2);
        for (class, name) in (0..).zip(names) {
            let Some(index) = sets.1.first_of(class) else {
                continue;
            };
            let input = pictures::input(&sets.1, index, &device)?;
            let image = pictures::image(&row.data.test, index)?;
            let maps = over(&image, &network.forward_features(&input)?)?;
            grid.row(name, [vec![image], maps].concat());
        }
        session.figure("class-maps", &grid.draw()?)?;
    }
    Ok(())
}

/// The largest activation of each map, (N, K).
fn peaks(maps: &Tensor) -> candle_core::Result<Tensor> {
    maps.detach().flatten_from(2)?.max(2)
}

/// The maps over the image that they belong to, a picture for each class.
fn over(image: &Picture, maps: &Tensor) -> Result<Vec<Picture>> {
    let (h, w) = (image.height() as usize, image.width() as usize);
    let pixels = Tensor::from_slice(image.pixels(), (1, h, w, 3), maps.device())?;
    let pixels = (pixels.permute((0, 3, 1, 2))?.to_dtype(DType::F32)? / 255.0)?;
    let over: Vec<Vec<f32>> = class_maps_over(&pixels, maps, SHOWN)?
        .squeeze(0)?
        .flatten_from(1)?
        .to_vec2()?;
    let picture = |values: &Vec<f32>| Ok(Picture::new(values, (3, h, w), (0.0, 1.0))?);
    over.iter().map(picture).collect()
}
