//! The data of the page as JSON.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;

use super::{Figure, Page, Pictures, Section};
use crate::report::{
    Claim, History, Judged, LastStep, Record, ReportError, RunState, Scale, address,
};
use crate::train::{EpochLog, Outcome};

#[derive(Serialize)]
struct PageView<'a> {
    title: &'a str,
    made_by: &'a str,
    sections: Vec<SectionView<'a>>,
}

#[derive(Serialize)]
struct SectionView<'a> {
    id: &'a str,
    paper: &'a str,
    paper_title: &'a str,
    title: &'a str,
    scale: Option<Scale>,
    claims: &'a [Claim],
    /// What each sign after a number of the paper means.
    marks: Vec<(&'static str, &'static str)>,
    judged: &'a [Judged],
    records: Vec<RecordView>,
    notes: &'a [String],
    runs: Vec<RunView<'a>>,
    figures: Vec<FigureView<'a>>,
}

#[derive(Serialize)]
struct RecordView {
    /// Without its mistakes, which are long and which the page has no use for.
    #[serde(flatten)]
    record: Record,
    mean: Option<f64>,
    spread: Option<f64>,
    standard_error: Option<f64>,
    machine: String,
}

/// A run, with its epochs as columns: that is shorter, and what a chart wants.
#[derive(Serialize)]
pub(in super::super) struct RunView<'a> {
    folder: &'a str,
    label: &'a str,
    model: &'a str,
    seed: u64,
    command: &'a str,
    settings: &'a std::collections::BTreeMap<String, String>,
    epochs_wanted: Option<u64>,
    outcome: Option<Outcome>,
    state: RunState,
    last_line: &'a str,
    last_step: Option<&'a LastStep>,
    done: Option<f64>,
    seconds_left: Option<f64>,
    updated: Option<f64>,
    epoch: Vec<usize>,
    test_error: Vec<Option<f64>>,
    train_error: Vec<Option<f64>>,
    test_loss: Vec<Option<f64>>,
    train_loss: Vec<Option<f64>>,
    lr: Vec<Option<f64>>,
    images_per_second: Vec<Option<f64>>,
}

impl<'a> RunView<'a> {
    pub(in super::super) fn new(run: &'a History) -> Self {
        let column = |value: fn(&EpochLog) -> Option<f64>| {
            let values = run.epochs.iter().map(|epoch| value(epoch).map(rounded));
            values.collect()
        };
        Self {
            folder: &run.folder,
            label: &run.label,
            model: &run.model,
            seed: run.seed,
            command: &run.command,
            settings: &run.settings,
            epochs_wanted: run.epochs_wanted,
            outcome: run.outcome,
            state: run.state,
            last_line: &run.last_line,
            last_step: run.last_step.as_ref(),
            done: run.done(),
            seconds_left: run.seconds_left(),
            updated: run.times.map(|(_, updated)| updated),
            epoch: run.epochs.iter().map(|epoch| epoch.epoch).collect(),
            test_error: column(|epoch| epoch.test_error),
            train_error: column(|epoch| epoch.train_error),
            test_loss: column(|epoch| epoch.test_loss),
            train_loss: column(|epoch| Some(epoch.train_loss)),
            lr: column(|epoch| Some(epoch.lr)),
            images_per_second: column(|epoch| Some(epoch.images_per_second)),
        }
    }
}

#[derive(Serialize)]
struct FigureView<'a> {
    file: &'a str,
    caption: &'a str,
    width: u32,
    height: u32,
    /// Where the picture is; `None` if it is too large for the page.
    source: Option<String>,
}

/// The data of the page, safe inside a `script` element.
pub(super) fn json(page: &Page, pictures: Pictures) -> Result<String, ReportError> {
    let mut room = Page::EMBEDDED;
    let view = PageView {
        title: &page.title,
        made_by: &page.made_by,
        sections: page
            .sections
            .iter()
            .map(|section| view(section, pictures, &mut room))
            .collect(),
    };
    to_json(&view)
}

/// A value as JSON in which no character can end or begin an element of HTML.
pub(in super::super) fn to_json(value: &impl Serialize) -> Result<String, ReportError> {
    let json = serde_json::to_string(value);
    let json = json.map_err(|error| ReportError::Template(error.to_string()))?;
    // In JSON these characters occur within strings only, where they may be written so.
    Ok(json
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029"))
}

fn view<'a>(section: &'a Section, pictures: Pictures, room: &mut usize) -> SectionView<'a> {
    let mut marks: Vec<(&str, &str)> = Vec::new();
    for claim in &section.claims {
        let mark = (claim.mark.sign(), claim.mark.meaning());
        if !mark.0.is_empty() && !marks.contains(&mark) {
            marks.push(mark);
        }
    }
    SectionView {
        id: &section.id,
        paper: section.id.split('/').next().unwrap_or_default(),
        paper_title: &section.paper,
        title: &section.title,
        scale: section.scale,
        claims: &section.claims,
        marks,
        judged: &section.judged,
        records: section.records.iter().map(record_view).collect(),
        notes: &section.notes,
        runs: section.runs.iter().map(RunView::new).collect(),
        figures: section
            .figures
            .iter()
            .map(|figure| figure_view(figure, pictures, room))
            .collect(),
    }
}

fn record_view(record: &Record) -> RecordView {
    RecordView {
        record: Record {
            mistakes: Vec::new(),
            ..record.clone()
        },
        mean: record.mean(),
        spread: record.spread(),
        standard_error: record.standard_error(),
        machine: record.environment.summary(),
    }
}

fn figure_view<'a>(figure: &'a Figure, pictures: Pictures, room: &mut usize) -> FigureView<'a> {
    let source = match pictures {
        Pictures::Served => Some(format!("files/{}", address(&figure.file))),
        Pictures::Embedded if figure.png.len() <= *room => {
            *room -= figure.png.len();
            let png = BASE64_STANDARD.encode(&figure.png);
            Some(format!("data:image/png;base64,{png}"))
        }
        Pictures::Embedded => None,
    };
    FigureView {
        file: &figure.file,
        caption: &figure.caption,
        width: figure.size.0,
        height: figure.size.1,
        source,
    }
}

/// Five digits are more than a chart can show.
fn rounded(value: f64) -> f64 {
    format!("{value:.4e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_cannot_leave_its_element() {
        let text = "</script><!--<script>\u{2028}&lt;\"'\\";
        let json = to_json(&text).unwrap();
        assert!(!json.contains(['<', '>', '&', '\u{2028}']), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }

    #[test]
    fn pictures_beyond_the_room_are_named() {
        let figure = Figure {
            file: "a b/ü.png".to_owned(),
            caption: "c".to_owned(),
            size: (1, 1),
            png: vec![0; 10],
        };
        let source = |pictures, room: usize| figure_view(&figure, pictures, &mut { room }).source;
        assert!(source(Pictures::Embedded, 10).is_some_and(|s| s.starts_with("data:image/png")));
        assert_eq!(source(Pictures::Embedded, 9), None);
        let served = source(Pictures::Served, 0);
        assert_eq!(served.as_deref(), Some("files/a%20b/%C3%BC.png"));
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(
            [22.123456, 1.0 / 3.0, 0.0].map(rounded),
            [22.123, 0.33333, 0.0]
        );
        assert!(rounded(f64::NAN).is_nan());
    }
}
