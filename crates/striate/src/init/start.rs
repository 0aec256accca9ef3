//! A network that starts from the weights of another.

use std::collections::BTreeMap;

use candle_core::{Result, Var, bail};

use super::{LoadReport, Parameters};

impl Parameters {
    /// Takes the values of those of `other`'s parameters that have the same name and shape; the rest keeps its draw.
    ///
    /// So a network for other classes starts from trained weights: every layer but the last is taken over.
    /// Values are converted to the dtype and device of the variables; `other` stays as it is and shares nothing.
    /// The report names what was taken (`loaded`), what keeps its draw (`missing`), and what of `other` was of no use (`unexpected`).
    ///
    /// ```
    /// use striate::candle_core::{DType, Device, Result};
    /// use striate::{Parameters, layers};
    /// fn network(classes: usize, seed: u64) -> Result<Parameters> {
    ///     let parameters = Parameters::new(seed, DType::F32, &Device::Cpu);
    ///     let vb = parameters.builder();
    ///     layers::conv2d(3, 8, 3, Default::default(), vb.pp("conv1"))?;
    ///     layers::conv2d(8, classes, 1, Default::default(), vb.pp("conv2"))?;
    ///     Ok(parameters)
    /// }
    /// fn main() -> Result<()> {
    ///     let report = network(3, 1)?.start_from(&network(10, 0)?)?;
    ///     assert_eq!(report.loaded, ["conv1.bias", "conv1.weight"]);
    ///     assert_eq!(report.missing, ["conv2.bias", "conv2.weight"]);
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// Not one parameter that fits: then `other` is of another network.
    pub fn start_from(&self, other: &Self) -> Result<LoadReport> {
        let mut report = LoadReport::default();
        let mut others: BTreeMap<String, Var> = other.named().into_iter().collect();
        for (name, var) in self.named() {
            match others.get(&name) {
                Some(given) if given.shape() == var.shape() => {
                    let value = given.as_detached_tensor().to_dtype(var.dtype())?;
                    var.set(&value.to_device(var.device())?)?;
                    others.remove(&name);
                    report.loaded.push(name);
                }
                _ => report.missing.push(name),
            }
        }
        report.unexpected = others.into_keys().collect();
        if report.loaded.is_empty() {
            bail!(
                "start_from: no parameter of the network ({}) has the name and shape of one to start from ({}); give the parameters of a network of the same kind and width, built before",
                report.missing.join(", "),
                report.unexpected.join(", ")
            );
        }
        Ok(report)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    /// A weight for each shape, called `a`, `b`, and so on.
    fn parameters(shapes: &[(usize, usize)], seed: u64, dtype: DType) -> Result<Parameters> {
        let parameters = Parameters::new(seed, dtype, &Device::Cpu);
        for (shape, name) in shapes.iter().zip(["a", "b", "c"]) {
            parameters.builder().pp(name).get_with_hints(
                *shape,
                "weight",
                candle_nn::init::DEFAULT_KAIMING_NORMAL,
            )?;
        }
        Ok(parameters)
    }

    fn var(parameters: &Parameters, name: &str) -> Var {
        let mut named = parameters.named().into_iter();
        named.find(|(n, _)| n == name).expect(name).1
    }

    fn weights(parameters: &Parameters, name: &str) -> Result<Vec<f64>> {
        let var = var(parameters, name);
        var.to_dtype(DType::F64)?.flatten_all()?.to_vec1()
    }

    #[test]
    fn what_fits_is_taken_and_nothing_is_shared() -> Result<()> {
        let trained = parameters(&[(4, 3), (2, 4), (1, 1)], 1, DType::F64)?;
        let fresh = parameters(&[(4, 3), (5, 4)], 2, DType::F32)?;
        let before = weights(&fresh, "b.weight")?;
        let report = fresh.start_from(&trained)?;
        assert_eq!(report.loaded, ["a.weight"]);
        assert_eq!(report.missing, ["b.weight"]);
        assert_eq!(report.unexpected, ["b.weight", "c.weight"]);
        let rounded = |v: f64| f64::from(v as f32);
        let wanted: Vec<f64> = weights(&trained, "a.weight")?
            .into_iter()
            .map(rounded)
            .collect();
        assert_eq!(weights(&fresh, "a.weight")?, wanted);
        assert_eq!(weights(&fresh, "b.weight")?, before);
        // A step of the new network does not change the old one.
        let kept = weights(&trained, "a.weight")?;
        let var = var(&fresh, "a.weight");
        var.set(&var.zeros_like()?)?;
        assert_eq!(weights(&trained, "a.weight")?, kept);
        Ok(())
    }

    #[test]
    fn another_network_is_refused() -> Result<()> {
        let (one, other) = (
            parameters(&[(4, 3)], 0, DType::F32)?,
            parameters(&[(5, 3)], 0, DType::F32)?,
        );
        let before = weights(&one, "a.weight")?;
        let error = one
            .start_from(&other)
            .expect_err("other shapes")
            .to_string();
        assert!(error.contains("same kind and width"), "{error}");
        assert_eq!(weights(&one, "a.weight")?, before);
        Ok(())
    }
}
