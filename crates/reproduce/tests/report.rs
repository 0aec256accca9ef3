//! `reproduce report` on folders with hostile files, and where it cannot write.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use assert_cmd::Command;
use lab::report::{Claim, Picture, Record, Scale, read_records, write_records};
use tempfile::TempDir;

const README: &str =
    "# Title\n<!-- generated: nin/table1 quick -->\n<!-- end generated -->\nThe end of README.\n";

/// A repository with a README and a record under docs, and a folder of runs with the same record.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new(record: &Record) -> Self {
        let place = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        write_records(
            &place.root("docs/results/nin-table1-quick.json"),
            std::slice::from_ref(record),
        )
        .unwrap();
        write_records(
            &place.run("seed-0/record.json"),
            std::slice::from_ref(record),
        )
        .unwrap();
        fs::write(place.root("README.md"), README).unwrap();
        place
    }

    fn root(&self, file: &str) -> PathBuf {
        self.folder.path().join("root").join(file)
    }

    fn out(&self, file: &str) -> PathBuf {
        self.folder.path().join("runs").join(file)
    }

    /// A file of the run folder of a row.
    fn run(&self, file: &str) -> PathBuf {
        self.out("nin/table1/quick/NIN").join(file)
    }

    fn report(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reproduce"));
        command
            .arg("report")
            .arg("--root")
            .arg(self.root(""))
            .arg("--out")
            .arg(self.out(""));
        command.timeout(Duration::from_secs(60));
        command
    }

    fn read(&self, path: &Path) -> String {
        fs::read_to_string(path).unwrap()
    }
}

fn record() -> Record {
    let claim = Claim::new("nin/table1", "NIN", "test error", "%");
    let digits = "digits (10 training and 10 test images)";
    Record::new(&claim, digits, Scale::Quick).value(0, Some(20.0))
}

fn noted(note: &str) -> Record {
    Record {
        notes: vec![note.to_owned()],
        ..record()
    }
}

#[test]
fn a_note_cannot_end_the_generated_text() {
    let place = Place::new(&noted("<!-- end generated -->"));
    place.report().assert().success();
    let readme = place.read(&place.root("README.md"));
    assert!(readme.contains("&lt;!-- end generated --&gt;"), "{readme}");
    assert!(readme.ends_with("The end of README.\n"));
    place.report().arg("--check").assert().success();
}

#[test]
fn tags_are_text_in_the_report() {
    let place = Place::new(&noted("<img src=x onerror=alert(1)>"));
    place.report().assert().success();
    let markdown = place.read(&place.out("report.md"));
    assert!(markdown.contains("&lt;img src=x"), "{markdown}");
    let html = place.read(&place.out("index.html"));
    assert!(html.contains(r"\u003cimg src=x") && !html.contains("<img"));
}

#[test]
fn a_damaged_record_costs_nothing_else() {
    let place = Place::new(&record());
    let damaged = place.out("stn/table1/quick/X/seed-0/record.json");
    fs::create_dir_all(damaged.parent().unwrap()).unwrap();
    fs::write(&damaged, "[{\"id\": 3").unwrap();
    let output = place.report().assert().success().get_output().clone();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("warning: ") && said.contains("stn/table1"),
        "{said}"
    );
    assert!(place.read(&place.out("report.md")).contains("nin/table1"));
}

#[test]
fn a_page_that_cannot_be_written_is_an_error() {
    let place = Place::new(&record());
    fs::create_dir_all(place.out("index.html")).unwrap();
    let output = place.report().assert().failure().get_output().clone();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("index.html"), "{said}");
    assert_eq!(place.read(&place.root("README.md")), README);
}

#[test]
fn the_page_of_what_docs_keep() {
    let place = Place::new(&record());
    let picture = Picture::new(&[0.0, 1.0], (1, 1, 2), (0.0, 1.0)).unwrap();
    let kept = picture.titled("What a map shows");
    kept.save(&place.root("docs/figures/nin-table1-quick-maps.png"))
        .unwrap();
    place.report().arg("--kept").assert().success();
    let html = place.read(&place.out("index.html"));
    assert!(html.contains("What a map shows") && html.contains("data:image/png"));
    assert_eq!(place.read(&place.root("README.md")), README);
}

/// A record of these settings.
fn of(settings: &str) -> Record {
    Record {
        training: Some(settings.to_owned()),
        ..noted(settings)
    }
}

#[test]
fn seeds_that_are_taken_join_those_of_the_same_settings() {
    let place = Place::new(&of("epochs: 5."));
    let take = |record: Record| {
        write_records(&place.run("seed-0/record.json"), &[record]).unwrap();
        let mut report = place.report();
        let output = report.args(["--take", "nin/table1"]).output().unwrap();
        assert!(output.status.success());
        let kept = read_records(&place.root("docs/results/nin-table1-quick.json")).unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        (
            kept[0].seeds.clone(),
            said.contains("of seed 0 has other settings"),
        )
    };
    let second = |settings| Record {
        seeds: vec![1],
        ..of(settings)
    };
    assert_eq!(take(second("epochs: 5.")), (vec![0, 1], false));
    assert_eq!(take(second("epochs: 9.")), (vec![1], true));
}

#[test]
fn all_or_none_are_taken() {
    let place = Place::new(&record());
    let mut report = place.report();
    let output = report.args(["--take", "nin/table1,nin/table2"]).output();
    let output = output.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(said.contains("--take nin/table2"), "{said}");
    assert!(!said.contains("wrote"), "{said}");
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_are_not_followed() {
        let place = Place::new(&record());
        let picture = Picture::new(&[0.0], (1, 1, 1), (0.0, 1.0)).unwrap();
        let secret = place.root("secret.png");
        picture.titled("a secret").save(&secret).unwrap();
        let figures = place.out("nin/table1/quick/figures");
        fs::create_dir_all(&figures).unwrap();
        symlink(&secret, figures.join("linked.png")).unwrap();
        symlink("/etc/passwd", figures.join("passwords.png")).unwrap();
        fs::write(figures.join("text.png"), "root:x:0:0").unwrap();
        symlink(".", place.run("loop")).unwrap();
        symlink(".", place.out("loop")).unwrap();
        symlink("..", place.out("up")).unwrap();
        place.report().assert().success();
        let html = place.read(&place.out("index.html"));
        assert!(!html.contains("a secret") && !html.contains("data:image/png;base64,cm9vd"));
        assert!(!html.contains("linked.png") && !html.contains("passwords.png"));
    }

    #[test]
    fn a_record_cannot_name_a_run_elsewhere() {
        let mut named = record();
        for run in ["../root/secret", "/etc", "nin/../../root/secret", "link"] {
            named.runs = vec![run.to_owned()];
            let place = Place::new(&named);
            let secret = place.root("secret");
            fs::create_dir_all(&secret).unwrap();
            let line = "{\"kind\":\"note\",\"step\":1,\"text\":\"the secret\"}\n";
            fs::write(secret.join("log.jsonl"), line).unwrap();
            symlink(&secret, place.out("link")).unwrap();
            place.report().assert().success();
            assert!(
                !place.read(&place.out("index.html")).contains("the secret"),
                "{run}"
            );
        }
    }

    /// Files may not grow beyond a kilobyte, as if the disk were full then.
    #[test]
    fn a_full_disk_leaves_readme_whole() {
        let place = Place::new(&record());
        let long = README.to_owned() + &"A line of README.\n".repeat(100);
        fs::write(place.root("README.md"), &long).unwrap();
        // There are no runs: the page is not written, and README.md is the first file that is.
        fs::remove_dir_all(place.out("")).unwrap();
        let script = "trap '' XFSZ; ulimit -f 1; exec \"$@\"";
        let report = place.report();
        let mut limited = Command::new("bash");
        limited
            .arg("-c")
            .arg(script)
            .arg("bash")
            .arg(report.get_program())
            .args(report.get_args());
        let output = limited.assert().failure().get_output().clone();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("README.md: cannot write"), "{said}");
        assert_eq!(place.read(&place.root("README.md")), long);
        let left = fs::read_dir(place.root("")).unwrap();
        let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        assert!(
            left.iter()
                .all(|name| !name.to_string_lossy().contains("partial")),
            "{left:?}"
        );
    }
}
