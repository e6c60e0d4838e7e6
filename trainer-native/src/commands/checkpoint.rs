//! `trainer-native checkpoint`: what is in the checkpoints of a run, whether they are sound, and which of them stay.

use crate::durable::FileDigest;
use crate::event::Machine;
use crate::league::FOLDER;
use crate::run::checkpoint::store::Entry;
use crate::run::checkpoint::{Checkpoint, Pin, Retention, Store, load_from};
use crate::run::{BEST, GAMES, MODEL};
use crate::totals::Totals;
use anyhow::{Context, Result, bail, ensure};
use keisei_core::format::{Model, record};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Arguments of `checkpoint`.
#[derive(clap::Args, Debug)]
pub struct CheckpointArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    /// List the checkpoints: iteration, plies, time of the run, age, size, state and pins
    List(RunArgs),
    /// Read every checkpoint and the other files of the run; exit code 1 if any is not as it was written
    Verify(RunArgs),
    /// Print totals, digest and settings of a checkpoint
    Show(ShowArgs),
    /// Delete old checkpoints; pinned ones, and files that are damaged or named otherwise, stay
    Prune(PruneArgs),
    /// Keep a checkpoint from being deleted
    Pin(PinArgs),
    /// Let a pinned checkpoint be deleted again
    Unpin(PinArgs),
}

#[derive(clap::Args, Debug)]
struct RunArgs {
    /// Directory of the run
    run: PathBuf,
}

#[derive(clap::Args, Debug)]
struct ShowArgs {
    /// Directory of the run
    run: PathBuf,
    /// Iteration of the checkpoint [default: the newest sound one]
    iteration: Option<u64>,
}

#[derive(clap::Args, Debug)]
struct PruneArgs {
    /// Directory of the run
    run: PathBuf,
    /// Number of the newest checkpoints to keep
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u64).range(1..))]
    newest: u64,
    /// Keep also the first one of every so many hours of the run
    #[arg(long, value_name = "T", default_value_t = 0.0)]
    hours: f64,
    /// Keep also the first one of each doubling of the iteration
    #[arg(long)]
    log_spaced: bool,
    /// Print what would be deleted, and delete nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(clap::Args, Debug)]
struct PinArgs {
    /// Directory of the run
    run: PathBuf,
    /// Iteration of the checkpoint
    iteration: u64,
}

/// Runs the subcommand, and writes its output with `print`.
///
/// # Errors
/// If there is no run, a file cannot be read or written, or `verify` finds one that is not as it was written.
pub fn run(args: &CheckpointArgs, print: impl Fn(&str) -> Result<()>) -> Result<()> {
    match &args.command {
        Command::List(RunArgs { run }) => print(&table(&store(run)?.entries()?)),
        Command::Verify(RunArgs { run }) => {
            let entries = store(run)?.entries()?;
            print(&table(&entries))?;
            let others = defects_of_others(run, &entries)?;
            print(&lines(&others))?;
            let defects = others.len() + entries.iter().filter(|entry| entry.fault.is_some()).count();
            ensure!(defects == 0, "{}: files with a defect: {defects}", run.display());
            Ok(())
        }
        Command::Show(args) => print(&show(args)?),
        Command::Prune(args) => print(&prune(args)?),
        Command::Pin(PinArgs { run, iteration }) => store(run)?.pin(Pin::Owner, *iteration),
        Command::Unpin(PinArgs { run, iteration }) => {
            let was_pinned = store(run)?.unpin(*iteration)?;
            ensure!(was_pinned, "{}: the checkpoint of iteration {iteration} is not pinned", run.display());
            Ok(())
        }
    }
}

fn folder(run: &Path) -> Result<PathBuf> {
    let folder = run.join("checkpoints");
    ensure!(folder.is_dir(), "{}: no run there: it has no folder checkpoints", run.display());
    Ok(folder)
}

fn store(run: &Path) -> Result<Store> {
    Ok(Store::new(&folder(run)?))
}

/// Table of the checkpoints, with the reason below each that cannot be resumed from.
fn table(entries: &[Entry]) -> String {
    let mut text = String::new();
    let mut row = |cells: [&str; 7]| {
        let [iteration, plies, time, age, size, state, pins] = cells;
        let line = format!("{iteration:>10} {plies:>14} {time:>9} {age:>9} {size:>10}  {state:<10} {pins}");
        writeln!(text, "{}", line.trim_end()).expect("writing to a string");
    };
    row(["iteration", "plies", "run time", "age", "size", "state", "pins"]);
    for entry in entries {
        let header = entry.header.as_ref();
        let plies = header.map_or(String::new(), |header| header.done.plies.to_string());
        let time = header.map_or(String::new(), |header| span(header.seconds));
        let age = entry.modified.and_then(|time| SystemTime::now().duration_since(time).ok());
        let age = age.map_or(String::new(), |age| span(age.as_secs_f64()));
        let state = entry.fault.as_ref().map_or("ok", |fault| fault.word());
        let pins: Vec<String> = entry.pins.iter().map(Pin::to_string).collect();
        row([&entry.iteration.to_string(), &plies, &time, &age, &size(entry.bytes), state, &pins.join(", ")]);
    }
    for entry in entries {
        let name = entry.path.file_name().unwrap_or_default().to_string_lossy();
        if let Some(fault) = &entry.fault {
            writeln!(text, "{name}: {}: {fault}", fault.word()).expect("writing to a string");
        } else if entry.is_renamed {
            writeln!(text, "{name}: a renamed copy of iteration {}", entry.iteration).expect("writing to a string");
        }
    }
    text
}

/// Defects of the run's files besides its checkpoints, each with the path.
fn defects_of_others(run: &Path, entries: &[Entry]) -> Result<Vec<String>> {
    let newest = entries.iter().rfind(|entry| entry.fault.is_none()).and_then(|entry| entry.header.as_ref());
    let digests = newest.map_or(&[][..], |header| &header.files);
    let mut defects: Vec<String> =
        digests.iter().filter_map(|digest| digest.check(run).err()).map(|error| format!("{error:#}")).collect();
    // Each once, although many checkpoints need it.
    let headers = entries.iter().filter_map(|entry| entry.header.as_ref());
    let snapshots: BTreeMap<&str, &FileDigest> =
        headers.flat_map(|header| &header.snapshots).map(|file| (&*file.name, file)).collect();
    let folder = run.join(FOLDER);
    defects.extend(snapshots.values().filter_map(|file| file.check(&folder).err()).map(|error| format!("{error:#}")));
    let mut check = |path: &Path, read: fn(&[u8]) -> Result<()>| {
        let checked = fs::read(path).map_err(anyhow::Error::from).and_then(|bytes| read(&bytes));
        defects.extend(checked.err().map(|error| format!("{}: {error:#}", path.display())));
    };
    check(&run.join(MODEL), |bytes| Ok(Model::from_bytes(bytes).map(drop)?));
    let best = run.join(BEST);
    if best.exists() {
        check(&best, |bytes| Ok(Model::from_bytes(bytes).map(drop)?));
    }
    for path in records(run)? {
        check(&path, |bytes| Ok(record::from_bytes(bytes).map(drop)?));
    }
    Ok(defects)
}

/// Files with records of games.
fn records(run: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    let newest = run.join(GAMES);
    if newest.exists() {
        paths.push(newest);
    }
    let games = run.join("games");
    if games.exists() {
        for entry in fs::read_dir(&games).with_context(|| format!("{}: cannot read", games.display()))? {
            let path = entry.with_context(|| format!("{}: cannot read", games.display()))?.path();
            if path.extension().is_some_and(|extension| extension == "record") {
                paths.push(path);
            }
        }
    }
    paths.sort();
    Ok(paths)
}

fn show(args: &ShowArgs) -> Result<String> {
    let folder = folder(&args.run)?;
    let path = match args.iteration {
        None => load_from(&folder, None)?.path,
        Some(iteration) => {
            let entries = Store::new(&folder).entries()?;
            let Some(entry) = entries.into_iter().rfind(|entry| entry.iteration == iteration) else {
                bail!("{}: no checkpoint of iteration {iteration}", args.run.display());
            };
            entry.path
        }
    };
    // A sick checkpoint can be looked at, and one that cannot be read has no content to show.
    let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
    let checkpoint = Checkpoint::from_bytes(&bytes).with_context(|| path.display().to_string())?;
    let Checkpoint { state, seconds, machine, .. } = &checkpoint;
    let Totals { iterations, plies, samples, games } = state.done;
    let state_word = state.sickness().map_or_else(|| "ok".to_owned(), |reason| format!("sick: {reason}"));
    let lengths: Vec<usize> = state.envs.iter().map(|slot| slot.moves.len()).collect();
    let norm = state.weights.iter().map(|&weight| f64::from(weight).powi(2)).sum::<f64>().sqrt();
    let guard = &state.guard;
    let best = state.league.best.map_or(String::new(), |best| format!(", best that of iteration {best}"));
    let league = format!("{} snapshots in the pool{best}", state.league.pool.len());
    let rows = [
        ("file", path.display().to_string()),
        ("state", state_word),
        ("iterations", iterations.to_string()),
        ("plies", plies.to_string()),
        ("samples", samples.to_string()),
        ("games", games.to_string()),
        ("run time", span(*seconds)),
        ("weights", format!("{}, norm {norm:.3}", state.weights.len())),
        ("optimiser", format!("{} steps", state.adam.steps())),
        ("in progress", format!("{} games, {} plies", lengths.len(), lengths.iter().sum::<usize>())),
        ("league", league),
        ("guard", format!("{} barren, {} halvings, {} restores", guard.barren, guard.halvings, guard.restores)),
        ("written by", written_by(machine)),
        ("digest", state.digest()),
    ];
    let rows = rows.map(|(name, value)| format!("{name:<12} {value}"));
    Ok(format!("{}\n{}", lines(&rows), state.config))
}

fn prune(args: &PruneArgs) -> Result<String> {
    let PruneArgs { run, newest, hours, log_spaced, dry_run } = args;
    ensure!(hours.is_finite() && *hours >= 0.0, "--hours {hours}: must be a number from 0 on");
    let retention =
        Retention { newest: usize::try_from(*newest).unwrap_or(usize::MAX), hours: *hours, log_spaced: *log_spaced };
    let mut store = store(run)?;
    let (verb, paths) =
        if *dry_run { ("would delete", store.superfluous(&retention)?) } else { ("deleted", store.prune(&retention)?) };
    let paths: Vec<String> = paths.iter().map(|path| format!("{verb} {}", path.display())).collect();
    Ok(lines(&paths))
}

/// Program, toolchain and machine in one line.
fn written_by(machine: &Machine) -> String {
    let Machine { version, revision, toolchain, system, cores } = machine;
    if version.is_empty() {
        return "unknown: an earlier version did not store it".to_owned();
    }
    format!("version {version}, revision {revision}, {toolchain}, {system}, {cores} cores")
}

/// Text of these lines, each with its end.
fn lines(lines: &[String]) -> String {
    lines.iter().flat_map(|line| [line, "\n"]).collect()
}

/// Time in the largest unit in which it is at least 2.
fn span(seconds: f64) -> String {
    match seconds {
        ..120.0 => format!("{seconds:.0} s"),
        ..7200.0 => format!("{:.0} min", seconds / 60.0),
        ..172_800.0 => format!("{:.1} h", seconds / 3600.0),
        _ => format!("{:.1} d", seconds / 86_400.0),
    }
}

/// Size in the largest unit in which it is at least 1.
fn size(bytes: u64) -> String {
    match bytes as f64 {
        bytes @ ..1e3 => format!("{bytes} B"),
        bytes @ ..1e6 => format!("{:.1} kB", bytes / 1e3),
        bytes @ ..1e9 => format!("{:.1} MB", bytes / 1e6),
        bytes => format!("{:.1} GB", bytes / 1e9),
    }
}
