//! The samples of one peer and case, and their JSON line.

use super::peer::{Peer, Sample};
use super::setting::Setting;

/// All samples of one case on one peer.
#[derive(Clone, Debug)]
pub(super) struct Series {
    pub(super) peer: String,
    /// PyTorch's version, or the level of striate's vectors.
    version: String,
    pub(super) case: String,
    samples: Vec<Sample>,
}

impl Series {
    pub(super) fn new(peer: &Peer, case: &str) -> Self {
        Self {
            peer: peer.name.clone(),
            version: peer.version.clone(),
            case: case.to_owned(),
            samples: Vec::new(),
        }
    }

    #[cfg(test)]
    pub(super) fn of(peer: &str, case: &str, ms: &[f64], mib: f64) -> Self {
        Self {
            peer: peer.to_owned(),
            version: String::new(),
            case: case.to_owned(),
            samples: ms.iter().map(|&ms| Sample { ms, mib }).collect(),
        }
    }

    pub(super) fn push(&mut self, sample: Sample) {
        self.samples.push(sample);
    }

    /// The median time in milliseconds.
    pub(super) fn median(&self) -> f64 {
        let times = self.sorted();
        let middle = times.len() / 2;
        match times.len() {
            0 => f64::NAN,
            n if n % 2 == 1 => times[middle],
            _ => (times[middle - 1] + times[middle]) / 2.0,
        }
    }

    /// The shortest time in milliseconds.
    pub(super) fn min(&self) -> f64 {
        self.sorted().first().copied().unwrap_or(f64::NAN)
    }

    /// Peak memory of the process in MiB.
    pub(super) fn peak(&self) -> f64 {
        self.samples.iter().fold(0.0, |most, s| s.mib.max(most))
    }

    fn sorted(&self) -> Vec<f64> {
        let mut times: Vec<f64> = self.samples.iter().map(|sample| sample.ms).collect();
        times.sort_by(f64::total_cmp);
        times
    }

    /// One JSON line in the form that the peers print when they run alone.
    pub(super) fn json(&self, setting: &Setting) -> String {
        let (peer, variant) = match self.peer.split_once(' ') {
            Some((peer, variant)) => (peer, variant),
            None => (self.peer.as_str(), self.version.as_str()),
        };
        let times: Vec<String> = self
            .samples
            .iter()
            .map(|s| format!("{:.4}", s.ms))
            .collect();
        format!(
            "{{\"peer\": \"{peer}\", \"variant\": \"{variant}\", \"threads\": {}, \"work\": \"{}\", \"case\": \"{}\", \
             \"batch\": {}, \"size\": {}, \"avx512\": {}, \"median_ms\": {:.4}, \"min_ms\": {:.4}, \"reps\": {}, \
             \"images_per_s\": {:.2}, \"peak_rss_mib\": {:.0}, \"times_ms\": [{}]}}",
            setting.threads,
            setting.work,
            self.case,
            setting.batch,
            setting.size,
            !setting.avx2,
            self.median(),
            self.min(),
            self.samples.len(),
            setting.batch as f64 / self.median() * 1e3,
            self.peak(),
            times.join(", "),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_min_and_peak() {
        let odd = Series::of("striate", "step", &[3.0, 1.0, 2.0], 7.0);
        assert_eq!((odd.median(), odd.min(), odd.peak()), (2.0, 1.0, 7.0));
        assert_eq!(
            Series::of("striate", "step", &[3.0, 1.0], 7.0).median(),
            2.0
        );
    }
}
