//! Networks equal to PyTorch's: the state dict that PyTorch wrote gives its answers and gradients.
//!
//! Reads the group `networks` in the folder named by `STRIATE_FIXTURES`
//! (default `tests/fixtures`, made by `generate_networks.py` there).

use allconv::{AllConv, Config, torch};
use candle_core::{DType, Device, Result, Var};
use striate::Parameters;
use striate::init::Match;
use striate::testing::{Tolerance, assert_close};

use crate::fixtures;

/// The part of the paper's width that the fixtures have.
const WIDTH: f64 = 1.0 / 24.0;
/// The size of their images.
const IMAGE_SIZE: (usize, usize) = (20, 18);

#[test]
fn all_cnn_matches_torch() -> Result<()> {
    let Some(folder) = fixtures::folder_of("networks") else {
        return Ok(());
    };
    for case in fixtures::cases("networks")? {
        let name = case.name.trim_start_matches("networks/");
        let Ok(architecture) = name.parse() else {
            panic!("{name} is none of the paper's networks");
        };
        let config = Config {
            width: WIDTH,
            image_size: IMAGE_SIZE,
            ..Config::cifar10(architecture)
        };
        let parameters = Parameters::new(0, DType::F32, &Device::Cpu);
        let network = AllConv::new(&config, parameters.builder())?;
        let file = folder.join("networks").join(format!("{name}.pt"));
        let map = torch::load(&parameters, &network, file, Match::Strict)?;
        assert_eq!(map.loaded.len(), parameters.named().len(), "{name}");

        let images = Var::from_tensor(case.tensor("input")?)?;
        let output = network.forward(&images)?;
        let tolerance = Tolerance::of(DType::F32);
        assert_close(&case.name, &output, case.tensor("output")?, tolerance);
        let loss = output.mul(case.tensor("grad_output")?)?.sum_all()?;
        let gradients = loss.backward()?;
        let first = parameters
            .named()
            .into_iter()
            .find(|(name, _)| name == "conv1.weight");
        let first = first.map(|(_, var)| var);
        for (key, var) in [
            ("grad_input", Some(&images)),
            ("grad_first", first.as_ref()),
        ] {
            match var.and_then(|var| gradients.get(var)) {
                Some(gradient) => assert_close(
                    &format!("{name}, {key}"),
                    gradient,
                    case.tensor(key)?,
                    tolerance,
                ),
                None => panic!("{name}: no gradient for {key}"),
            }
        }
    }
    Ok(())
}
