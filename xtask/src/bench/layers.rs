//! `cargo xtask bench layers`: each convolution layer as a share of the machine's own matrix product.

use std::fmt::Write as _;

use anyhow::{Context, Result};

use super::sample::Series;

/// The passes of a layer, as the binary `bench` calls them.
const PASSES: [&str; 3] = ["forward", "input", "weight"];

/// The case that the others are compared with.
const PRODUCT: &str = "sgemm";

/// A table of layers and passes: operations by definition in a second, as a share of the matrix product's.
///
/// `gflop` has the operations of each series' case.
pub(super) fn table(series: &[Series], gflop: &[f64]) -> Result<String> {
    let rate = |case: &str| {
        let at = series.iter().position(|series| series.case == case)?;
        Some(gflop[at] / series[at].median() * 1e3)
    };
    let product = rate(PRODUCT).with_context(|| format!("`bench` has no case {PRODUCT:?}"))?;
    let mut text = format!(
        "The matrix product of the crate `gemm`, which Candle builds without AVX-512, makes {product:.0} GFLOP/s here.\n\n\
         | layer | forward | input gradient | weight gradient |\n|:--|--:|--:|--:|\n"
    );
    let names = series.iter().filter_map(|series| {
        let (layer, pass) = series.case.split_once('.')?;
        (pass == PASSES[0]).then_some(layer)
    });
    for layer in names {
        let _ = write!(text, "| {layer} ");
        for pass in PASSES {
            match rate(&format!("{layer}.{pass}")) {
                Some(rate) => {
                    let _ = write!(text, "| {:.0} % ", 100.0 * rate / product);
                }
                None => text.push_str("| - "),
            }
        }
        text.push_str("|\n");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_the_product() {
        let series = [
            Series::of("striate", "sgemm", &[10.0], 1.0),
            Series::of("striate", "L1.forward", &[5.0], 1.0),
            Series::of("striate", "L1.input", &[20.0], 1.0),
        ];
        let text = table(&series, &[1.0, 1.0, 1.0]).unwrap();
        assert!(text.contains("makes 100 GFLOP/s"), "{text}");
        assert!(text.ends_with("| L1 | 200 % | 50 % | - |\n"), "{text}");
        assert!(table(&series[1..], &[1.0, 1.0]).is_err());
    }
}
