//! Gradient, deconvnet and guided backpropagation equal to Captum's: the group `attribution`.
//!
//! Cases are read from the folder `STRIATE_FIXTURES`, or from `fixtures` beside this crate.

use allconv::attribution::{Attribution, Deconvnet, Gradient, GuidedBackprop, Target};
use allconv::{AllConv, LayerSpec, Nonlinearity};
use candle_core::{DType, Device, Result};
use striate::testing::{Tolerance, assert_close};
use striate::{Parameters, Window2d};

use crate::fixtures;

#[test]
fn matches_captum() -> Result<()> {
    for case in fixtures::cases("attribution")? {
        let input = case.tensor("input")?;
        let dtype = input.dtype();
        let mut specs = Vec::new();
        for (index, layer) in case.list("layers")?.iter().enumerate() {
            let pair = |key: &str, default| layer.pair(key, default);
            specs.push(LayerSpec::Conv {
                name: format!("conv{}", index + 1),
                window: Window2d {
                    stride: pair("stride", 1)?,
                    padding: pair("padding", 0)?,
                    ..Window2d::new(pair("kernel", 1)?)
                },
                channels: layer.whole("cout", 0)?,
                nonlinearity: Nonlinearity::Relu,
            });
        }
        let layers = specs.len();
        let parameters = Parameters::new(0, dtype, &Device::Cpu);
        let network = AllConv::from_layers(input.dim(1)?, specs, parameters.builder())?;
        for (name, var) in parameters.named() {
            let (layer, kind) = name.split_once('.').unwrap_or_default();
            let index: usize = layer.trim_start_matches("conv").parse().expect("a number");
            assert!(index <= layers);
            var.set(case.tensor(&format!("{kind}{}", index - 1))?)?;
        }
        let tolerance = Tolerance::of(dtype);
        let logits = network.forward(input)?;
        assert_close(&case.name, &logits, case.tensor("logits")?, tolerance);
        let target = case
            .tensor("target")?
            .to_dtype(DType::U32)?
            .to_vec1::<u32>()?;
        let target = Target::classes(target.into_iter().map(|class| class as usize));
        let methods: [(&str, &dyn Attribution); 3] = [
            ("saliency", &Gradient::new(&network)),
            ("deconvnet", &Deconvnet::new(&network)),
            ("guided", &GuidedBackprop::new(&network)),
        ];
        for (key, method) in methods {
            let what = format!("{}, {key}", case.name);
            let found = method.attribute(input, &target)?;
            assert_close(&what, &found, case.tensor(key)?, tolerance);
        }
    }
    Ok(())
}
