//! What sets a run apart from the paper's, as sentences that are made from the settings of both.

use anyhow::Result;
use lab::train::Recipe;
use toml::{Table, Value};

/// Said of every smoke run.
pub(crate) const SMOKE: &str = "A smoke run shows that everything works; its numbers mean nothing.";

/// Something that we had to choose because the paper is silent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice {
    /// The path of the field, such as `recipe.batch_size`; its value is read from the run's settings.
    pub(crate) field: &'static str,
    /// Why it is ours.
    pub(crate) why: &'static str,
}

impl Choice {
    /// The choice of a field, and why it is ours.
    pub(crate) const fn new(field: &'static str, why: &'static str) -> Self {
        Self { field, why }
    }
}

/// How a number was measured; `{name}` in the text stands for a constant of the program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Note {
    pub(crate) text: &'static str,
    pub(crate) numbers: &'static [(&'static str, f64)],
}

impl Note {
    /// A note without numbers.
    pub(crate) const fn new(text: &'static str) -> Self {
        Self::with(text, &[])
    }

    /// A note with numbers.
    pub(crate) const fn with(text: &'static str, numbers: &'static [(&'static str, f64)]) -> Self {
        Self { text, numbers }
    }

    /// The text with its numbers.
    pub(crate) fn text(&self) -> String {
        let numbers = self.numbers.iter();
        numbers.fold(self.text.to_owned(), |text, (name, value)| {
            text.replace(&format!("{{{name}}}"), &number(*value))
        })
    }
}

/// Fields of the settings by path in the order of the sentences, and their names in them.
/// A field of which no name is given comes last and has its own.
const NAMES: &[(&str, &str)] = &[
    ("data_set", "data set"),
    ("train_images", "training images"),
    ("test_images", "test images"),
    ("rates", "learning rates tried on held-out training images"),
    ("recipe.epochs", "epochs"),
    ("recipe.batch_size", "images in a batch"),
    ("recipe.labelled", "labelled images in a batch"),
    ("recipe.optimizer", "optimizer"),
    ("recipe.optimizer.lr", "learning rate"),
    ("recipe.optimizer.momentum", "momentum"),
    ("recipe.optimizer.weight_decay", "weight decay"),
    ("recipe.schedule.warmup_epochs", "epochs of warm-up"),
    ("recipe.schedule.decay", "fall of the learning rate"),
    (
        "recipe.schedule.decay.fractions",
        "learning rate falls after these parts of the run",
    ),
    ("recipe.groups", "tensors trained differently"),
    ("recipe.augment.flip", "random flips"),
    ("recipe.augment.translate", "random shifts, pixels"),
    ("preprocess", "preprocessing"),
    ("initializer", "draw of the weights"),
    ("synthetic", "images made of the set's"),
    ("model.width", "width, as a part of the paper's"),
    ("model.network.width", "width, as a part of the paper's"),
    ("model.classes", "classes"),
    ("model.in_channels", "channels of an image"),
    ("model.image_size", "size of an image"),
    ("model.class_map_activation", "activation of the class maps"),
    ("model.input_dropout", "dropout on the image"),
    ("model.dropout", "dropout"),
    (
        "model.gradient_scale",
        "factor of the gradient to localisation nets",
    ),
    ("model.body", "classifier"),
    ("model.body.fcn.hidden", "units of each hidden layer"),
    ("model.body.cnn.filters", "filters of each convolution"),
    ("model.backbone.width", "width, as a part of the paper's"),
    ("model.weights", "weights of the terms"),
    (
        "model.network.body.cnn.filters",
        "filters of each convolution",
    ),
];

/// What decides no number, or follows from other fields that are told.
const UNTOLD: &[&str] = &[
    "seed",
    "data_sha256",
    "recipe.seed",
    "recipe.label",
    "recipe.evaluate_every",
    "recipe.dead_start",
];

/// Constants that everybody uses, not told where a whole table is.
const USUAL: &[(&str, &str)] = &[
    ("beta1", "0.9"),
    ("beta2", "0.999"),
    ("eps", "1e-8"),
    ("decay", "gradient"),
];

/// Settings and recipe as one table.
pub(crate) fn resolved(settings: &Table, recipe: &Recipe) -> Result<Table> {
    let mut table = settings.clone();
    let recipe: Table = recipe.to_toml()?.parse()?;
    table.insert("recipe".to_owned(), recipe.into());
    Ok(table)
}

/// The differences of a run from the paper's, one sentence each.
pub(crate) fn between(ours: &Table, paper: &Table) -> Vec<String> {
    let mut sentences = Vec::new();
    compare("", ours, paper, &mut sentences);
    let rank = |field: &str| {
        let is_its = |(path, _): &(&str, &str)| *path == field;
        NAMES.iter().position(is_its).unwrap_or(NAMES.len())
    };
    sentences.sort_by_key(|(field, _)| rank(field));
    sentences
        .into_iter()
        .map(|(_, sentence)| sentence)
        .collect()
}

fn compare(path: &str, ours: &Table, paper: &Table, sentences: &mut Vec<(String, String)>) {
    let missing = paper.keys().filter(|key| !ours.contains_key(*key));
    for key in ours.keys().chain(missing) {
        let field = match path {
            "" => key.clone(),
            _ => format!("{path}.{key}"),
        };
        let (our, their) = (ours.get(key), paper.get(key));
        if our == their || UNTOLD.contains(&field.as_str()) {
            continue;
        }
        match (our, their) {
            (Some(Value::Table(our)), Some(Value::Table(their))) if kind(our) == kind(their) => {
                compare(&field, our, their, sentences);
            }
            _ => {
                let said = |value: Option<&Value>| value.map_or("none".to_owned(), phrase);
                let (our, their) = (said(our), said(their));
                // What reads the same, such as a table of zeros and none at all, is the same.
                if our != their {
                    let sentence = format!("{}: {our} instead of {their}.", name(&field));
                    sentences.push((field, sentence));
                }
            }
        }
    }
}

/// Our choices with their values in this run; of what the run has not, nothing is said.
pub(crate) fn chosen<'a>(ours: &Table, choices: impl Iterator<Item = &'a Choice>) -> Vec<String> {
    let sentence = |choice: &Choice| {
        let value = phrase(at(ours, choice.field)?);
        (value != "none").then_some(())?;
        Some(format!("{}: {value}; {}.", name(choice.field), choice.why))
    };
    choices.filter_map(sentence).collect()
}

/// The value of a field by its path.
pub(crate) fn at<'a>(table: &'a Table, path: &str) -> Option<&'a Value> {
    let (first, rest) = match path.split_once('.') {
        Some((first, rest)) => (first, Some(rest)),
        None => (path, None),
    };
    match (table.get(first)?, rest) {
        (value, None) => Some(value),
        (Value::Table(inner), Some(rest)) => at(inner, rest),
        _ => None,
    }
}

/// The kind of a tagged table.
fn kind(table: &Table) -> Option<&str> {
    table.get("kind").and_then(Value::as_str)
}

/// The name of a field in a sentence.
fn name(field: &str) -> String {
    let known = NAMES.iter().find(|(path, _)| *path == field);
    known.map_or_else(
        || {
            let own = field.strip_prefix("model.").unwrap_or(field);
            let own = own.strip_prefix("recipe.").unwrap_or(own);
            own.replace(['_', '-'], " ").replace('.', ", ")
        },
        |(_, name)| (*name).to_owned(),
    )
}

/// A value in a sentence.
fn phrase(value: &Value) -> String {
    match value {
        Value::String(text) => text.replace('_', " "),
        Value::Integer(n) => number(*n as f64),
        Value::Float(x) => number(*x),
        Value::Boolean(true) => "yes".to_owned(),
        Value::Boolean(false) => "no".to_owned(),
        Value::Datetime(at) => at.to_string(),
        Value::Array(values) if values.is_empty() => "none".to_owned(),
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(phrase).collect();
            values.join(", ")
        }
        Value::Table(table) => {
            let is_told = |(key, value): &(&String, &Value)| {
                let is_usual = USUAL.contains(&(key.as_str(), phrase(value).as_str()));
                *key != "kind" && !is_nothing(value) && !is_usual
            };
            let fields = table.iter().filter(is_told);
            let fields =
                fields.map(|(key, value)| format!("{} {}", key.replace('_', " "), phrase(value)));
            let fields = fields.collect::<Vec<_>>().join(", ");
            match (kind(table), fields.as_str()) {
                (Some(kind), "") => kind.to_owned(),
                (Some(kind), _) => format!("{kind} ({fields})"),
                (None, "") => "none".to_owned(),
                (None, _) => format!("({fields})"),
            }
        }
    }
}

/// Whether a field of a table is as good as not there.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Integer(0) | Value::Boolean(false) => true,
        Value::Float(x) => *x == 0.0,
        _ => false,
    }
}

/// A number as a reader wants it: 50,000, 1/6, 0.05.
fn number(value: f64) -> String {
    if value >= 1000.0 && value.fract() == 0.0 {
        return lab::report::grouped(value as usize);
    }
    if value != 0.0 && value.abs() < 1e-4 {
        return format!("{value:e}");
    }
    // A decimal fraction of few digits is said as such.
    let rounded = (value * 1e4).round() / 1e4;
    let is_whole = |denominator: &f64| {
        let numerator = value * denominator;
        (numerator - numerator.round()).abs() < 1e-9
    };
    let fraction = (3..=400).map(f64::from).find(is_whole);
    match fraction {
        Some(denominator) if (value - rounded).abs() > 1e-7 => {
            format!("{}/{denominator}", (value * denominator).round())
        }
        _ => format!("{rounded}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        text.parse().expect("a table")
    }

    #[test]
    fn differences_are_told_field_by_field() {
        let paper = table(
            "train_images = 50000\nrates = [0.1, 0.05]\n[recipe]\nepochs = 350\nlabel = 'a'\n\
             [recipe.optimizer]\nkind = 'sgd'\nlr = 0.1\nmomentum = 0.9\n[model]\nwidth = 1.0",
        );
        let ours = table(
            "train_images = 3000\nrates = []\n[recipe]\nepochs = 6\nlabel = 'b'\n\
             [recipe.optimizer]\nkind = 'sgd'\nlr = 0.03\nmomentum = 0.9\n[model]\nwidth = 0.16666666666666666",
        );
        assert_eq!(
            between(&ours, &paper),
            [
                "training images: 3,000 instead of 50,000.",
                "learning rates tried on held-out training images: none instead of 0.1, 0.05.",
                "epochs: 6 instead of 350.",
                "learning rate: 0.03 instead of 0.1.",
                "width, as a part of the paper's: 1/6 instead of 1.",
            ]
        );
        assert!(between(&paper, &paper).is_empty());
    }

    #[test]
    fn another_kind_is_told_whole() {
        let paper = table("[recipe.optimizer]\nkind = 'sgd'\nlr = 0.01\nmomentum = 0.9");
        let ours = table("[recipe.optimizer]\nkind = 'adam'\nlr = 0.002\nweight_decay = 0.0");
        assert_eq!(
            between(&ours, &paper),
            ["optimizer: adam (lr 0.002) instead of sgd (lr 0.01, momentum 0.9)."]
        );
    }

    #[test]
    fn choices_have_the_run_s_values() {
        let choice = |field| Choice::new(field, "the paper does not state it");
        let ours = table("[recipe]\nbatch_size = 128");
        let choices = [choice("recipe.batch_size"), choice("recipe.labelled")];
        assert_eq!(
            chosen(&ours, choices.iter()),
            ["images in a batch: 128; the paper does not state it."]
        );
    }

    #[test]
    fn numbers() {
        for (value, wanted) in [
            (0.05, "0.05"),
            (1.0 / 6.0, "1/6"),
            (0.25, "0.25"),
            (60_000.0, "60,000"),
            (1e-8, "1e-8"),
            (2.0 / 3.0, "2/3"),
            (200.0 / 350.0, "4/7"),
            (f64::from(0.2_f32), "0.2"),
            (0.0, "0"),
        ] {
            assert_eq!(number(value), wanted);
        }
    }
}
