//! The device that computes.

use std::fmt;
use std::str::FromStr;

/// The device that computes, as it is named on the command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Device {
    /// The processor.
    #[default]
    Cpu,
    /// An NVIDIA GPU, by its number.
    Cuda(usize),
    /// An Apple GPU, by its number.
    Metal(usize),
}

impl Device {
    /// The cargo feature that a program needs for this device.
    pub fn feature(self) -> Option<&'static str> {
        match self {
            Self::Cpu => None,
            Self::Cuda(_) => Some("cuda"),
            Self::Metal(_) => Some("metal"),
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
            Self::Metal(number) => write!(f, "metal:{number}"),
        }
    }
}

impl FromStr for Device {
    type Err = String;

    /// `cpu`, `cuda`, `cuda:N`, `metal` or `metal:N`; without a number the first device.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, number) = text.split_once(':').unwrap_or((text, "0"));
        match (kind, number.parse()) {
            ("cpu", _) if text == "cpu" => Ok(Self::Cpu),
            ("cuda", Ok(number)) => Ok(Self::Cuda(number)),
            ("metal", Ok(number)) => Ok(Self::Metal(number)),
            _ => Err("wanted cpu, cuda:N or metal:N".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_read_and_written() {
        for text in ["cpu", "cuda:0", "cuda:3", "metal:1"] {
            let device: Device = text.parse().expect(text);
            assert_eq!(device.to_string(), text);
        }
        assert_eq!("cuda".parse(), Ok(Device::Cuda(0)));
        for wrong in ["tpu", "cuda:x", "cuda:", "cpu:0", "cpu:x", ""] {
            assert!(wrong.parse::<Device>().is_err(), "{wrong:?}");
        }
    }
}
