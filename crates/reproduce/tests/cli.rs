//! The command line as a user meets it: a smoke run, the list, and errors of one line with a cure.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use lab::report::{Record, chosen_rate};

fn reproduce(args: &[&str], out: &Path) -> std::process::Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reproduce"));
    command.args(args);
    if args.first() != Some(&"data") {
        command.args(["--out".as_ref(), out.as_os_str()]);
    }
    command.output().expect("the program starts")
}

/// The folder of the run that a record is of.
fn run_of(record: &Path, out: &Path) -> PathBuf {
    let text = std::fs::read_to_string(record).expect("a record");
    let records: serde_json::Value = serde_json::from_str(&text).expect("a record");
    let run = records[0]["runs"][0].as_str().expect("a run");
    out.join(run)
}

#[test]
fn smoke() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let args = [
        "allconv", "table3", "table4", "large", "--scale", "smoke", "--quiet",
    ];
    let output = reproduce(&args, dir.path());
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for wanted in ["All-CNN-C", "9.08", "fashion-mnist", "smoke"] {
        assert!(text.contains(wanted), "no {wanted} in {text}");
    }
    assert!(dir.path().join("report.md").is_file() && dir.path().join("index.html").is_file());
    let record = dir
        .path()
        .join("allconv/table3/smoke/All-CNN-C/seed-0/record.json");
    let folder = run_of(&record, dir.path());
    for file in [
        "config.toml",
        "log.jsonl",
        "result.json",
        "checkpoint/weights.safetensors",
    ] {
        assert!(folder.join(file).is_file(), "no {file}");
    }
    let config = std::fs::read_to_string(folder.join("config.toml")).expect("a configuration");
    for wanted in [
        "cargo xtask reproduce allconv table3",
        "[recipe",
        "[settings",
        "width",
    ] {
        assert!(config.contains(wanted), "no {wanted} in {config}");
    }
    let weights = std::fs::read(folder.join("checkpoint/weights.safetensors")).expect("weights");
    let args = [
        "allconv", "table3", "--scale", "smoke", "--quiet", "--resume",
    ];
    let again = reproduce(&args, dir.path());
    assert!(again.status.success());
    let after = std::fs::read(folder.join("checkpoint/weights.safetensors")).expect("weights");
    assert!(weights == after, "resume trains nothing again");
    let previous = folder.join("checkpoint.previous");
    assert!(!previous.exists(), "resume begins nothing afresh");
}

#[test]
fn transformers_are_drawn() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let args = ["stn", "grids", "animation", "--scale", "smoke", "--quiet"];
    let output = reproduce(&args, dir.path());
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for wanted in ["RTS: ST-CNN Aff", "E: ST-CNN TPS", "after the transformer"] {
        assert!(text.contains(wanted), "no {wanted} in {text}");
    }
    let figure = |path: &str| std::fs::read(dir.path().join("stn").join(path)).expect("a figure");
    assert!(!figure("grids/smoke/figures/RTS-ST-CNN-Aff.png").is_empty());
    let film = figure("animation/smoke/figures/grid.png");
    let control = film.windows(4).position(|bytes| bytes == b"acTL");
    let at = control.expect("an animated picture") + 4;
    let frames = film.get(at..at + 4).map(|count| count != [0, 0, 0, 1]);
    assert_eq!(frames, Some(true), "more than one frame");
}

#[test]
fn same_seed_same_numbers() {
    let epochs = |threads: &str| {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let args = [
            "allconv", "table4", "--scale", "smoke", "--json", "--quiet", "--seed", "7",
        ];
        let output = reproduce(&[&args[..], &["--threads", threads]].concat(), dir.path());
        let lines = String::from_utf8(output.stdout).expect("text");
        assert_eq!(lines.lines().count(), 2, "{lines}");
        let folders = [
            "All-CNN-C-no-augmentation",
            "All-CNN-C-flip-and-translation",
        ];
        folders.map(|folder| {
            let record = dir.path().join("allconv/table4/smoke").join(folder);
            let folder = run_of(&record.join("seed-7/record.json"), dir.path());
            let weights = std::fs::read(folder.join("checkpoint/weights.safetensors"));
            let log = std::fs::read_to_string(folder.join("log.jsonl")).expect("a log");
            let loss = log.lines().find_map(|line| {
                let line: serde_json::Value = serde_json::from_str(line).ok()?;
                Some(line.get("train_loss")?.to_string())
            });
            (loss.expect("an epoch"), weights.expect("weights"))
        })
    };
    assert!(epochs("1") == epochs("2"));
}

#[test]
fn the_report_shows_what_was_measured() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (root, out) = (dir.path(), dir.path().join("runs"));
    std::fs::create_dir(root.join("docs")).expect("a folder");
    let readme = root.join("README.md");
    let block = "<!-- generated: allconv/table4 smoke -->\n<!-- end generated -->\n";
    std::fs::write(&readme, block).expect("written");
    let args = ["allconv", "table4", "--scale", "smoke", "--quiet"];
    assert!(reproduce(&args, &out).status.success());
    let report = |args: &[&str]| {
        let root = root.to_string_lossy().into_owned();
        let output = reproduce(&[&["report", "--root", &root], args].concat(), &out);
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    assert!(!report(&["--check"]).0, "there are no records yet");
    let (good, text) = report(&["--take", "allconv/table4", "--scale", "smoke"]);
    assert!(good, "{text}");
    assert!(report(&["--check"]).0);
    let text = std::fs::read_to_string(&readme).expect("text");
    assert!(
        text.contains("| All-CNN-C, flip and translation |"),
        "{text}"
    );
    std::fs::write(&readme, text.replace("7.25", "0.00")).expect("written");
    let (good, text) = report(&["--check"]);
    assert!(!good && text.contains("README.md do not show"), "{text}");
}

#[test]
fn list_names_every_experiment() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let output = reproduce(&["all", "--list"], dir.path());
    let text = String::from_utf8_lossy(&output.stdout);
    for id in cli::EXPERIMENTS.iter().flat_map(|(_, ids)| *ids) {
        let start = format!("{id}: ");
        let is_listed = text.lines().any(|line| line.starts_with(&start));
        assert!(is_listed, "no {id} in {text}");
    }
}

#[test]
fn what_quick_does_with_embedded_images_took_minutes() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let output = reproduce(&["all", "--list"], dir.path());
    let text = String::from_utf8_lossy(&output.stdout);
    let is_quick = |line: &&str| line.starts_with("  quick") && line.contains("embedded");
    let lines: Vec<&str> = text.lines().filter(is_quick).collect();
    assert!(lines.len() > 15, "{text}");
    let timed: Vec<&str> = lines
        .into_iter()
        .filter_map(|line| Some(line.split_once("; took ")?.1))
        .collect();
    assert!(timed.len() > 12, "{text}");
    for took in timed {
        let words: Vec<&str> = took.split_whitespace().collect();
        let minutes = match words[1] {
            "s" => 0,
            "min" => words[0].parse().expect("minutes"),
            _ => panic!("{took}"),
        };
        assert!(minutes < 5, "{took}");
    }
}

#[test]
fn tables_that_share_a_network_train_it_once_in_any_number_of_processes() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let start = |shard: &[&str]| {
        let args = [
            "nin", "table1", "fig3", "fig4", "--scale", "smoke", "--quiet",
        ];
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_reproduce"));
        command.args(args).args(shard).arg("--out").arg(dir.path());
        command.stdout(std::process::Stdio::null());
        command.spawn().expect("the program starts")
    };
    // Two parts, and two processes that do everything, all at once.
    let all = [
        start(&["--shard", "1/2"]),
        start(&["--shard", "2/2"]),
        start(&[]),
        start(&[]),
    ];
    for mut process in all {
        assert!(process.wait().expect("it ends").success());
    }
    let trained = dir.path().join("trained");
    let runs = std::fs::read_dir(&trained).expect("runs").flatten();
    let starts: Vec<usize> = runs
        .map(|run| std::fs::read_to_string(run.path().join("log.jsonl")).expect("a log"))
        .map(|log| log.matches("\"kind\":\"start\"").count())
        .collect();
    assert_eq!(starts, [1, 1, 1, 1], "four networks, each trained once");
}

#[test]
fn a_finished_run_is_used_again_unless_told_otherwise() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let run = |more: &[&str]| {
        let args = ["nin/table4", "--scale", "smoke", "--quiet"];
        assert!(
            reproduce(&[&args[..], more].concat(), dir.path())
                .status
                .success()
        );
        let record = dir
            .path()
            .join("nin/table4/smoke/NIN-+-dropout/seed-0/record.json");
        let result = run_of(&record, dir.path()).join("result.json");
        std::fs::metadata(&result)
            .and_then(|m| m.modified())
            .expect("a result")
    };
    let first = run(&[]);
    assert_eq!(run(&[]), first);
    let second = run(&["--again"]);
    assert_ne!(second, first);
    // A checkpoint of what is finished is nothing to go on from.
    assert_ne!(run(&["--again", "--resume"]), second);
}

#[test]
fn every_training_is_listed_and_done_alone() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let row = [
        "allconv", "table3", "--row", "A", "--scale", "smoke", "--quiet",
    ];
    let call = |more: &[&str]| {
        let rates = ["--rates", "0.1,0.03"];
        let output = reproduce(&[&row[..], &rates[..], more].concat(), dir.path());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.success(), text, said)
    };
    let list = || -> Vec<serde_json::Value> {
        let (_, text, _) = call(&["--list", "--json"]);
        let lines = text.lines();
        lines
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect()
    };
    let listed = list();
    assert!(
        !dir.path().join("allconv").exists(),
        "a list writes nothing"
    );
    let name = |at: usize| listed[at]["run"].as_str().expect("a name");
    let needs = serde_json::json!([name(0), name(1)]);
    assert_eq!((listed.len(), &listed[2]["needs"]), (3, &needs));
    let result = |at: usize| {
        dir.path()
            .join("trained")
            .join(name(at))
            .join("result.json")
    };
    assert!(call(&["--run", name(1)]).0);
    assert!(result(1).is_file() && !result(0).exists() && !result(2).exists());
    let (_, text, _) = call(&["--run", "none"]);
    assert!(text.contains("Report:") && !result(2).exists(), "{text}");
    assert!(call(&["--run", name(2)]).0);
    assert!(result(0).is_file() && result(2).is_file());
    let record = dir.path().join("allconv/table3/smoke/A/seed-0/record.json");
    let kept = std::fs::read(&record).expect("a record");
    let (_, text, _) = call(&["--run", "none"]);
    assert!(text.contains("12.47"), "{text}");
    assert_eq!(std::fs::read(&record).expect("a record"), kept);
    assert!(list().iter().all(|training| training["done"] == true));
    let (fine, _, said) = call(&["--run", "00ff00ff00ff00ff"]);
    assert!(!fine && said.contains("--list --json"), "{said}");
}

#[test]
fn what_trains_nothing_is_measured_by_one_process() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let measures = |more: &[&str]| {
        let args = ["stn/overhead", "--scale", "smoke", "--quiet"];
        let output = reproduce(&[&args[..], more].concat(), dir.path());
        assert!(output.status.success(), "{more:?}");
        let kept = dir.path().join("stn");
        let is_measured = kept.exists();
        std::fs::remove_dir_all(kept).ok();
        is_measured
    };
    assert!(measures(&[]));
    assert!(measures(&["--shard", "1/2"]));
    assert!(!measures(&["--shard", "2/2"]));
    assert!(!measures(&["--run", "none"]));
}

#[test]
fn a_row_alone() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let args = [
        "allconv",
        "--scale",
        "smoke",
        "--quiet",
        "--row",
        "Strided-CNN-C",
    ];
    let output = reproduce(&args, dir.path());
    assert!(output.status.success());
    let rows = std::fs::read_dir(dir.path().join("allconv/table3/smoke")).expect("rows");
    let rows: Vec<_> = rows
        .map(|row| row.expect("a row"))
        .filter(|row| row.path().is_dir())
        .map(|row| row.file_name())
        .collect();
    assert_eq!(rows, ["Strided-CNN-C"]);
}

#[test]
fn a_run_with_other_epochs_and_another_rate_says_so() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let line = "allconv/table3 --scale smoke --quiet --row A --epochs 2 --rates 0.02";
    let args: Vec<&str> = line.split(' ').collect();
    assert!(reproduce(&args, dir.path()).status.success());
    let record = dir.path().join("allconv/table3/smoke/A/seed-0/record.json");
    let record = std::fs::read(record).expect("a record");
    let records: Vec<Record> = serde_json::from_slice(&record).expect("records");
    let record = &records[0];
    assert_eq!(record.epochs, 2);
    assert!(record.has_other_epochs());
    assert!(record.command.ends_with(" --row A --epochs 2 --rates 0.02"));
    for note in [
        "epochs: 2 instead of 350.",
        "learning rate: 0.02 instead of 0.1.",
    ] {
        assert!(record.notes.iter().any(|n| n == note), "{:?}", record.notes);
    }
    // One rate is nothing to choose from.
    let runs = std::fs::read_dir(dir.path().join("trained")).expect("runs");
    assert_eq!(runs.count(), 1);
}

#[test]
fn errors_name_the_cure() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let empty = dir.path().join("empty");
    std::fs::create_dir(&empty).expect("a folder");
    let empty = empty.to_string_lossy().into_owned();
    let cases: [(&[&str], &str); 16] = [
        (&["allconv", "table9"], "allconv/table3"),
        (&["allconv", "table3", "--scale", "cpu"], "--data DIR"),
        (&["allconv", "table5"], "--data DIR"),
        (
            &["allconv", "table3", "--data", "/no/such/folder"],
            "no such folder",
        ),
        (&["allconv", "table3", "--data", &empty], "cifar10"),
        (
            &["allconv", "table3", "--device", "tpu"],
            "cpu, cuda:N or metal:N",
        ),
        (&["allconv", "table3", "--shard", "5/4"], "I/N"),
        (&["allconv", "table3", "--row", "All-CNN-D"], "All-CNN-C, B"),
        (
            &["allconv", "table3", "--scale", "fast"],
            "smoke, quick, cpu, paper",
        ),
        (
            &[
                "swwae/equivariance",
                "--scale",
                "smoke",
                "--row",
                "what, horizontal shift",
            ],
            "--row 'SWWAE, soft pooling'",
        ),
        (
            &[
                "stn/colocalisation",
                "--scale",
                "smoke",
                "--row",
                "T, digit 3",
            ],
            "--row 'encoder: CNN on plain digits'",
        ),
        (
            &["components", "--scale", "paper"],
            "components/plain has nothing at scale paper",
        ),
        (
            &["allconv/fig3", "--row", "C, deconvnet"],
            "--row C as well",
        ),
        (
            &["swwae/where", "--scale", "smoke", "--rates", "0.1,0.01"],
            "no error to choose a learning rate by",
        ),
        (
            &["allconv/table3", "--seed", "18446744073709551615"],
            "0..=9000000000000000",
        ),
        (
            &["data", "verify", "mnist", "--data", "/no/such/folder"],
            "/no/such/folder",
        ),
    ];
    for (args, wanted) in cases {
        let output = reproduce(args, dir.path());
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{args:?} succeeded");
        assert!(text.contains(wanted), "{args:?}: no {wanted:?} in {text}");
        assert!(!text.contains("panicked"), "{args:?}: {text}");
    }
    let trained = dir.path().join("trained");
    assert!(!trained.exists(), "nothing is trained before it is refused");
}

#[test]
fn a_rate_is_chosen_on_one_image_of_eight() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let line = "allconv/large --scale smoke --quiet --rates 0.1,0.05";
    let args: Vec<&str> = line.split(' ').collect();
    let output = reproduce(&args, dir.path());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let runs = std::fs::read_dir(dir.path().join("trained")).expect("runs");
    assert_eq!(runs.count(), 3, "one at each rate, and one at the better");
    let row = dir.path().join("allconv/large/smoke/Large-All-CNN");
    let record = std::fs::read(row.join("seed-0/record.json")).expect("a record");
    let records: Vec<Record> = serde_json::from_slice(&record).expect("records");
    let chosen = [0.1, 0.05].map(chosen_rate);
    let notes = &records[0].notes;
    assert!(notes.iter().any(|n| chosen.contains(n)), "{notes:?}");
}

#[test]
fn an_experiment_of_one_seed_says_so() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let row = "RTS: ST-CNN Aff";
    let args = [
        "stn/grids",
        "--scale",
        "smoke",
        "--quiet",
        "--row",
        row,
        "--seeds",
        "3",
    ];
    let output = reproduce(&args, dir.path());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("warning: --seeds: stn/grids looks into the networks of one seed, 0,"),
        "{said}"
    );
    let record = dir
        .path()
        .join("stn/grids/smoke/RTS-ST-CNN-Aff/seed-0/record.json");
    let records: Vec<Record> =
        serde_json::from_slice(&std::fs::read(record).expect("a record")).expect("records");
    assert!(
        !records[0].command.contains("--seeds"),
        "{}",
        records[0].command
    );
}
