//! Finds ReLUs that are not `striate`'s: they would silently keep their own gradient.
//!
//! A graph tells the values of its nodes but not its ops.
//! A ReLU is known by its values: a node y whose values are max(0, x) of another node x, of which some are negative.
//! `striate`'s own are known by their ids, and those that it fuses into a convolution have no node x.
//! A node that shows the memory of one of them in another shape is no ReLU of its own,
//! nor is one that has its values in another dtype, as ops in half precision make them,
//! or repeats them and passes on every signal, as a pooling over one cell does.

use candle_core::{DType, Error, Result, Storage, Tensor, TensorId};
use striate::{Network, ReluRule, trace_relus};

/// Whether the graph of `output`, a function of `input`, holds a ReLU that is not among `ours`.
pub(super) fn has_foreign_relu(output: &Tensor, input: &Tensor, ours: &[TensorId]) -> Result<bool> {
    let nodes = output.sorted_nodes();
    let mut clipped: Vec<(usize, Vec<f32>)> = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        let values = values(node)?;
        if values.iter().any(|&x| x < 0.0) {
            clipped.push((index, values.into_iter().map(|x| x.max(0.0)).collect()));
        }
    }
    let known = nodes.iter().filter(|node| ours.contains(&node.id()));
    let known: Vec<&Tensor> = known.copied().collect();
    for node in &nodes {
        if known.iter().any(|known| memory(known) == memory(node)) {
            continue;
        }
        let mut own: Option<Vec<f32>> = None;
        for (index, wanted) in &clipped {
            if nodes[*index].elem_count() != node.elem_count() {
                continue;
            }
            let own = match &own {
                Some(own) => own,
                None => own.insert(values(node)?),
            };
            // A map that is zero everywhere is max(0, x) of every negative map: no evidence.
            let evident = own == wanted && own.iter().any(|&y| y > 0.0);
            if evident && !repeats(node, own, &known, input)? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Whether a node with these values is one of `known` in another dtype, or repeats it and passes on every signal.
///
/// A ReLU beside a known one has its values too, but stops signals that the rule of the known one does not.
fn repeats(
    node: &Tensor,
    values_of_node: &[f32],
    known: &[&Tensor],
    input: &Tensor,
) -> Result<bool> {
    for known in known {
        if values(known)? == values_of_node
            && (known.dtype() != node.dtype() || signals(known, input)? == signals(node, input)?)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What arrives at `input` if every value of the node sends 1, and if it sends -1.
fn signals(node: &Tensor, input: &Tensor) -> Result<[Option<Vec<f32>>; 2]> {
    let signal = |sent: f64| {
        let gradients = (node.sum_all()? * sent)?.backward()?;
        gradients.get(input).map(values).transpose()
    };
    Ok([signal(1.0)?, signal(-1.0)?])
}

/// Where the values of a node are; views share it. Only compared, never read.
fn memory(node: &Tensor) -> *const Storage {
    let (storage, _) = node.storage_and_layout();
    &raw const *storage
}

fn values(node: &Tensor) -> Result<Vec<f32>> {
    node.detach().to_dtype(DType::F32)?.flatten_all()?.to_vec1()
}

/// The error that names the first layer with such a ReLU.
pub(super) fn refusal(network: &dyn Network, input: &Tensor, layer: &str, rule: ReluRule) -> Error {
    let found = |name: &String| {
        let (output, ours) = trace_relus(|| rule.scope(|| network.forward_to(input, name)));
        output.is_ok_and(|output| has_foreign_relu(&output, input, &ours).unwrap_or(false))
    };
    let first = network.layer_names().into_iter().find(found);
    let first = first.unwrap_or_else(|| layer.to_owned());
    Error::Msg(format!(
        "attribution: {first} contains a ReLU that is not striate's, so the rule {rule:?} cannot reach it; \
         use striate::relu or the activation of striate's convolution there"
    ))
    .bt()
}
