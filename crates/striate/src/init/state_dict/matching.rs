//! Which module of a state dict belongs to which layer of a network.

use std::cmp::Ordering;

/// Steps of the search for an order; a few times the number of layers is enough unless many shapes are equal.
const MAX_STEPS: usize = 100_000;

/// What the search for an order found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// For each layer the index of its module.
    One(Vec<usize>),
    /// More than one order fits.
    Several,
    /// No order fits.
    None,
}

/// Puts modules into an order in which each fits its layer.
///
/// Names that differ in their numbers alone (`conv1`, `conv2`) stay in the order of these numbers;
/// where names differ otherwise (`conv8`, `class_conv`), nothing says which comes first, and the shapes must.
/// `fits(layer, module)` compares shapes.
pub(super) fn order(layers: usize, names: &[&str], fits: impl Fn(usize, usize) -> bool) -> Found {
    if layers != names.len() {
        return Found::None;
    }
    let mut search = Search {
        sequences: sequences(names),
        fits,
        layers,
        path: Vec::with_capacity(layers),
        steps: 0,
        found: Vec::new(),
    };
    search.extend();
    match search.found.len() {
        0 if search.steps > MAX_STEPS => Found::Several,
        0 => Found::None,
        1 if search.steps <= MAX_STEPS => Found::One(search.found.remove(0)),
        _ => Found::Several,
    }
}

/// Whether the numbers in the names say the order of all of them.
pub(super) fn differ_in_numbers_alone(names: &[&str]) -> bool {
    let mut stems = names.iter().map(|name| stem(name));
    let first = stems.next();
    stems.all(|stem| Some(stem) == first)
}

/// A name without its numbers.
fn stem(name: &str) -> String {
    name.replace(|c: char| c.is_ascii_digit(), "")
}

/// Indices of the modules whose names differ in their numbers alone, each list sorted by these.
fn sequences(names: &[&str]) -> Vec<Vec<usize>> {
    let mut sequences: Vec<(String, Vec<usize>)> = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let stem = stem(name);
        match sequences.iter_mut().find(|(known, _)| *known == stem) {
            Some((_, members)) => members.push(index),
            None => sequences.push((stem, vec![index])),
        }
    }
    let sorted = |(_, mut members): (String, Vec<usize>)| {
        members.sort_by(|&a, &b| natural(names[a], names[b]));
        members.reverse();
        members
    };
    sequences.into_iter().map(sorted).collect()
}

struct Search<F> {
    /// What is left of each sequence, the next module last.
    sequences: Vec<Vec<usize>>,
    fits: F,
    layers: usize,
    path: Vec<usize>,
    steps: usize,
    found: Vec<Vec<usize>>,
}

impl<F: Fn(usize, usize) -> bool> Search<F> {
    /// Tries every module that may come next; stops at the second order that fits.
    fn extend(&mut self) {
        self.steps += 1;
        if self.path.len() == self.layers {
            self.found.push(self.path.clone());
            return;
        }
        for sequence in 0..self.sequences.len() {
            if self.found.len() > 1 || self.steps > MAX_STEPS {
                return;
            }
            let Some(&module) = self.sequences[sequence].last() else {
                continue;
            };
            if (self.fits)(self.path.len(), module) {
                self.sequences[sequence].pop();
                self.path.push(module);
                self.extend();
                self.path.pop();
                self.sequences[sequence].push(module);
            }
        }
    }
}

/// Order of two names in which runs of digits count as numbers.
pub(super) fn natural(a: &str, b: &str) -> Ordering {
    let key = |name: &str| {
        let mut parts: Vec<(u64, String)> = Vec::new();
        let mut rest = name;
        while !rest.is_empty() {
            let digits = rest
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(rest.len());
            let end = if digits > 0 {
                digits
            } else {
                rest.find(|c: char| c.is_ascii_digit())
                    .unwrap_or(rest.len())
            };
            let (part, tail) = rest.split_at(end);
            // Text sorts after numbers and among itself by content.
            parts.push((part.parse().unwrap_or(u64::MAX), part.to_string()));
            rest = tail;
        }
        parts
    };
    key(a).cmp(&key(b)).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shapes are letters: each layer takes modules of its letter.
    #[track_caller]
    fn check(layers: &str, modules: &[(&str, char)], expected: Found) {
        let names: Vec<&str> = modules.iter().map(|(name, _)| *name).collect();
        let letters: Vec<char> = layers.chars().collect();
        let fits = |layer: usize, module: usize| letters[layer] == modules[module].1;
        assert_eq!(order(letters.len(), &names, fits), expected);
    }

    #[test]
    fn one_order_fits() {
        let port = [
            ("class_conv", 'z'),
            ("conv1", 'a'),
            ("conv2", 'b'),
            ("conv3", 'b'),
        ];
        check("abbz", &port, Found::One(vec![1, 2, 3, 0]));
        // Numbers decide where shapes do not.
        check(
            "aaa",
            &[("c10", 'a'), ("c9", 'a'), ("c1", 'a')],
            Found::One(vec![2, 1, 0]),
        );
        // Without numbers the shapes must.
        check(
            "ab",
            &[("second", 'b'), ("first", 'a')],
            Found::One(vec![1, 0]),
        );
    }

    #[test]
    fn several_orders_fit() {
        check("aa", &[("left", 'a'), ("right", 'a')], Found::Several);
        check(
            "aba",
            &[("c1", 'a'), ("x", 'b'), ("d", 'a')],
            Found::Several,
        );
    }

    #[test]
    fn no_order_fits() {
        check("ab", &[("c1", 'b'), ("c2", 'a')], Found::None);
        check("ab", &[("c1", 'a')], Found::None);
        check("ab", &[("c1", 'a'), ("c2", 'c')], Found::None);
    }

    #[test]
    fn numbers_say_the_order_of_one_list() {
        assert!(differ_in_numbers_alone(&["features.10", "features.9"]));
        assert!(differ_in_numbers_alone(&["conv1"]) && differ_in_numbers_alone(&[]));
        assert!(!differ_in_numbers_alone(&["conv1", "conv2", "class_conv"]));
    }

    /// Many equal shapes under many names: the search ends, and says that the names are not enough.
    #[test]
    fn the_search_is_short() {
        let names: Vec<String> = (0..40u8)
            .map(|i| format!("{}", char::from(b'A' + i)))
            .collect();
        let modules: Vec<(&str, char)> = names.iter().map(|name| (name.as_str(), 'a')).collect();
        let layers = "a".repeat(39) + "b";
        check(&layers, &modules, Found::Several);
    }

    #[test]
    fn numbers_sort_by_value() {
        let mut names = [
            "features.10.weight",
            "features.9.weight",
            "features.9.bias",
            "conv2.weight",
        ];
        names.sort_by(|a, b| natural(a, b));
        let expected = [
            "conv2.weight",
            "features.9.bias",
            "features.9.weight",
            "features.10.weight",
        ];
        assert_eq!(names, expected);
    }
}
