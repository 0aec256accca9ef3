//! The plain types of the command line as those of `lab` and Candle.

use anyhow::{Context, Result};
use candle_core::Device;
use lab::data::Source;
use lab::report::Scale;

pub(crate) fn scale(scale: ::cli::Scale) -> Scale {
    match scale {
        ::cli::Scale::Smoke => Scale::Smoke,
        ::cli::Scale::Quick => Scale::Quick,
        ::cli::Scale::Cpu => Scale::Cpu,
        ::cli::Scale::Paper => Scale::Paper,
    }
}

pub(crate) fn source(source: &::cli::Source) -> Source {
    match source {
        ::cli::Source::Embedded => Source::Embedded,
        ::cli::Source::Hub => Source::Hub,
        ::cli::Source::Dir(dir) => Source::Dir(dir.clone()),
    }
}

pub(crate) fn device(device: ::cli::Device) -> Result<Device> {
    let opened = match device {
        ::cli::Device::Cpu => Ok(Device::Cpu),
        ::cli::Device::Cuda(number) => Device::new_cuda(number),
        ::cli::Device::Metal(number) => Device::new_metal(number),
    };
    opened.with_context(|| match device.feature() {
        Some(feature) => {
            format!("--device {device}: needs such a device and a build with the feature {feature}")
        }
        None => format!("--device {device}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_crates_name_the_scales_alike() {
        use clap::ValueEnum;
        let names = ::cli::Scale::value_variants().iter();
        let ours: Vec<&str> = names.clone().map(|s| scale(*s).name()).collect();
        assert_eq!(ours, names.map(|s| s.name()).collect::<Vec<_>>());
        assert_eq!(ours, Scale::ALL.map(Scale::name));
    }

    #[test]
    fn a_device_that_is_not_there_is_an_error() {
        assert!(device(::cli::Device::Cpu).is_ok());
        if let Err(error) = device(::cli::Device::Cuda(99)) {
            assert!(error.to_string().contains("--device cuda:99"), "{error}");
        }
    }
}
