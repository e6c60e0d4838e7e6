//! Command line of the trainer: parse → run → exit code.

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::io::{ErrorKind, Write};
use std::process::ExitCode;
use trainer_native::argument::{BadArgument, with_settings};
use trainer_native::commands::{
    checkpoint, convert, dataset, encode, evaluate, export, inspect, metrics, model, probe, rate, report, runs, serve,
    settings, sweep, train, watch,
};

#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Learn by self-play
    Train(train::TrainArgs),
    /// Try values of settings: train agents with each, and compare them by matches
    Sweep(sweep::SweepArgs),
    /// List, check, show, pin and delete the checkpoints of a run
    Checkpoint(checkpoint::CheckpointArgs),
    /// Watch a run that another process trains, on the same display
    Watch(watch::WatchArgs),
    /// Write an HTML page about runs: curves, evaluations, alarms, games, settings
    Report(report::ReportArgs),
    /// List the runs in a folder
    Runs(runs::RunsArgs),
    /// List, check and compare settings
    Settings(settings::SettingsArgs),
    /// List the metrics of a run: key, unit and meaning
    Metrics(metrics::MetricsArgs),
    /// Measure a model's strength by matches against known players
    Evaluate(evaluate::EvaluateArgs),
    /// Ask models for the solutions of probes (mates, defences, hanging pieces), or find probes in games
    Probe(probe::ProbeArgs),
    /// Rate players by a tournament: table, intervals, JSON, SVG, sequential test
    Rate(rate::RateArgs),
    /// Show what a model file holds: network, encodings, origin, ratings
    Inspect(model::InspectArgs),
    /// Write a model to a file, for players, the page or other programs; or runs and their games as a bundle for the page
    Export(export::ExportArgs),
    /// Serve the built pages to a browser on this machine, with runs as they go on
    Serve(serve::ServeArgs),
    /// Convert game records from one notation to another
    Convert(convert::ConvertArgs),
    /// Write the positions of recorded games for other trainers
    Dataset(dataset::DatasetArgs),
    /// Print the planes of a position, or its legal moves with their actions
    Encode(encode::EncodeArgs),
    /// Count the legal move sequences of a given length
    Perft(inspect::PerftArgs),
    /// List the legal moves, sorted, one per line
    Moves(inspect::LineArgs),
    /// Print the outcome of a game after some moves, with its reason
    Outcome(inspect::LineArgs),
}

fn main() -> ExitCode {
    match run(Cli::parse_from(with_settings(std::env::args_os())).command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(if error.is::<BadArgument>() { 2 } else { 1 })
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Train(args) => print(&train::run(&args)?),
        Command::Sweep(args) => print(&sweep::run(&args, |text| eprintln!("{text}"))?),
        Command::Checkpoint(args) => checkpoint::run(&args, print),
        Command::Metrics(args) => print(&metrics::run(args)),
        Command::Watch(args) => watch::run(&args, print),
        Command::Report(args) => print(&report::run(&args)?),
        Command::Runs(args) => print(&runs::run(&args, |error| eprintln!("{error}"))?),
        Command::Settings(args) => print(&settings::run(&args)?),
        Command::Evaluate(args) => evaluate::run(&args, print),
        Command::Probe(args) => print(&probe::run(&args)?),
        Command::Rate(args) => rate::run(&args, print),
        Command::Inspect(args) => print(&model::run(&args)?),
        Command::Export(args) => print(&export::run(&args)?),
        Command::Serve(args) => serve::run(&args),
        Command::Convert(args) => convert::run(&args, print, |message| eprintln!("{message}")),
        Command::Dataset(args) => print(&dataset::run(&args)?),
        Command::Encode(args) => print(&encode::run(&args)?),
        Command::Perft(args) => print(&inspect::perft(&args)?),
        Command::Moves(args) => print(&inspect::moves(&args)?),
        Command::Outcome(args) => print(&inspect::outcome(&args)?),
    }
}

/// Writes `text` to standard output; a reader that has closed it, as `head` does, is no error.
fn print(text: &str) -> Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
