//! Move generation: perft with counted and with played leaves, and random playouts, beside other programs.
//!
//! `cargo xtask bench movegen` builds this program for this CPU and for every CPU, each with both kinds of haitaka's sliders,
//! and a module of our rules; Python's peers are installed from `PyPI` and run as programs of their own. Every number is a
//! median of several rounds in CPU time of one thread.

mod peers;
mod worker;

use std::env;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use keisei_benches::measure::median;
use keisei_benches::movegen::ROWS;
use keisei_benches::worker::{Worker, folder};

const USAGE: &str = "usage: movegen [--build LABEL PROGRAM]… [--wasm MODULE] [--rounds N] [--seconds S] [--cpu N]";

/// Bars: our engine, the others, the column (empty for all), and the ratio of speeds.
const BARS: [(&str, &[&str], &str, f64); 5] = [
    ("keisei native", &["haitaka native", "haitaka-qugiy native", "rsshogi native"], "played", 1.1),
    ("keisei native", &["haitaka native", "haitaka-qugiy native", "rsshogi native"], "counted", 1.0),
    ("keisei native", &["haitaka-qugiy native"], "playouts", 1.5),
    ("keisei portable", &["haitaka portable", "haitaka-qugiy portable"], "", 1.3),
    ("keisei wasm", &["keisei portable"], "", 0.5),
];

struct Options {
    /// Label and program of each build of this program.
    builds: Vec<(String, PathBuf)>,
    /// Our rules as a WebAssembly module.
    wasm: Option<PathBuf>,
    rounds: usize,
    /// Length of one measurement.
    seconds: f64,
    cpu: usize,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments == ["worker"] {
        return worker::serve();
    }
    compare(&parse(arguments.into_iter())?)
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options> {
    let mut options = Options { builds: Vec::new(), wasm: None, rounds: 5, seconds: 0.2, cpu: 0 };
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().context(USAGE);
        match name.as_str() {
            "--build" => options.builds.push((value()?, value()?.into())),
            "--wasm" => options.wasm = Some(value()?.into()),
            "--rounds" => options.rounds = value()?.parse().context(USAGE)?,
            "--seconds" => options.seconds = value()?.parse().context(USAGE)?,
            "--cpu" => options.cpu = value()?.parse().context(USAGE)?,
            _ => bail!(USAGE),
        }
    }
    if options.builds.is_empty() {
        options.builds.push(("this build".into(), env::current_exe()?));
    }
    Ok(options)
}

/// An engine: its name in the table, and its speeds in each column, one of each round.
struct Entry {
    label: String,
    samples: Vec<Vec<f64>>,
}

impl Entry {
    fn speed(&self, column: usize) -> Option<f64> {
        median(self.samples[column].clone())
    }
}

fn compare(options: &Options) -> Result<()> {
    let columns: Vec<(&str, usize)> = ["counted", "played", "playouts"]
        .iter()
        .flat_map(|what| (0..ROWS.len()).map(move |row| (*what, row)))
        .collect();
    let mut entries: Vec<Entry> = Vec::new();
    for round in 1..=options.rounds {
        eprintln!("round {round} of {}", options.rounds);
        // Started anew each round: the place of a process's stack can cost a third of its speed.
        for (label, started) in workers(options)? {
            let mut worker = match started {
                Ok(worker) => worker,
                Err(error) => {
                    eprintln!("{label}: left out: {error:#}");
                    continue;
                }
            };
            for engine in worker.ask("engines")?.split(' ') {
                let label = format!("{engine} {label}");
                let place = entries.iter().position(|entry| entry.label == label).unwrap_or(entries.len());
                if place == entries.len() {
                    entries.push(Entry { label, samples: vec![Vec::new(); columns.len()] });
                }
                for ((what, row), samples) in columns.iter().zip(&mut entries[place].samples) {
                    let answer = worker.ask(&format!("run {engine} {what} {row} {}", options.seconds))?;
                    let (units, seconds) = answer.split_once(' ').with_context(|| answer.clone())?;
                    samples.push(units.parse::<f64>()? / seconds.parse::<f64>()? * 1e-6);
                }
            }
        }
    }
    print(&columns, &entries);
    Ok(())
}

/// Every worker, with the suffix of its engines' names.
fn workers(options: &Options) -> Result<Vec<(&str, Result<Worker>)>> {
    let builds = options.builds.iter();
    let mut workers: Vec<(&str, Result<Worker>)> =
        builds.map(|(label, program)| (label.as_str(), Worker::native(options.cpu, program))).collect();
    let rows: Vec<String> = ROWS.iter().map(|row| format!("{}\t{}", row.sfen, row.depth)).collect();
    workers.push(("python", Worker::python(options.cpu, &folder()?, "movegen_peers.py", "movegen.txt", &rows)));
    if let Some(module) = &options.wasm {
        workers.push(("wasm", Worker::node(options.cpu, "movegen.mjs", module, &[])));
    }
    Ok(workers)
}

fn print(columns: &[(&str, usize)], entries: &[Entry]) {
    println!("Million leaves or plies a second of CPU time, one thread.");
    print!("| engine |");
    for (what, row) in columns {
        print!(" {what}, {} |", ROWS[*row].name);
    }
    println!("\n|---|{}", "---:|".repeat(columns.len()));
    for entry in entries {
        print!("| {} |", entry.label);
        for column in 0..columns.len() {
            entry.speed(column).map_or_else(|| print!(" |"), |speed| print!(" {speed:.2} |"));
        }
        println!();
    }
    println!();
    for (ours, peers, what, bar) in BARS {
        let Some(entry) = entries.iter().find(|entry| entry.label == ours) else { continue };
        let peers: Vec<&Entry> = entries.iter().filter(|entry| peers.contains(&entry.label.as_str())).collect();
        let ratios =
            columns.iter().enumerate().filter(|(_, (column, _))| column.contains(what)).filter_map(|(i, _)| {
                let best = peers.iter().filter_map(|peer| peer.speed(i)).reduce(f64::max)?;
                Some(entry.speed(i)? / best)
            });
        let ratios: Vec<f64> = ratios.collect();
        let worst = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        if worst.is_finite() {
            let texts: Vec<String> = ratios.iter().map(|ratio| format!("{ratio:.2}")).collect();
            let names: Vec<&str> = peers.iter().map(|peer| peer.label.as_str()).collect();
            let verdict = if worst >= bar { "met" } else { "missed" };
            let what = if what.is_empty() { "everything" } else { what };
            println!(
                "{ours}, {what}: {} × the best of {}; the bar of {bar:.1} is {verdict}",
                texts.join(", "),
                names.join(", ")
            );
        }
    }
}
