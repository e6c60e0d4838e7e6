//! Other programs, run from the repository's root.

use anyhow::{Context, Result, bail};
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Time between two signs of life of a program that prints nothing.
const TICK: Duration = Duration::from_secs(5);
/// Time between two looks at whether a program has ended.
const POLL: Duration = Duration::from_millis(50);

/// Root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies one folder below the root")
}

/// Folder of the pages' sources.
pub fn www() -> PathBuf {
    root().join("www")
}

/// Output folder of cargo, wherever the environment or a configuration puts it.
pub fn target_directory() -> Result<&'static Path> {
    static TARGET: OnceLock<PathBuf> = OnceLock::new();
    if let Some(target) = TARGET.get() {
        return Ok(target);
    }
    let metadata = json(cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let target = metadata["target_directory"].as_str().context("cargo metadata names no target directory")?;
    Ok(TARGET.get_or_init(|| PathBuf::from(target)))
}

/// Command that runs the program with these arguments in the root.
pub fn command<S: AsRef<OsStr>>(program: S, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(root());
    command
}

/// Command for the cargo that runs this program.
pub fn cargo() -> Command {
    command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), &[])
}

/// Runs the program, shows its command line and its output, and waits for its end.
///
/// # Errors
/// The program cannot be started or ends with another code than 0.
pub fn run(command: &mut Command) -> Result<()> {
    eprintln!("$ {}", shown(command));
    let status = command.status().with_context(|| format!("{}: cannot be started", shown(command)))?;
    check(command, status)
}

/// As [`run`], for a program that prints nothing for long: prints the seconds that have passed every five seconds.
///
/// # Errors
/// As [`run`].
pub fn run_silent(command: &mut Command) -> Result<()> {
    eprintln!("$ {}", shown(command));
    let mut child = command.spawn().with_context(|| format!("{}: cannot be started", shown(command)))?;
    let start = Instant::now();
    let mut next = TICK;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if start.elapsed() >= next {
            eprintln!("  ... {} s", next.as_secs());
            next += TICK;
        }
        std::thread::sleep(POLL);
    };
    check(command, status)
}

/// Runs the program like [`run`], but kills it as soon as `is_reached`; its files must be whole at every moment.
///
/// # Errors
/// Those of [`run`], if the program ends before that.
pub fn run_until(command: &mut Command, is_reached: impl Fn() -> bool) -> Result<()> {
    eprintln!("$ {}", shown(command));
    let mut child = command.spawn().with_context(|| format!("{}: cannot be started", shown(command)))?;
    loop {
        if is_reached() {
            // It may have ended just now, which is as good.
            let _ = child.kill();
            child.wait()?;
            return Ok(());
        }
        if let Some(status) = child.try_wait()? {
            return check(command, status);
        }
        std::thread::sleep(POLL);
    }
}

/// As [`run`], but hands every line of both output streams to `line` after showing it.
///
/// # Errors
/// As [`run`].
pub fn run_read(command: &mut Command, line: impl Fn(&str) + Sync) -> Result<()> {
    eprintln!("$ {}", shown(command));
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{}: cannot be started", shown(command)))?;
    let (stdout, stderr) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
    std::thread::scope(|scope| {
        scope.spawn(|| pass_on(stderr, std::io::stderr(), &line));
        pass_on(stdout, std::io::stdout(), &line);
    });
    let status = child.wait()?;
    check(command, status)
}

/// Copies `from` line by line. A failing writer (a closed terminal) does not stop the program behind `from`.
fn pass_on(from: impl Read, mut to: impl Write, line: &impl Fn(&str)) {
    let mut reader = BufReader::new(from);
    let mut bytes = Vec::new();
    while reader.read_until(b'\n', &mut bytes).is_ok_and(|read| read > 0) {
        let _ = to.write_all(&bytes).and_then(|()| to.flush());
        line(&String::from_utf8_lossy(&bytes));
        bytes.clear();
    }
}

/// Runs the program without showing anything; returns what it wrote to standard output.
///
/// # Errors
/// As [`run`]; the program's messages are part of the error.
pub fn output(command: &mut Command) -> Result<Vec<u8>> {
    let output = command.output().with_context(|| format!("{}: cannot be started", shown(command)))?;
    check(command, output.status).with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    Ok(output.stdout)
}

/// As [`output`], read as JSON.
///
/// # Errors
/// As [`output`]; the output is not JSON.
pub fn json(command: &mut Command) -> Result<serde_json::Value> {
    Ok(serde_json::from_slice(&output(command)?)?)
}

/// Runs the program like [`json`], and shows its command line and its messages.
///
/// # Errors
/// Those of [`run`], or if the output is not JSON.
pub fn json_shown(command: &mut Command) -> Result<serde_json::Value> {
    eprintln!("$ {}", shown(command));
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("{}: cannot be started", shown(command)))?;
    check(command, output.status)?;
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Whether the program ends with code 0 within `limit`, after which it is stopped. Its output is shown.
pub fn succeeds_within(limit: Duration, command: &mut Command) -> bool {
    eprintln!("$ {}", shown(command));
    let Ok(mut child) = command.stdin(Stdio::null()).spawn() else {
        return false;
    };
    let start = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) if start.elapsed() < limit => std::thread::sleep(POLL),
            // Whether it can still be stopped or has just ended, the answer is no.
            _ => {
                let _ = child.kill().and_then(|()| child.wait());
                return false;
            }
        }
    }
}

/// Path of the program: the first that the folders in PATH hold. An absolute path stands for itself.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

fn check(command: &Command, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("{}: {status}", shown(command));
    }
    Ok(())
}

fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn a_program_ends_when_its_mark_is_reached_or_by_itself() {
        let begin = Instant::now();
        run_until(&mut command("sleep", &["60"]), || begin.elapsed() > POLL).unwrap();
        assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
        run_until(&mut command("true", &[]), || false).unwrap();
        assert!(run_until(&mut command("false", &[]), || false).is_err());
    }
}
