//! Starting the workers; installing, below the target folder, what those in other languages need.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
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
    /// This program.
    pub fn native(cpu: usize) -> Result<Worker> {
        Worker::start(on_cpu(cpu, env::current_exe()?).arg("worker"))
    }

    /// `benches/python/inference_ort.py` in an environment of its own.
    pub fn python(cpu: usize, folder: &Path) -> Result<Worker> {
        let sources = sources().join("python");
        let (environment, wanted) = (folder.join("python"), sources.join("requirements.txt"));
        install(&environment, &[&wanted], |environment| {
            run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(environment))?;
            let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
            run(Command::new(environment.join("bin/python")).args(pip).arg(&wanted))
        })?;
        let mut python = on_cpu(cpu, environment.join("bin/python"));
        // Some machines set these for another numpy; they must not decide what is measured.
        python.env_remove("OPENBLAS_CORETYPE").env_remove("OPENBLAS_L2_SIZE");
        Worker::start(python.arg(sources.join("inference_ort.py")).arg(folder))
    }

    /// `benches/node/inference.mjs` with our modules. It needs the networks that the Python worker wrote as ONNX.
    pub fn node(cpu: usize, folder: &Path, wasm: Option<&Path>, relaxed: Option<&Path>) -> Result<Worker> {
        let wasm = wasm.context("no module was given (--wasm)")?;
        let wasm = fs::canonicalize(wasm).with_context(|| wasm.display().to_string())?;
        if !folder.join("C64N4.onnx").is_file() {
            bail!("no network in ONNX, which the worker for onnxruntime writes");
        }
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
        Worker::start(
            on_cpu(cpu, "node").arg(sources.join("inference.mjs")).arg(folder).arg(packages).arg(wasm).args(relaxed),
        )
    }

    fn start(command: &mut Command) -> Result<Worker> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().with_context(|| shown(command))?;
        let (input, output) = (child.stdin.take().context("a pipe")?, child.stdout.take().context("a pipe")?);
        let mut worker = Worker { child, input, output: BufReader::new(output) };
        worker.ask("executors").with_context(|| shown(command))?;
        Ok(worker)
    }

    /// The answer to one line.
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
        // It may have ended by itself; either way there is nobody to tell.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The folder `benches`.
fn sources() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs `install` unless `folder` was made from just these files before.
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

/// The program, held to one CPU.
fn on_cpu(cpu: usize, program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("taskset");
    command.arg("--cpu-list").arg(cpu.to_string()).arg(program);
    command
}

fn run(command: &mut Command) -> Result<()> {
    // Standard output is the table's.
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
