//! Parameter groups: tensors, chosen by name, with their own learning rate and weight decay.

use serde::{Deserialize, Serialize};

use super::TrainError;

/// Tensors that are trained differently from the rest.
///
/// A pattern is a tensor name in which `*` stands for any run of characters and `?` for one:
/// `*.bias` are all biases, `loc.*` is everything below `loc`.
/// A tensor belongs to the first group whose pattern fits; the rest follow the optimizer's settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParamGroup {
    /// Which tensors.
    pub pattern: String,
    /// What the learning rate is multiplied by; 0 freezes the tensors.
    #[serde(default = "one")]
    pub lr_factor: f64,
    /// Their weight decay, if not the optimizer's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_decay: Option<f64>,
}

fn one() -> f64 {
    1.0
}

impl ParamGroup {
    /// The tensors whose names fit `pattern`, trained like the rest unless set otherwise.
    ///
    /// ```
    /// let biases = lab::train::ParamGroup::new("*.bias").lr_factor(2.0).weight_decay(0.0);
    /// assert!(biases.fits("conv1.bias") && !biases.fits("conv1.weight"));
    /// ```
    pub fn new(pattern: impl Into<String>) -> Self {
        Self {
            pattern: pattern.into(),
            lr_factor: 1.0,
            weight_decay: None,
        }
    }

    /// The same with the learning rate multiplied by `factor`; 0 freezes the tensors.
    pub fn lr_factor(self, factor: f64) -> Self {
        Self {
            lr_factor: factor,
            ..self
        }
    }

    /// The same with this weight decay.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Self {
            weight_decay: Some(weight_decay),
            ..self
        }
    }

    /// Whether the pattern fits this tensor name.
    pub fn fits(&self, name: &str) -> bool {
        let pattern: Vec<char> = self.pattern.chars().collect();
        let name: Vec<char> = name.chars().collect();
        glob(&pattern, &name)
    }
}

/// Whether `pattern` describes all of `name`. Backtracks to the last star only, so the time is bounded.
fn glob(pattern: &[char], name: &[char]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(&c) if c == '?' || c == name[n] => (p, n) = (p + 1, n + 1),
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (p, n) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

/// The group of each tensor: an index into `groups`, or `None` for the rest.
///
/// # Errors
/// A group with numbers that mean nothing, or one that no tensor belongs to.
pub(super) fn assign(
    groups: &[ParamGroup],
    names: &[String],
) -> Result<Vec<Option<usize>>, TrainError> {
    for group in groups {
        let key = |field: &str| format!("groups[{:?}].{field}", group.pattern);
        let number = |value: f64| value.is_finite() && value >= 0.0;
        if !number(group.lr_factor) {
            let found = group.lr_factor.to_string();
            return Err(TrainError::recipe(
                key("lr_factor"),
                found,
                "a number that is not negative",
            ));
        }
        if let Some(decay) = group.weight_decay.filter(|&decay| !number(decay)) {
            let wanted = "a number that is not negative";
            return Err(TrainError::recipe(
                key("weight_decay"),
                decay.to_string(),
                wanted,
            ));
        }
    }
    let owner = |name: &String| groups.iter().position(|group| group.fits(name));
    let owners: Vec<Option<usize>> = names.iter().map(owner).collect();
    for (index, group) in groups.iter().enumerate() {
        if owners.contains(&Some(index)) {
            continue;
        }
        let pattern = group.pattern.clone();
        return Err(match names.iter().any(|name| group.fits(name)) {
            true => TrainError::ShadowedGroup { pattern },
            false => TrainError::EmptyGroup {
                pattern,
                known: names.join(", "),
            },
        });
    }
    Ok(owners)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name, fits) in [
            ("conv1.weight", "conv1.weight", true),
            ("conv1.weight", "conv1.weights", false),
            ("*.bias", "block.2.conv.bias", true),
            ("*.bias", "bias", false),
            ("*bias", "bias", true),
            ("loc.*", "loc.fc.weight", true),
            ("conv?.weight", "conv3.weight", true),
            ("conv?.weight", "conv12.weight", false),
            ("*a*b*c", "xxaxxbxxbxxc", true),
            ("*a*b*c", "xxaxxcxxb", false),
            ("*", "", true),
            ("", "a", false),
        ] {
            assert_eq!(
                ParamGroup::new(pattern).fits(name),
                fits,
                "{pattern} {name}"
            );
        }
    }

    #[test]
    fn the_first_match_wins() {
        let names = ["a.bias", "a.weight", "b.bias"].map(String::from);
        let groups = [ParamGroup::new("a.bias"), ParamGroup::new("*.bias")];
        let owners = assign(&groups, &names).unwrap();
        assert_eq!(owners, [Some(0), None, Some(1)]);
    }

    #[test]
    fn errors() {
        let names = ["a.bias", "a.weight"].map(String::from);
        let text = |groups: &[ParamGroup]| assign(groups, &names).unwrap_err().to_string();
        assert_eq!(
            text(&[ParamGroup::new("*.biases")]),
            "recipe: no tensor fits the group \"*.biases\"; the tensors are a.bias, a.weight"
        );
        assert_eq!(
            text(&[ParamGroup::new("*"), ParamGroup::new("*.bias")]),
            "recipe: earlier groups take every tensor of the group \"*.bias\"; put it before them"
        );
        assert_eq!(
            text(&[ParamGroup::new("*").lr_factor(-1.0)]),
            "recipe: groups[\"*\"].lr_factor is -1, wanted a number that is not negative"
        );
        assert!(text(&[ParamGroup::new("*").weight_decay(f64::NAN)]).contains("weight_decay"));
    }
}
