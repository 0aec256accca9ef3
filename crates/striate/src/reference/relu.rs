//! Reference ReLU and its three gradients: the definitions, no speed.
//!
//! The rules are those of the All-CNN paper (arXiv 1412.6806), section 4 and Fig. 1.

/// max(0, x); NaN stays NaN.
pub fn relu(x: f64) -> f64 {
    if x < 0.0 { 0.0 } else { x }
}

/// Backpropagation through a ReLU with input x: g where x is positive.
pub fn backprop(x: f64, g: f64) -> f64 {
    if x > 0.0 { g } else { 0.0 }
}

/// The deconvnet's rule: g where g is positive.
pub fn deconvnet(_x: f64, g: f64) -> f64 {
    if g > 0.0 { g } else { 0.0 }
}

/// Guided backpropagation: g where both are positive.
pub fn guided(x: f64, g: f64) -> f64 {
    if x > 0.0 && g > 0.0 { g } else { 0.0 }
}
