//! The machine and the program that a number was measured with.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The machine and the program that a number was measured with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// The processor.
    pub machine: String,
    /// Operating system and architecture.
    pub system: String,
    /// Where the tensors were: `cpu`, `cuda:0`, ...
    pub device: String,
    /// Threads of the kernels.
    pub threads: usize,
    /// Versions by name: this program, Candle, the compiler, the commit, as far as the binary knows them.
    #[serde(default)]
    pub versions: BTreeMap<String, String>,
}

impl Environment {
    /// What can be found out about this process.
    pub fn detect(device: &candle_core::Device) -> Self {
        let device = match device.location() {
            candle_core::DeviceLocation::Cpu => "cpu".to_owned(),
            candle_core::DeviceLocation::Cuda { gpu_id } => format!("cuda:{gpu_id}"),
            candle_core::DeviceLocation::Metal { gpu_id } => format!("metal:{gpu_id}"),
        };
        let versions = [("striate", env!("CARGO_PKG_VERSION"))];
        Self {
            machine: processor(),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            device,
            threads: rayon::current_num_threads(),
            versions: versions.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        }
    }

    /// One line for a table's legend.
    pub fn summary(&self) -> String {
        let threads = match self.threads {
            1 => "1 thread".to_owned(),
            n => format!("{n} threads"),
        };
        match self.device.as_str() {
            "cpu" => format!("{}, {threads}", self.machine),
            device => format!("{device} on {}, {threads}", self.machine),
        }
    }
}

/// The processor's name, where the system tells it, else its architecture.
fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    processor_in(&text).unwrap_or_else(|| format!("{} processor", std::env::consts::ARCH))
}

fn processor_in(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo
        .lines()
        .find(|line| line.starts_with("model name"))?;
    let (_, name) = line.split_once(':')?;
    let words: Vec<&str> = name.split_whitespace().collect();
    (!words.is_empty()).then(|| words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors() {
        let text = "processor\t: 0\nmodel name\t: Some CPU  @ 2.00GHz\nflags\t: a b\n";
        assert_eq!(processor_in(text).as_deref(), Some("Some CPU @ 2.00GHz"));
        assert_eq!(processor_in("model name :\n"), None);
        assert_eq!(processor_in(""), None);
    }

    #[test]
    fn summary() {
        let mut environment = Environment::detect(&candle_core::Device::Cpu);
        environment.machine = "M".to_owned();
        environment.threads = 1;
        assert_eq!(environment.summary(), "M, 1 thread");
        environment.device = "cuda:0".to_owned();
        environment.threads = 2;
        assert_eq!(environment.summary(), "cuda:0 on M, 2 threads");
    }
}
