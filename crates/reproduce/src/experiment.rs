//! An experiment as one value: a table or figure of a paper, its data, its rows, and what is said of them.

mod row;

use anyhow::Result;
use lab::data::{DataError, DataSet, Source};
use lab::report::{Choice, Claim, Deviations, Finding, Note, Scale, Scales};

use crate::datasets;
use crate::images::{Data, Images};
use crate::planned::Planned;
use crate::session::Session;
use crate::training::Training;

pub(crate) use row::Row;

/// A table or figure of a paper.
pub(crate) struct Experiment {
    /// `paper/item`, as the paper numbers it.
    pub(crate) id: &'static str,
    /// One line on what it shows.
    pub(crate) title: &'static str,
    /// What its rows are measured on, unless a row says otherwise.
    pub(crate) data: Data,
    /// Runs of each network, with consecutive seeds.
    pub(crate) seeds: Scales<u64>,
    /// Whether it looks into networks of the first seed, and trains no others.
    pub(crate) has_one_seed: bool,
    /// The rows of its table, in the order of the paper.
    pub(crate) rows: fn() -> Vec<Row>,
    /// What the paper claims of its rows.
    pub(crate) findings: &'static [Finding],
    /// What is ours because the paper is silent, at every scale.
    pub(crate) choices: &'static [&'static [Choice]],
    /// What a reader must know of the numbers.
    pub(crate) notes: &'static [Note],
    /// What is done: [`Session::train_all`], unless it does more than train.
    pub(crate) run: fn(&mut Session, &[Planned]) -> Result<()>,
}

/// Fields of the networks' settings in the sentences on what sets a run apart.
const DEVIATIONS: Deviations = Deviations::named(&[
    ("model.width", "width, as a fraction of the paper's"),
    ("model.network.width", "width, as a fraction of the paper's"),
    ("model.classes", "classes"),
    ("model.in_channels", "channels of an image"),
    ("model.image_size", "size of an image"),
    ("model.class_map_activation", "activation of the class maps"),
    ("model.input_dropout", "dropout on the image"),
    ("model.dropout", "dropout"),
    (
        "model.gradient_scale",
        "gradient scale of localisation nets",
    ),
    (
        "model.network.gradient_scale",
        "gradient scale of localisation nets",
    ),
    ("model.body", "classifier"),
    ("model.body.fcn.hidden", "units of each hidden layer"),
    ("model.body.cnn.filters", "filters of each convolution"),
    (
        "model.backbone.width",
        "width, as a fraction of the paper's",
    ),
    ("model.weights", "loss weights"),
    (
        "model.network.body.cnn.filters",
        "filters of each convolution",
    ),
]);
/// Said of every smoke run.
const SMOKE: &str = "A smoke run shows that everything works; its numbers mean nothing.";

impl Experiment {
    /// One seed, no choices, no notes: what most experiments change little of.
    pub(crate) const fn new(
        id: &'static str,
        title: &'static str,
        data: Data,
        rows: fn() -> Vec<Row>,
    ) -> Self {
        Self {
            id,
            title,
            data,
            seeds: Scales::all(1),
            has_one_seed: false,
            rows,
            findings: &[],
            choices: &[],
            notes: &[],
            run: |session, rows| session.train_all(rows),
        }
    }

    /// The same with so many runs of each network.
    pub(crate) const fn seeds(self, seeds: Scales<u64>) -> Self {
        Self { seeds, ..self }
    }

    /// The same, looking into the networks of the first seed alone.
    pub(crate) const fn of_one_seed(self) -> Self {
        Self {
            seeds: Scales::all(1),
            has_one_seed: true,
            ..self
        }
    }

    /// The same with what the paper claims of its rows.
    pub(crate) const fn findings(self, findings: &'static [Finding]) -> Self {
        Self { findings, ..self }
    }

    /// The same with what is ours because the paper is silent.
    pub(crate) const fn choices(self, choices: &'static [&'static [Choice]]) -> Self {
        Self { choices, ..self }
    }

    /// The same with what a reader must know of the numbers.
    pub(crate) const fn notes(self, notes: &'static [Note]) -> Self {
        Self { notes, ..self }
    }

    /// The same, doing more than training its rows.
    pub(crate) const fn run(self, run: fn(&mut Session, &[Planned]) -> Result<()>) -> Self {
        Self { run, ..self }
    }

    /// The rows of its table with the paper's numbers.
    pub(crate) fn claims(&self) -> Vec<Claim> {
        let rows = (self.rows)().into_iter();
        let claims = rows.flat_map(|row| row.claims);
        claims
            .map(|claim| Claim {
                id: self.id.to_owned(),
                ..claim
            })
            .collect()
    }

    /// What a row is measured on.
    pub(crate) fn data_of(&self, row: &Row) -> Data {
        row.data.unwrap_or(self.data)
    }

    /// Runs it; says why if it cannot be run with these settings.
    pub(crate) fn execute(&self, session: &mut Session) -> Result<Option<String>> {
        let scale = session.scale();
        session.begin(self.id, *self.seeds.at(scale));
        let mut planned = Vec::new();
        let mut absent = None;
        let wanted = |row: &Row| session.settings.wants(&row.label);
        let (rows, others): (Vec<Row>, Vec<Row>) = (self.rows)().into_iter().partition(wanted);
        if rows.is_empty() && !others.is_empty() {
            return Ok(Some(format!("{} has no such row", self.id)));
        }
        let trains_at = |scale| {
            rows.iter().any(|row| {
                let (_, images) = datasets::of_paper(&self.data_of(row));
                row.training(scale, &images).is_some()
            })
        };
        // Rows that train at no scale are measured.
        if !trains_at(scale) && Scale::ALL.into_iter().any(trains_at) {
            return Ok(Some(format!("{} has nothing at scale {scale}", self.id)));
        }
        for row in rows {
            match self.plan(session, &row) {
                Ok(row) => planned.extend(row),
                Err(error) if is_absent(&error) => {
                    absent.get_or_insert(format!("{} {}: {error:#}", self.id, row.label));
                }
                Err(error) => return Err(error.context(self.id)),
            }
        }
        match absent {
            // A folder need not hold the sets of all experiments; a damaged set is an error.
            Some(reason) if planned.is_empty() => Ok(Some(reason)),
            reason => {
                if let Some(reason) = reason {
                    session
                        .console()
                        .warn(format!("{reason}; this row is not run"));
                }
                // What trains nothing is measured, not listed, and by one process.
                let is_measured = session.listed.is_none() && session.settings.measures();
                if is_measured || !planned.is_empty() {
                    (self.run)(session, &planned)?;
                }
                Ok(None)
            }
        }
    }

    /// A row with its data; nothing if it is not run at this scale.
    fn plan(&self, session: &mut Session, row: &Row) -> Result<Option<Planned>> {
        let scale = session.scale();
        let data = self.data_of(row);
        let source = match &session.settings.source {
            Some(Source::Embedded) | None => match data.stand_in.at(scale) {
                Some(_) => Source::Embedded,
                // Made images of another row may do at this scale.
                None if self.data.stand_in.at(scale).is_some() => return Ok(None),
                None => {
                    return Err(Absent(format!(
                        "{} at scale {scale} needs {}: {}",
                        self.id,
                        data.paper,
                        how_to_give(data.paper)
                    ))
                    .into());
                }
            },
            Some(source) => source.clone(),
        };
        let given = session.load(&data, &source)?;
        let Some(training) = row.training(scale, &given.images) else {
            return Ok(None);
        };
        let training = training.with(session.settings.epochs, &session.settings.rates);
        let notes = self.notes_of(row, scale, &training, &given.data.name, &given.images)?;
        Ok(Some(Planned {
            label: row.label.clone(),
            training,
            data: given.data,
            data_sha256: given.sha256,
            notes,
        }))
    }

    /// What sets a row at a scale apart from the paper's, what is our choice, and how it was measured.
    pub(crate) fn notes_of(
        &self,
        row: &Row,
        scale: Scale,
        training: &Training,
        data_set: &str,
        images: &Images,
    ) -> Result<Vec<String>> {
        let paper = datasets::of_paper(&self.data_of(row));
        let is_chosen = !training.rates.is_empty();
        let table = |training: &Training, name: &str, images: &Images| -> Result<toml::Table> {
            let table = training.resolved(name, (images.train, images.test))?;
            Ok(if is_chosen {
                without_rate(table)
            } else {
                table
            })
        };
        let ours = table(training, data_set, images)?;
        let paper = match row.training(Scale::Paper, &paper.1) {
            Some(training) => table(&training, &paper.0, &paper.1)?,
            None => ours.clone(),
        };
        let mut notes = Vec::new();
        if scale == Scale::Smoke {
            notes.push(SMOKE.to_owned());
        }
        notes.extend(DEVIATIONS.between(&ours, &paper, &self.choices.concat()));
        notes.extend(self.notes.iter().map(Note::text));
        Ok(notes)
    }
}

/// What to do for a set that no run was given.
fn how_to_give(set: &str) -> String {
    match DataSet::find(set).and_then(|set| set.by_hand) {
        Some(how) => format!("{how} with --data DIR"),
        None => "give --data DIR with its files, or --data hub".to_owned(),
    }
}

/// The settings without the recipe's learning rate, where another is chosen: the record of a run has it.
fn without_rate(mut settings: toml::Table) -> toml::Table {
    let recipe = settings.get_mut("recipe");
    let optimizer = recipe.and_then(|recipe| recipe.get_mut("optimizer"));
    if let Some(toml::Value::Table(optimizer)) = optimizer {
        optimizer.remove("lr");
    }
    settings
}

/// Data that are not there, as opposed to damaged.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Absent(String);

fn is_absent(error: &anyhow::Error) -> bool {
    let no_data = error.downcast_ref::<DataError>().is_some_and(|error| {
        matches!(
            error,
            DataError::NoLayout { .. } | DataError::UnknownName { .. }
        )
    });
    no_data || error.is::<Absent>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_hub_has_is_offered_from_there() {
        assert!(how_to_give("cifar10").ends_with("or --data hub"));
        for set in ["stl10", "cub200-224", "imagenet"] {
            let text = how_to_give(set);
            let is_fine = !text.contains("hub") && text.ends_with(" with --data DIR");
            assert!(is_fine && text.contains("https://"), "{text}");
        }
    }
}
