//! Writes a page whose names and texts are hostile, with learning curves and pictures, for the browser test.
//!
//! ```text
//! cargo run -p lab --example page -- hostile.html
//! cargo run -p lab --example page -- many.html 300
//! ```
//!
//! The second form has that many ordinary runs instead.

use std::error::Error;
use std::fs;
use std::path::Path;

use lab::report::{
    Claim, Figure, Finding, History, Judged, Mark, Page, Picture, Record, Relation, Scale, Section,
};
use lab::train::Outcome;

/// Texts that a careless page would obey, or break on.
const HOSTILE: [&str; 8] = [
    "</script><script>document.title = 'broken'</script>",
    "<img src=x onerror=\"document.title='broken'\">",
    "\"quotes\" 'and' `ticks` \\ & &lt;b&gt;",
    "../../../etc/passwd",
    "<!-- <script> @script@ @data@ {{ title }}",
    "",
    "A name that is so long that it cannot fit on any line of a narrow screen and has_no_place_where_it_could_be_broken_in_two",
    "\u{202e}right to left\u{2028}\u{0}\u{1b}[31m 名前 🦀",
];

const FALLS: Finding = Finding::of_error(
    "Each row errs less than the one before it, <b>always</b>.",
    "Table 1",
    Relation::Falls(&[HOSTILE[0], HOSTILE[1], HOSTILE[2]]),
);
const ABSENT: Finding = Finding::of_error(
    "A row that nobody ran is small.",
    "Sec. 4",
    Relation::AtMost {
        row: "absent",
        limit: 1.0,
    },
);

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let path = args.next().ok_or("wanted the page's file name")?;
    let sections = match args.next() {
        None => vec![hostile()?, empty()],
        Some(count) => many(count.parse()?)?,
    };
    let page = Page {
        title: "Results </title><script>document.title = 'broken'</script>".to_owned(),
        made_by: "an example".to_owned(),
        sections,
    };
    fs::write(&path, page.to_html()?)?;
    Ok(())
}

fn hostile() -> Result<Section, Box<dyn Error>> {
    let id = "p\"><b>/table1";
    let claims: Vec<Claim> = HOSTILE
        .iter()
        .map(|model| Claim::new(id, *model, "test error", "%").value(9.08, Mark::FromMemory))
        .collect();
    let seeds = [0, 1, u64::MAX];
    let mut records: Vec<Record> = Vec::new();
    for (at, claim) in claims.iter().enumerate() {
        let mut record = Record::new(claim, HOSTILE[at % 2], Scale::Quick);
        for (seed, value) in seeds.iter().zip([at as f64, f64::NAN, 1e300]) {
            record = record.value(*seed, Some(value));
        }
        record.notes = HOSTILE.map(str::to_owned).to_vec();
        record.command = HOSTILE[at].to_owned();
        record
            .settings
            .insert(HOSTILE[0].to_owned(), HOSTILE[1].to_owned());
        record.outcomes = vec![Outcome::DeadStart; 3];
        records.push(record);
    }
    let runs = HOSTILE
        .iter()
        .enumerate()
        .map(|(at, model)| run(model, at, at as u64 % 2, 30));
    Ok(Section {
        id: id.to_owned(),
        paper: HOSTILE[1].to_owned(),
        title: HOSTILE[0].to_owned(),
        scale: Some(Scale::Quick),
        judged: Judged::all(&[FALLS, ABSENT], &records),
        claims,
        records,
        notes: HOSTILE.map(str::to_owned).to_vec(),
        runs: runs.collect::<Result<_, _>>()?,
        figures: vec![figure(HOSTILE[1])?],
    })
}

/// An experiment of which nothing is known.
fn empty() -> Section {
    Section {
        id: String::new(),
        scale: Some(Scale::Cpu),
        ..Section::default()
    }
}

/// Ordinary experiments with `count` runs in all, ten of each.
fn many(count: usize) -> Result<Vec<Section>, Box<dyn Error>> {
    let experiment = |at: usize| -> Result<Section, Box<dyn Error>> {
        let id = format!("paper{}/table{at}", at % 4);
        let rows: Vec<String> = (0..5).map(|row| format!("Network {row}")).collect();
        let claims = rows
            .iter()
            .map(|row| Claim::new(&id, row, "test error", "%").value(9.0, Mark::Verified));
        let claims: Vec<Claim> = claims.collect();
        let records = claims.iter().enumerate().map(|(row, claim)| {
            let error = 10.0 + at as f64 / 10.0 + row as f64;
            let record = Record::new(
                claim,
                "digits (4000 training and 1000 test images)",
                Scale::Quick,
            );
            Record {
                command: format!("cargo xtask reproduce {id}"),
                ..record.value(0, Some(error)).value(1, Some(error + 1.0))
            }
        });
        let runs = (0..5).flat_map(|row| [0, 1].map(|seed| run(&rows[row], row, seed, 100)));
        Ok(Section {
            paper: format!("Paper {}", at % 4),
            title: "Networks on digits".to_owned(),
            scale: Some(Scale::Quick),
            records: records.collect(),
            runs: runs.collect::<Result<_, _>>()?,
            figures: vec![figure("a-figure")?],
            claims,
            id,
            ..Section::default()
        })
    };
    (0..count.div_ceil(10)).map(experiment).collect()
}

/// A run read from a folder like those of real runs.
fn run(model: &str, row: usize, seed: u64, epochs: usize) -> Result<History, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let mut log = String::from("{\"kind\":\"start\",\"step\":0,\"unix_time\":1.0}\nno json\n");
    for epoch in 1..=epochs {
        let error =
            (60.0 - 8.0 * row as f64) / (epoch as f64).sqrt() + 3.0 * row as f64 + seed as f64;
        log += &format!(
            "{{\"kind\":\"epoch\",\"epoch\":{epoch},\"step\":{},\"lr\":{},\"train_loss\":{},\"train_error\":{},\
             \"test_loss\":{},\"test_error\":{error},\"seconds\":1.0,\"images_per_second\":1000.0}}\n",
            epoch * 50,
            0.1 / epoch as f64,
            error / 40.0,
            error * 0.8,
            error / 30.0,
        );
    }
    log += "{\"kind\":\"end\",\"step\":1,\"outcome\":\"trained\",\"train_seconds\":1.0}\n";
    fs::write(folder.path().join("log.jsonl"), log)?;
    let recipe = format!("[recipe]\nseed = {seed}\nepochs = {epochs}\nlabel = {model:?}\n");
    let recipe = if recipe.is_ascii() {
        recipe
    } else {
        String::new()
    };
    fs::write(folder.path().join("config.toml"), recipe)?;
    let history = History::read(folder.path(), format!("p/{model}/seed-{seed}"))?;
    let history = history.ok_or("the log was not found")?;
    Ok(History {
        model: model.to_owned(),
        seed,
        ..history
    })
}

/// A small picture with hard edges.
fn figure(name: &str) -> Result<Figure, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("picture.png");
    let cells: Vec<f32> = (0..28 * 28)
        .map(|at| ((at / 28 + at % 28) % 2) as f32)
        .collect();
    Picture::new(&cells, (1, 28, 28), (0.0, 1.0))?.save(&path)?;
    let mut figure = Figure::read(Path::new(&path), name)?;
    figure.caption = name.to_owned();
    Ok(figure)
}
