//! What the four transformers of ST-CNN Multi look at: test numbers, and the part of each that every transformer passes on.

use anyhow::Result;
use candle_core::{Device, Tensor};
use lab::data::FloatSet;
use lab::report::{ImageGrid, Picture};
use stn::networks::HouseNumberNet;
use stn::{AffineGrid, AlignCorners, grid::compose};

use super::grid_overlay::{gray, with_grid};
use crate::pictures;

/// Test numbers that are shown.
const SHOWN: usize = 8;

/// One column a number: the image, and the grid of each transformer as it lies on the image.
///
/// A transformer after the first sees maps that the ones before it have moved,
/// so its grid on the image is that of all of them in series.
pub(super) fn draw(network: &HouseNumberNet, test: &FloatSet, title: &str) -> Result<Picture> {
    let generator = AffineGrid::new((test.height, test.width), AlignCorners::Yes)?;
    let mut rows: Vec<Vec<Picture>> = Vec::new();
    let mut push = |at: usize, picture| {
        rows.resize_with(rows.len().max(at + 1), Vec::new);
        rows[at].push(picture);
    };
    for index in 0..SHOWN.min(test.len()) {
        let input = pictures::input(test, index, &Device::Cpu)?;
        let image = brightness(&input)?;
        push(0, gray(&image)?);
        let mut series: Option<Tensor> = None;
        for (at, transformed) in network.transform(&input)?.iter().enumerate() {
            let theta = transformed.theta.detach().reshape((1, 2, 3))?;
            let theta = match &series {
                Some(before) => compose(before, &theta)?,
                None => theta,
            };
            push(
                at + 1,
                with_grid(&image, &generator, &theta.flatten_from(1)?)?,
            );
            series = Some(theta);
        }
    }
    let mut grid = ImageGrid::new(format!("{title}: test numbers"));
    for (at, row) in rows.into_iter().enumerate() {
        let name = match at {
            0 => "input".to_owned(),
            at => format!("transformer {at}"),
        };
        grid.row(name, row);
    }
    Ok(grid.draw()?)
}

/// The mean of the channels of (1, C, H, W), from 0 to 1.
fn brightness(input: &Tensor) -> Result<Tensor> {
    let image = input.squeeze(0)?.mean(0)?;
    let values = image.flatten_all()?;
    let least = values.min(0)?.to_scalar::<f32>()?;
    let most = values.max(0)?.to_scalar::<f32>()?;
    let range = f64::from(most - least).max(f64::MIN_POSITIVE);
    Ok(((image - f64::from(least))? / range)?)
}

#[cfg(test)]
mod tests {
    use candle_core::DType;
    use stn::networks::{HouseNumberConfig, Placement};
    use striate::Parameters;

    use super::*;

    /// New transformers pass the image through, so all grids frame it alike.
    #[test]
    fn every_transformer_has_a_row() -> Result<()> {
        let config = HouseNumberConfig {
            width: 0.05,
            ..HouseNumberConfig::paper(16, Placement::Multi)
        };
        let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
        let network = HouseNumberNet::new(&config, parameters.builder())?;
        let values = (0..3 * 256).map(|at| at as f32 / 768.0).collect();
        let set = FloatSet::new((3, 16, 16), values, vec![0], 10)?;
        let picture = draw(&network, &set, "a")?;
        let plain = HouseNumberConfig {
            placement: Placement::None,
            ..config
        };
        let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
        let plain = HouseNumberNet::new(&plain, parameters.builder())?;
        let one_row = draw(&plain, &set, "a")?;
        assert!(picture.height() > one_row.height() + 4 * 48);
        Ok(())
    }
}
