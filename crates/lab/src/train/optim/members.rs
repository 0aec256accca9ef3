//! The tensors that an optimizer trains: name, variable, own settings, state.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Result, Tensor, Var, bail};

use super::super::group::{ParamGroup, assign};
use super::TrainError;
use super::buffer::{Buffer, compute_dtype};

/// One tensor.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) var: Var,
    /// What the learning rate is multiplied by; 0 freezes the tensor.
    pub(super) lr_factor: f64,
    pub(super) weight_decay: f64,
    /// Updates so far.
    pub(super) steps: u64,
    /// The state; empty before the first update.
    pub(super) buffers: Vec<Buffer>,
}

/// The name under which the number of updates of a tensor is saved.
const STEPS: &str = "steps";

/// Resolves the groups.
pub(super) fn members(
    params: Vec<(String, Var)>,
    groups: &[ParamGroup],
    weight_decay: f64,
) -> std::result::Result<Vec<Member>, TrainError> {
    let names: Vec<String> = params.iter().map(|(name, _)| name.clone()).collect();
    let owners = assign(groups, &names)?;
    let member = |((name, var), owner): ((String, Var), Option<usize>)| {
        let group = owner.and_then(|index| groups.get(index));
        Member {
            name,
            var,
            lr_factor: group.map_or(1.0, |group| group.lr_factor),
            weight_decay: group
                .and_then(|group| group.weight_decay)
                .unwrap_or(weight_decay),
            steps: 0,
            buffers: Vec::new(),
        }
    };
    Ok(params.into_iter().zip(owners).map(member).collect())
}

/// The state of all members, under the names of their `quantities`.
pub(super) fn state(members: &[Member], quantities: &[&str]) -> Result<BTreeMap<String, Tensor>> {
    let mut state = BTreeMap::new();
    for member in members.iter().filter(|member| !member.buffers.is_empty()) {
        let steps = Tensor::new(&[member.steps as i64], &Device::Cpu)?;
        state.insert(format!("{STEPS}/{}", member.name), steps);
        for (quantity, buffer) in quantities.iter().zip(&member.buffers) {
            let tensor = buffer.to_tensor(&member.var)?;
            state.insert(format!("{quantity}/{}", member.name), tensor);
        }
    }
    Ok(state)
}

/// Replaces the state of all members; changes nothing on an error.
pub(super) fn load_state(
    members: &mut [Member],
    quantities: &[&str],
    state: &BTreeMap<String, Tensor>,
) -> Result<()> {
    let mut used = 0;
    let mut loaded = Vec::with_capacity(members.len());
    for member in members.iter() {
        let entry = |quantity: &str| state.get(&format!("{quantity}/{}", member.name));
        let Some(steps) = entry(STEPS) else {
            loaded.push((0, Vec::new()));
            continue;
        };
        let steps: i64 = steps.flatten_all()?.get(0)?.to_scalar()?;
        let mut buffers = Vec::with_capacity(quantities.len());
        for quantity in quantities {
            let Some(tensor) = entry(quantity) else {
                bail!("optimizer state: {quantity}/{} is missing", member.name)
            };
            check(tensor, quantity, member)?;
            buffers.push(Buffer::from_tensor(tensor, &member.var)?);
        }
        used += 1 + buffers.len();
        loaded.push((steps.max(0) as u64, buffers));
    }
    if used != state.len() {
        let known = |name: &str| {
            let (quantity, tensor) = name.split_once('/').unwrap_or(("", name));
            (quantity == STEPS || quantities.contains(&quantity))
                && members.iter().any(|member| member.name == tensor)
        };
        let foreign: Vec<&str> = state.keys().map(String::as_str).collect();
        let foreign: Vec<&str> = foreign.into_iter().filter(|name| !known(name)).collect();
        bail!(
            "optimizer state: [{}] do not belong to this optimizer and these parameters, or lack their {STEPS}",
            foreign.join(", ")
        )
    }
    for (member, (steps, buffers)) in members.iter_mut().zip(loaded) {
        (member.steps, member.buffers) = (steps, buffers);
    }
    Ok(())
}

fn check(tensor: &Tensor, quantity: &str, member: &Member) -> Result<()> {
    let (name, var) = (&member.name, &member.var);
    let wanted: DType = compute_dtype(var);
    if tensor.shape() != var.shape() || tensor.dtype() != wanted {
        bail!(
            "optimizer state: {quantity}/{name} is {:?} {:?}, the parameter wants {wanted:?} {:?}",
            tensor.dtype(),
            tensor.shape(),
            var.shape()
        )
    }
    Ok(())
}
