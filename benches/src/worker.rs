//! Workers: programs that answer lines, one for each kind of engine. Packages for workers in other languages are installed
//! below the target folder.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::{env, fs};

use anyhow::{Context, Result, bail};

/// A running worker.
pub struct Worker {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Worker {
    /// A benchmark's own program, called with `worker`.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn native(cpu: usize, program: &Path) -> Result<Worker> {
        Worker::start(on_cpu(cpu, program).arg("worker"))
    }

    /// A script of `benches/python` with the packages of a list there.
    ///
    /// # Errors
    /// As for [`python_packages`].
    pub fn python(cpu: usize, folder: &Path, script: &str, packages: &str, arguments: &[String]) -> Result<Worker> {
        let mut python = on_cpu(cpu, python_packages(folder, packages)?);
        // Some machines set these variables for another numpy; they must not affect the measurement.
        python.env_remove("OPENBLAS_CORETYPE").env_remove("OPENBLAS_L2_SIZE");
        Worker::start(python.arg(sources().join("python").join(script)).args(arguments))
    }

    /// A script of `benches/node`, called with our `module`.
    ///
    /// # Errors
    /// There is no such module, or no Node.
    pub fn node(cpu: usize, script: &str, module: &Path, arguments: &[&Path]) -> Result<Worker> {
        let module = fs::canonicalize(module).with_context(|| module.display().to_string())?;
        Worker::start(on_cpu(cpu, "node").arg(sources().join("node").join(script)).arg(module).args(arguments))
    }

    fn start(command: &mut Command) -> Result<Worker> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().with_context(|| shown(command))?;
        let (input, output) = (child.stdin.take().context("a pipe")?, child.stdout.take().context("a pipe")?);
        let mut worker = Worker { child, input, output: BufReader::new(output) };
        worker.ask("engines").with_context(|| shown(command))?;
        Ok(worker)
    }

    /// The answer to one line.
    ///
    /// # Errors
    /// The worker has ended.
    pub fn ask(&mut self, line: &str) -> Result<String> {
        writeln!(self.input, "{line}").with_context(|| format!("asking {line:?}"))?;
        let mut answer = String::new();
        if self.output.read_line(&mut answer)? == 0 {
            bail!("the worker ended with {} instead of answering {line:?}", self.child.wait()?);
        }
        Ok(answer.trim_end().to_owned())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // The process may have ended by itself; errors need no report here.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder beside the build's output for installed packages and dumped networks.
///
/// # Errors
/// It cannot be made.
pub fn folder() -> Result<PathBuf> {
    let program = env::current_exe()?;
    let target = program.parent().and_then(Path::parent).context("the program lies two folders below the target")?;
    let folder = target.join("bench");
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    Ok(folder)
}

/// A Python with the packages of a list in `benches/python`, installed into an environment below `folder`.
///
/// # Errors
/// Python, `pip` or the packages are not available.
pub fn python_packages(folder: &Path, packages: &str) -> Result<PathBuf> {
    let wanted = sources().join("python").join(packages);
    let environment = folder.join("python").join(packages);
    install(&environment, &[&wanted], |environment| {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(environment))?;
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
        run(Command::new(environment.join("bin/python")).args(pip).arg(&wanted))
    })?;
    Ok(environment.join("bin/python"))
}

/// The npm packages that `benches/node/package.json` lists, installed below `folder`; the folder that holds them.
///
/// # Errors
/// npm or the packages are not available.
pub fn node_packages(folder: &Path) -> Result<PathBuf> {
    let sources = sources().join("node");
    let (packages, files) = (folder.join("node"), ["package.json", "package-lock.json"]);
    let wanted = files.map(|file| sources.join(file));
    install(&packages, &[&wanted[0], &wanted[1]], |packages| {
        fs::create_dir_all(packages)?;
        for (file, wanted) in files.iter().zip(&wanted) {
            fs::copy(wanted, packages.join(file))?;
        }
        run(Command::new("npm").args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(packages))
    })?;
    Ok(packages)
}

/// The folder `benches`.
fn sources() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs `install` unless `folder` was made from the same files before.
fn install(folder: &Path, wanted: &[&Path], install: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let mut content = Vec::new();
    for file in wanted {
        content.extend(fs::read(file).with_context(|| file.display().to_string())?);
    }
    let installed = folder.join("installed");
    if fs::read(&installed).is_ok_and(|found| found == content) {
        return Ok(());
    }
    install(folder)?;
    fs::write(installed, content)?;
    Ok(())
}

/// The program, pinned to one CPU.
fn on_cpu(cpu: usize, program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("taskset");
    command.arg("--cpu-list").arg(cpu.to_string()).arg(program);
    command
}

fn run(command: &mut Command) -> Result<()> {
    // Standard output is reserved for the table.
    let status = command.stdout(Stdio::null()).status().with_context(|| shown(command))?;
    if !status.success() {
        bail!("{} ended with {status}", shown(command));
    }
    Ok(())
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
