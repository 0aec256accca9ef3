//! `cargo xtask cluster` with scripts in the places of Slurm and `reproduce`: what is submitted, how a task goes on
//! after it was stopped, and when it has failed.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Lists two learning rates and the network that needs them; trains by writing a result.
///
/// A file `fails` or `is-stopped` in its folder says that the run of that name fails or is stopped.
/// The run in `saves-slowly` notes every SIGTERM, and ends a second after the first with the code in `code`.
const REPRODUCE: &str = r#"#!/bin/bash
here=$STAGE
args=" $* "
echo "$*" >> "$here/calls"
if [[ $args == *" --list "* ]]; then
    for digit in a b c; do
        run=$(printf "$digit%.0s" {1..16})
        needs=
        [ $digit != c ] || needs='"aaaaaaaaaaaaaaaa","bbbbbbbbbbbbbbbb"'
        echo "{\"run\":\"$run\",\"experiment\":\"nin/table1\",\"label\":\"nin/table1 $digit\",\"seed\":0,\"epochs\":2,"\
"\"train_images\":9,\"needs\":[$needs],\"done\":false,\"seconds\":60.0,\"machine\":\"a machine\"}"
    done
    exit 0
fi
while [ $# -gt 0 ]; do
    case $1 in
    --run) run=$2 ;;
    --out) out=$2 ;;
    esac
    shift
done
[ "$run" != none ] || exit 0
mkdir -p "$out/trained/$run/checkpoint"
if [ "$run" = "$(cat "$here/fails" 2> /dev/null)" ]; then
    echo "error: the data are gone" >&2
    exit 1
fi
if [ "$run" = "$(cat "$here/is-stopped" 2> /dev/null)" ]; then
    echo $RANDOM > "$out/trained/$run/checkpoint/new"
    mv "$out/trained/$run/checkpoint/new" "$out/trained/$run/checkpoint/state.toml"
    exit 130
fi
if [ "$run" = "$(cat "$here/saves-slowly" 2> /dev/null)" ]; then
    trap 'echo TERM >> "$here/signals"' TERM
    touch "$here/started"
    for _ in {1..400}; do
        [ ! -e "$here/signals" ] || break
        sleep 0.05
    done
    for _ in {1..20}; do sleep 0.05; done
    exit "$(cat "$here/code")"
fi
echo "{}" > "$out/trained/$run/result.json"
"#;

/// Gives every job the next number, and notes how it was called.
const SBATCH: &str = r#"#!/bin/bash
echo "$*" >> "$STAGE/sbatch"
if [ -e "$STAGE/refusal" ] && [[ $* == *"$(cat "$STAGE/refused")"* ]]; then
    cat "$STAGE/refusal" >&2
    exit 1
fi
wc -l < "$STAGE/sbatch"
"#;

const SQUEUE: &str = "#!/bin/bash\ncat \"$STAGE/queue\" 2> /dev/null\nexit 0\n";
const SACCT: &str = "#!/bin/bash\necho 'Slurm accounting storage is disabled' >&2\nexit 1\n";
/// Empties the queue.
const SCANCEL: &str = "#!/bin/bash\necho \"$*\" >> \"$STAGE/scancel\"\nrm -f \"$STAGE/queue\"\n";

struct Stage(TempDir);

impl Stage {
    fn new() -> Self {
        let stage = Self(tempfile::tempdir().unwrap());
        for (name, text) in [
            ("program", REPRODUCE),
            ("bin/sbatch", SBATCH),
            ("bin/squeue", SQUEUE),
            ("bin/sacct", SACCT),
            ("bin/scancel", SCANCEL),
        ] {
            let path = stage.path(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        stage
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut path = self.path("bin").into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        let mut command = Command::new(program);
        command.env("PATH", path).env("STAGE", self.0.path());
        command.env_remove("SLURM_JOB_ID");
        command
    }

    fn cluster_command(&self, line: &str) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_xtask"));
        command.arg("cluster").args(line.split_whitespace());
        command.arg("--out").arg(self.path("runs"));
        command
    }

    fn cluster(&self, line: &str) -> Output {
        self.cluster_command(line).output().unwrap()
    }

    fn submit_line(&self, more: &str) -> String {
        let program = self.path("program");
        format!(
            "submit nin/table1 --name one --binary {} {more}",
            program.display()
        )
    }

    fn submit(&self, more: &str) -> Output {
        self.cluster(&self.submit_line(more))
    }

    /// Begins a sweep of this machine, has it stopped while the first task runs, and says how it ended.
    fn stopped(&self, stop: impl FnOnce(u32)) -> Output {
        let mut command = self.cluster_command(&self.submit_line("--local 1"));
        let (out, err) = (Stdio::piped(), Stdio::piped());
        let sweep = command.stdout(out).stderr(err).spawn().unwrap();
        let begun = Instant::now();
        while !self.path("started").exists() {
            assert!(begun.elapsed() < Duration::from_secs(60), "never started");
            sleep(Duration::from_millis(20));
        }
        stop(sweep.id());
        let output = sweep.wait_with_output().unwrap();
        assert_eq!(self.read("signals"), "TERM\n");
        fs::remove_file(self.path("started")).unwrap();
        fs::remove_file(self.path("signals")).unwrap();
        output
    }

    /// What is said of a command that ends well.
    fn well(output: &Output) -> String {
        let text = text(output);
        assert!(output.status.success(), "{text}");
        text
    }

    fn task(&self, number: u32) -> Output {
        let script = self.path("runs/cluster/one/task.sh");
        self.command("bash")
            .arg(script)
            .arg(number.to_string())
            .output()
            .unwrap()
    }

    /// As the job does that submits what is left.
    fn rest(&self) -> Output {
        let script = self.path("runs/cluster/one/submit.sh");
        self.command("bash")
            .arg(script)
            .env("SLURM_JOB_ID", "9")
            .output()
            .unwrap()
    }
}

fn text(output: &Output) -> String {
    let both = [output.stdout.as_slice(), b"\n", output.stderr.as_slice()].concat();
    String::from_utf8_lossy(&both).into_owned()
}

#[test]
fn two_arrays_and_the_job_of_the_rest_are_submitted_once() {
    let stage = Stage::new();
    let said = Stage::well(&stage.submit("--max-running 2"));
    for wanted in [
        "computation: 3 min",
        "job 1: learning rates, tasks 1-2",
        "job 2: networks, tasks 3",
    ] {
        assert!(said.contains(wanted), "{said}");
    }
    let calls = stage.read("sbatch");
    let lines: Vec<&str> = calls.lines().collect();
    assert_eq!(
        lines,
        [
            "--parsable --array=1-2%2 1-choose.sbatch",
            "--parsable --array=3%2 --dependency=afterany:1 2-train.sbatch",
            "--parsable --dependency=afterany:1:2 3-rest.sbatch",
        ]
    );
    stage.write(
        "queue",
        "1|1|RUNNING|None|node1\n2|3|PENDING|Dependency|\n3|N/A|PENDING|Dependency|\n",
    );
    let said = Stage::well(&stage.submit("--max-running 2"));
    assert!(said.contains("Nothing was submitted"), "{said}");
    let error = text(&stage.submit("--max-running 2 --cpus 9"));
    assert!(
        error.contains("this is another sweep") && error.contains("cluster cancel"),
        "{error}"
    );
    assert_eq!(stage.read("sbatch"), calls);
    let said = Stage::well(&stage.cluster("status"));
    assert!(said.contains("1 running, 1 waiting, 1 left"), "{said}");
}

#[test]
fn a_task_trains_its_run_after_those_that_it_needs() {
    let stage = Stage::new();
    Stage::well(&stage.submit("--no-submit"));
    assert_eq!(stage.read("sbatch"), "");
    let said = Stage::well(&stage.task(3));
    assert!(said.contains("waits for run aaaaaaaaaaaaaaaa"), "{said}");
    for number in [1, 2, 3] {
        Stage::well(&stage.task(number));
    }
    let calls = stage.read("calls").lines().count();
    assert!(Stage::well(&stage.task(3)).contains("is done"));
    assert_eq!(stage.read("calls").lines().count(), calls);
    assert!(
        stage
            .read("calls")
            .contains("nin/table1 --scale quick --out")
    );
    assert!(Stage::well(&stage.rest()).contains("nothing is left"));
    assert!(!stage.task(4).status.success());
    assert!(Stage::well(&stage.cluster("status")).contains("3 trainings, 3 done"));
    Stage::well(&stage.cluster("collect"));
    assert!(stage.read("calls").trim_end().ends_with("--run none"));
}

#[test]
fn a_task_that_fails_three_times_stays_failed_and_says_why() {
    let stage = Stage::new();
    stage.write("fails", "bbbbbbbbbbbbbbbb");
    let output = stage.submit("--local 2");
    let said = text(&output);
    assert!(!output.status.success(), "{said}");
    assert!(said.contains("1 of 3 trainings are done"), "{said}");
    assert_eq!(
        stage
            .read("calls")
            .matches("--run bbbbbbbbbbbbbbbb")
            .count(),
        3
    );
    assert_eq!(
        stage
            .read("calls")
            .matches("--run cccccccccccccccc")
            .count(),
        0
    );
    let said = Stage::well(&stage.cluster("status"));
    let reason = "3 tries without a new checkpoint; the last: code 1, error: the data are gone";
    assert!(
        said.contains(reason) && said.contains("needs run bbbbbbbbbbbbbbbb"),
        "{said}"
    );
    stage.write("fails", "");
    assert!(text(&stage.submit("--local 2")).contains("Failed earlier and stay so: 2"));
    let said = Stage::well(&stage.submit("--local 2 --retry"));
    assert!(said.contains("3 of 3 trainings are done"), "{said}");
}

#[test]
fn what_was_stopped_is_in_the_next_round_and_never_fails_by_it() {
    let stage = Stage::new();
    Stage::well(&stage.submit(""));
    stage.write("is-stopped", "aaaaaaaaaaaaaaaa");
    for _ in 0..5 {
        assert_eq!(stage.task(1).status.code(), Some(130));
        let said = Stage::well(&stage.rest());
        assert!(said.contains("learning rates, tasks 1-2"), "{said}");
    }
    // Nothing has changed since.
    let output = stage.rest();
    assert!(!output.status.success());
    assert!(text(&output).contains("the last round changed nothing"));
    Stage::well(&stage.cluster("cancel"));
    let said = Stage::well(&stage.rest());
    assert!(said.contains("was cancelled"), "{said}");
}

#[test]
fn tasks_of_this_machine_are_told_once_to_stop() {
    let stage = Stage::new();
    stage.write("saves-slowly", "aaaaaaaaaaaaaaaa");
    stage.write("code", "130");
    let terminate = |process: u32| {
        let process = process.to_string();
        let mut kill = Command::new("kill");
        assert!(
            kill.args(["-s", "TERM", &process])
                .status()
                .unwrap()
                .success()
        );
    };
    let cancel = |_| stage.write("runs/cluster/one/cancelled", "");
    for output in [stage.stopped(terminate), stage.stopped(cancel)] {
        let said = text(&output);
        assert_eq!(output.status.code(), Some(130), "{said}");
        assert!(said.contains("Stopped and saved"), "{said}");
    }
    stage.write("code", "3");
    let output = stage.stopped(terminate);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let unsaved = "not saved: task 1, nin/table1 a, seed 0, ended with exit status: 1";
    assert!(
        said.contains(unsaved) && !said.contains("and saved"),
        "{said}"
    );
}

#[test]
fn a_cancelled_sweep_leaves_the_queue() {
    let stage = Stage::new();
    Stage::well(&stage.submit(""));
    stage.write("queue", "1|1|RUNNING|None|node1\n2|3|PENDING|Dependency|\n");
    let said = Stage::well(&stage.cluster("cancel one"));
    assert!(said.contains("Cancelled: 1, 2"), "{said}");
    assert_eq!(stage.read("scancel"), "1 2\n");
    let said = Stage::well(&stage.cluster("status"));
    assert!(said.contains("It was cancelled"), "{said}");
    Stage::well(&stage.submit(""));
    assert_eq!(stage.read("sbatch").lines().count(), 6);
}

#[test]
fn what_sbatch_refuses_is_told_with_the_cure_and_leaves_nothing_in_the_queue() {
    let stage = Stage::new();
    stage.write("refused", "2-train");
    stage.write("refusal", "sbatch: error: invalid partition specified: x\n");
    let output = stage.submit("");
    let error = text(&output);
    assert!(!output.status.success());
    assert!(error.contains("give one with --partition"), "{error}");
    assert_eq!(stage.read("scancel").trim(), "1");
    fs::remove_dir_all(stage.path("bin")).unwrap();
    let mut command = stage.command(env!("CARGO_BIN_EXE_xtask"));
    command
        .env("PATH", "/usr/bin/none")
        .args(["cluster", "submit", "nin"]);
    let error = text(&command.output().unwrap());
    assert!(error.contains("--local N"), "{error}");
}
