//! What sets a run apart from the paper's, as sentences that are made from the settings of both.

use toml::{Table, Value};

use super::grouped;

/// The sentences on how a run differs from another, from the settings of both, field by field.
///
/// ```
/// use lab::report::{Choice, Deviations};
/// const DEVIATIONS: Deviations = Deviations::named(&[("model.width", "width of the network")]);
/// let paper = "recipe = { epochs = 350, batch_size = 128 }\nmodel = { width = 1.0 }".parse()?;
/// let ours = "recipe = { epochs = 14, batch_size = 128 }\nmodel = { width = 0.25 }".parse()?;
/// const EPOCHS: &[Choice] = &[Choice::new("recipe.epochs", "the paper does not state them")];
/// assert_eq!(
///     DEVIATIONS.between(&ours, &paper, EPOCHS),
///     [
///         "width of the network: 0.25 instead of 1.",
///         "epochs: 14 (at scale paper: 350); the paper does not state them.",
///     ]
/// );
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Deviations {
    /// The names of fields that are not those of every run, by path, in the order of the sentences.
    names: &'static [(&'static str, &'static str)],
}

/// Something that we had to choose because the paper is silent.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    /// The path of the field, such as `recipe.batch_size`; its value is read from the run's settings.
    pub field: &'static str,
    /// Why it is ours.
    pub why: &'static str,
}

impl Choice {
    /// The choice of a field, and why it is ours.
    pub const fn new(field: &'static str, why: &'static str) -> Self {
        Self { field, why }
    }
}

/// What a note on a chosen learning rate begins with.
const CHOSEN_RATE: &str = "learning rate that was chosen: ";

/// The note on a run whose learning rate was chosen among several.
///
/// ```
/// assert_eq!(lab::report::chosen_rate(0.025), "learning rate that was chosen: 0.025.");
/// ```
pub fn chosen_rate(rate: f64) -> String {
    format!("{CHOSEN_RATE}{rate}.")
}

/// Whether a note is that of a chosen rate, which is a run's own where the others are of all runs of a row.
///
/// ```
/// use lab::report::{chosen_rate, is_chosen_rate};
/// assert!(is_chosen_rate(&chosen_rate(0.025)) && !is_chosen_rate("epochs: 40 instead of 350."));
/// ```
pub fn is_chosen_rate(note: &str) -> bool {
    note.starts_with(CHOSEN_RATE)
}

/// How a number was measured; `{name}` in the text stands for a constant of the program.
///
/// ```
/// use lab::report::Note;
/// const NOTE: Note = Note::with("Digits are shifted by {shift} cells.", &[("shift", 4.0)]);
/// assert_eq!(NOTE.text(), "Digits are shifted by 4 cells.");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Note {
    /// The sentence.
    pub text: &'static str,
    /// The constants by their names in the text.
    pub numbers: &'static [(&'static str, f64)],
}

impl Note {
    /// A note without numbers.
    pub const fn new(text: &'static str) -> Self {
        Self::with(text, &[])
    }

    /// A note with numbers.
    pub const fn with(text: &'static str, numbers: &'static [(&'static str, f64)]) -> Self {
        Self { text, numbers }
    }

    /// The text with its numbers.
    pub fn text(&self) -> String {
        let numbers = self.numbers.iter();
        numbers.fold(self.text.to_owned(), |text, (name, value)| {
            text.replace(&format!("{{{name}}}"), &number(*value))
        })
    }
}

/// Fields that every run has, by path in the order of the sentences, and their names in them.
/// A field of which no name is given comes last and has its own.
const NAMES: &[(&str, &str)] = &[
    ("data_set", "data set"),
    ("train_images", "training images"),
    ("test_images", "test images"),
    ("rates", "learning rates tried on held-out training images"),
    ("recipe.epochs", "epochs"),
    ("recipe.batch_size", "batch size"),
    ("recipe.labelled", "labeled images in a batch"),
    ("recipe.optimizer", "optimizer"),
    ("recipe.optimizer.lr", "learning rate"),
    ("recipe.optimizer.momentum", "momentum"),
    ("recipe.optimizer.weight_decay", "weight decay"),
    ("recipe.schedule.warmup_epochs", "warm-up epochs"),
    ("recipe.schedule.decay", "learning-rate schedule"),
    (
        "recipe.schedule.decay.fractions",
        "learning rate drops at these fractions of the run",
    ),
    ("recipe.schedule.plateau", "learning-rate drop on a plateau"),
    (
        "recipe.schedule.plateau.patience",
        "epochs without a better training error before the learning rate drops",
    ),
    (
        "recipe.groups",
        "per-tensor learning-rate factors and decay",
    ),
    ("recipe.augment.flip", "random flips"),
    ("recipe.augment.translate", "random shifts, pixels"),
    ("preprocess", "preprocessing"),
    ("initializer", "weight initialization"),
    ("synthetic", "images made of the set's"),
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

impl Deviations {
    /// With names for the fields of some networks, in the order of their sentences.
    ///
    /// They come after the fields that every run has: data set, recipe and preprocessing.
    pub const fn named(names: &'static [(&'static str, &'static str)]) -> Self {
        Self { names }
    }

    /// The differences of a run from the paper's, one sentence each, and after them our choices with their values in this run.
    ///
    /// A choice says what it is at scale paper where that is another value, which is ours, too.
    /// Fields that decide no number, such as labels, are not told, nor choices of what the run has not.
    pub fn between(&self, ours: &Table, paper: &Table, choices: &[Choice]) -> Vec<String> {
        let chosen = choices.iter();
        let chosen = chosen.filter_map(|choice| Some((choice, said(at(ours, choice.field)?)?)));
        let chosen: Vec<(&Choice, String)> = chosen.collect();
        let is_choice = |field: &str| {
            let inside = |choice: &Choice| {
                let rest = field.strip_prefix(choice.field);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            chosen.iter().any(|(choice, _)| inside(choice))
        };
        let mut sentences = Vec::new();
        self.compare("", ours, paper, &mut sentences);
        sentences.retain(|(field, _)| !is_choice(field));
        let rank = |field: &str| self.names().position(|(path, _)| *path == field);
        sentences.sort_by_key(|(field, _)| rank(field).unwrap_or(usize::MAX));
        let sentences = sentences.into_iter().map(|(_, sentence)| sentence);
        let chosen = chosen.iter().map(|(choice, value)| {
            let at_paper = at(paper, choice.field).map_or("none".to_owned(), phrase);
            let other = match at_paper == *value {
                true => String::new(),
                false => format!(" (at scale paper: {at_paper})"),
            };
            format!(
                "{}: {value}{other}; {}.",
                self.name(choice.field),
                choice.why
            )
        });
        sentences.chain(chosen).collect()
    }

    fn compare(
        &self,
        path: &str,
        ours: &Table,
        paper: &Table,
        sentences: &mut Vec<(String, String)>,
    ) {
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
                (Some(Value::Table(our)), Some(Value::Table(their)))
                    if kind(our) == kind(their) =>
                {
                    self.compare(&field, our, their, sentences);
                }
                _ => {
                    let said = |value: Option<&Value>| value.map_or("none".to_owned(), phrase);
                    let (our, their) = (said(our), said(their));
                    // What reads the same, such as a table of zeros and none at all, is the same.
                    if our != their {
                        let sentence = format!("{}: {our} instead of {their}.", self.name(&field));
                        sentences.push((field, sentence));
                    }
                }
            }
        }
    }

    /// Fields with their names, in the order of the sentences.
    fn names(&self) -> impl Iterator<Item = &'static (&'static str, &'static str)> {
        NAMES.iter().chain(self.names)
    }

    /// The name of a field in a sentence.
    fn name(&self, field: &str) -> String {
        let known = self.names().find(|(path, _)| *path == field);
        known.map_or_else(
            || {
                let own = field.strip_prefix("model.").unwrap_or(field);
                let own = own.strip_prefix("recipe.").unwrap_or(own);
                own.replace(['_', '-'], " ").replace('.', ", ")
            },
            |(_, name)| (*name).to_owned(),
        )
    }
}

/// The value of a field by its path.
fn at<'a>(table: &'a Table, path: &str) -> Option<&'a Value> {
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

/// A value in a sentence, if it is something.
fn said(value: &Value) -> Option<String> {
    Some(phrase(value)).filter(|text| text != "none")
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
        return grouped(value as usize);
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

    const DEVIATIONS: Deviations =
        Deviations::named(&[("model.width", "width, as a fraction of the paper's")]);

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
            DEVIATIONS.between(&ours, &paper, &[]),
            [
                "training images: 3,000 instead of 50,000.",
                "learning rates tried on held-out training images: none instead of 0.1, 0.05.",
                "epochs: 6 instead of 350.",
                "learning rate: 0.03 instead of 0.1.",
                "width, as a fraction of the paper's: 1/6 instead of 1.",
            ]
        );
        assert!(DEVIATIONS.between(&paper, &paper, &[]).is_empty());
    }

    #[test]
    fn another_kind_is_told_whole() {
        let paper = table("[recipe.optimizer]\nkind = 'sgd'\nlr = 0.01\nmomentum = 0.9");
        let ours = table("[recipe.optimizer]\nkind = 'adam'\nlr = 0.002\nweight_decay = 0.0");
        assert_eq!(
            DEVIATIONS.between(&ours, &paper, &[]),
            ["optimizer: adam (lr 0.002) instead of sgd (lr 0.01, momentum 0.9)."]
        );
    }

    #[test]
    fn a_choice_is_told_as_ours_at_every_scale() {
        let choice = |field| Choice::new(field, "the paper does not state it");
        let paper = table(
            "[recipe]\nbatch_size = 128\nepochs = 9\n[recipe.schedule.decay]\nkind = 'steps'\nfactor = 0.1",
        );
        let ours = table(
            "[recipe]\nbatch_size = 32\nepochs = 9\n[recipe.schedule.decay]\nkind = 'steps'\nfactor = 0.5",
        );
        let fields = [
            "recipe.batch_size",
            "recipe.epochs",
            "recipe.schedule.decay",
            "recipe.labelled",
        ];
        assert_eq!(
            DEVIATIONS.between(&ours, &paper, &fields.map(choice)),
            [
                "batch size: 32 (at scale paper: 128); the paper does not state it.",
                "epochs: 9; the paper does not state it.",
                "learning-rate schedule: steps (factor 0.5) (at scale paper: steps (factor 0.1)); \
                 the paper does not state it.",
            ]
        );
        // What the run has not is no choice of it.
        let without = table("[recipe]\nepochs = 9");
        assert_eq!(
            DEVIATIONS.between(&without, &paper, &[choice("recipe.batch_size")])[0],
            "batch size: none instead of 128."
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
