//! Where the workspace is, and how its commands are started.

use std::ffi::OsString;
use std::io::{Write, stderr};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus};

use anyhow::{Context, Result, bail};

/// The root folder of the workspace.
pub(crate) fn root() -> PathBuf {
    // `cargo run` and `cargo test` set the variable; a binary started by hand knows where it was built.
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR");
    let manifest = manifest.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&manifest)
        .parent()
        .map_or_else(|| PathBuf::from("."), Path::to_owned)
}

/// The cargo that started this process.
pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// What was typed after `cargo xtask COMMAND`.
pub(crate) fn typed_args() -> Vec<OsString> {
    std::env::args_os().skip(2).collect()
}

/// Prints a command as a person would type it, and returns that line.
pub(crate) fn announce(command: &Command) -> String {
    let line = shown(command);
    // A terminal that is gone is no reason to stop.
    let _ = writeln!(stderr(), "$ {line}");
    line
}

/// Prints a command as a person would type it, runs it, and returns how it ended.
pub(crate) fn start(command: &mut Command) -> Result<ExitStatus> {
    let line = announce(command);
    command.status().with_context(|| format!("start `{line}`"))
}

/// Runs a command that must exit with success.
pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    let status = start(command)?;
    if !status.success() {
        bail!("`{}` ended with {status}", shown(command));
    }
    Ok(())
}

/// Builds the binary of a package in release mode with cargo features, and returns where it is.
pub(crate) fn build(package: &str, features: &[&str]) -> Result<PathBuf> {
    let mut command = cargo();
    command.current_dir(root());
    command.args(["build", "--release", "--package", package]);
    if !features.is_empty() {
        command.args(["--features", &features.join(",")]);
    }
    succeed(&mut command)?;
    Ok(built("release", package))
}

/// Where cargo puts the binary of a package.
pub(crate) fn built(profile: &str, package: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    let name = format!("{package}{}", std::env::consts::EXE_SUFFIX);
    root().join(target).join(profile).join(name)
}

/// A command as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program
        .file_stem()
        .unwrap_or(program.as_os_str())
        .to_string_lossy();
    let variables = command.get_envs().filter_map(|(name, value)| {
        Some(format!(
            "{}={}",
            name.to_string_lossy(),
            cli::quoted(value?)
        ))
    });
    let args = command.get_args().map(cli::quoted);
    let words: Vec<String> = variables
        .chain([program.into_owned()])
        .chain(args)
        .collect();
    words.join(" ")
}

/// Sends a signal to a process; it may have ended, and then there is nothing to stop.
#[cfg(unix)]
pub(crate) fn send(signal: &str, process: u32) {
    let mut kill = Command::new("sh");
    kill.args([
        "-c",
        "kill -s \"$0\" \"$1\" 2> /dev/null",
        signal,
        &process.to_string(),
    ]);
    let _ = kill.status();
}

/// The exit code of a process, to be this process's own; 128 and the signal's number for one that a signal ended.
pub(crate) fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| Some(128 + signal(status)?));
    let code = code.and_then(|code| u8::try_from(code).ok());
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}

/// The signal that ended a process.
fn signal(status: ExitStatus) -> Option<i32> {
    #[cfg(unix)]
    return std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    return None;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_holds_the_workspace() {
        let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
        assert!(manifest.contains("[workspace]"));
    }

    #[test]
    fn commands_are_shown_as_typed() {
        let mut command = Command::new("/usr/bin/cargo");
        command
            .args(["doc", "--out", "a b"])
            .env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(
            shown(&command),
            "RUSTDOCFLAGS='-D warnings' cargo doc --out 'a b'"
        );
    }

    #[test]
    fn binaries_are_named_like_their_package() {
        let path = built("release", "bench");
        assert!(path.is_absolute());
        let end = format!("release/bench{}", std::env::consts::EXE_SUFFIX);
        assert!(path.ends_with(&end), "{}", path.display());
    }

    #[test]
    fn a_failing_command_is_an_error_that_names_it() {
        let mut wrong = cargo();
        wrong.args(["no-such-command", "--x"]);
        let error = succeed(&mut wrong).unwrap_err().to_string();
        assert!(
            error.starts_with("`cargo no-such-command --x` ended with"),
            "{error}"
        );
        succeed(cargo().arg("--version")).unwrap();
    }
}
