//! Reference softmax cross-entropy: plain loops, no speed.
//!
//! ```text
//! softmax(z)[k] = exp(z[k]) / sum over m of exp(z[m])
//! loss = mean over rows of -ln softmax(z)[label]
//! dz[k] = (softmax(z)[k] - [k = label]) / rows
//! ```

/// The loss and its gradient for rows of `classes` logits.
pub fn cross_entropy(classes: usize, logits: &[f64], labels: &[u32]) -> (f64, Vec<f64>) {
    let rows = labels.len() as f64;
    let (mut loss, mut gradient) = (0.0, Vec::new());
    for (z, &label) in logits.chunks_exact(classes).zip(labels) {
        let sum: f64 = z.iter().map(|z| z.exp()).sum();
        let softmax = |k: usize| z[k].exp() / sum;
        loss -= softmax(label as usize).ln() / rows;
        for k in 0..classes {
            let target = if k == label as usize { 1.0 } else { 0.0 };
            gradient.push((softmax(k) - target) / rows);
        }
    }
    (loss, gradient)
}
