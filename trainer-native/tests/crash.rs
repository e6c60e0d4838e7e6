//! Runs that are killed, also in the middle of a write, and files of a run that are damaged: nothing is lost, and all is named.
//!
//! The children are this program itself, which runs only the test [`child`].

#![cfg(unix)]

use clap::Parser;
use keisei_core::random::{Purpose, Stream};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use trainer_native::commands::train::{self, TrainArgs};
use trainer_native::durable::abort_at_step;
use trainer_native::run::checkpoint::{Store, load_from};

/// Arguments of `train` for the child, and the step of its writes at which it aborts, 0 for never.
const ARGUMENTS: &str = "CRASH_TEST_ARGUMENTS";
const STEP: &str = "CRASH_TEST_STEP";

#[derive(Parser)]
struct Train {
    #[command(flatten)]
    args: TrainArgs,
}

#[test]
#[ignore = "run by the other tests, as another process"]
fn child() {
    let Ok(arguments) = std::env::var(ARGUMENTS) else { return };
    let step = std::env::var(STEP).ok().and_then(|step| step.parse().ok()).expect("the number of a step");
    let words = ["train", "--plain"].into_iter().chain(arguments.split_whitespace());
    let args = Train::try_parse_from(words).expect("arguments of train").args;
    abort_at_step(step);
    print!("{}", train::run(&args).expect("trained"));
}

fn trainer(directory: &Path, arguments: &str, step: u64) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.current_dir(directory).args(["--exact", "child", "--ignored", "--nocapture"]);
    command.env(ARGUMENTS, arguments).env(STEP, step.to_string());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Trains until the budget is spent; returns the digest of the state.
fn finish(directory: &Path, arguments: &str) -> String {
    let Output { status, stdout, stderr } = trainer(directory, arguments, 0).output().expect("started");
    assert!(status.success(), "{arguments}\n{}", text(&stderr));
    assert!(!text(&stderr).contains("skipped"), "a kill damaged a checkpoint: {}", text(&stderr));
    let stdout = text(&stdout);
    let digest = stdout.lines().find_map(|line| line.strip_prefix("digest ")).expect("a digest");
    digest.to_owned()
}

/// The record files of a run.
fn records(run: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(run.join("games")).into_iter().flatten();
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let named = paths.filter(|path| path.extension().is_some_and(|extension| extension == "record"));
    named.map(|path| (path.display().to_string(), fs::read(&path).expect("read"))).map(file_name).collect()
}

fn file_name((path, bytes): (String, Vec<u8>)) -> (String, Vec<u8>) {
    (path.rsplit('/').next().unwrap_or_default().to_owned(), bytes)
}

/// Checks that each iteration has one line of metrics, in order.
fn check_metrics(run: &Path, iterations: u64) {
    let text = fs::read_to_string(run.join("metrics.jsonl")).expect("metrics");
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    let found: Vec<u64> = lines.map(|line| line["iteration"].as_u64().expect("a number")).collect();
    assert_eq!(found, (1..=iterations).collect::<Vec<u64>>());
}

/// Kills runs until there were `kills`: half of them at a step of a write, half at an instant. Each run goes on from every kill to
/// its end, where its state and its records are those of a run that was never killed.
fn kill_and_resume(kills: u64) {
    const ITERATIONS: u64 = 8;
    let directory = tempfile::tempdir().expect("a temporary folder");
    let directory = directory.path();
    let mut stream = Stream::new(1, Purpose::Shuffle, 0, 0);
    let (mut killed, mut in_a_write) = (0, 0);
    for round in 0.. {
        if killed >= kills {
            break;
        }
        // Many short games, so that records are written and cross the kills.
        let threads = 1 + round % 2;
        let settings = format!(
            "--preset tiny --iterations {ITERATIONS} --set seed={round} --set selfplay.max_plies=30 --set selfplay.first_opening_plies=25 --set selfplay.envs=16"
        );
        // Every second run with snapshots, a gate and averaged weights.
        let league = "--set league.share=0.5 --set gate.plies=256 --set gate.games=2 --set ppo.ema=0.9";
        let settings = format!("{settings} {}", if round % 4 < 2 { league } else { "" });
        let whole = finish(directory, &format!("{settings} --set run.threads={threads} --out whole{round}"));
        let name = format!("killed{round}");
        let run = directory.join(&name);
        let start = format!("{settings} --set run.threads={} --out {name}", 3 - threads);
        let mut before = 0;
        // Milliseconds until a kill, at most; more on a machine where that is too short for any progress.
        let mut longest = 60;
        loop {
            let checkpoints = run.join("checkpoints");
            let can_resume = checkpoints.exists() && load_from(&checkpoints, None).is_ok();
            let arguments = if can_resume { format!("--resume {name}") } else { start.clone() };
            let is_in_a_write = stream.below(2) == 0;
            let step = if is_in_a_write { 1 + stream.below(40) as u64 } else { 0 };
            let mut process = trainer(directory, &arguments, step).spawn().expect("started");
            if !is_in_a_write {
                std::thread::sleep(Duration::from_millis(stream.below(longest) as u64));
                process.kill().expect("killed");
            }
            let Output { status, stderr, .. } = process.wait_with_output().expect("ended");
            let stderr = text(&stderr);
            assert!(!stderr.contains("skipped") && !stderr.contains("panicked"), "round {round}: {stderr}");
            if checkpoints.exists() {
                let entries = Store::new(&checkpoints).entries().expect("read");
                assert!(entries.iter().all(|entry| entry.fault.is_none()), "round {round}: {entries:?}");
                let now = entries.last().map_or(0, |entry| entry.iteration);
                assert!(now >= before, "round {round}: from iteration {before} back to {now}");
                longest = if now > before { 60 } else { longest + longest / 2 };
                before = now;
            } else {
                longest += longest / 2;
            }
            if status.success() || before == ITERATIONS {
                break;
            }
            killed += 1;
            in_a_write += u64::from(is_in_a_write);
        }
        assert_eq!(finish(directory, &format!("--resume {name}")), whole, "round {round}");
        check_metrics(&run, ITERATIONS);
        let (found, expected) = (records(&run), records(&directory.join(format!("whole{round}"))));
        assert!(!expected.is_empty(), "no game ended");
        assert!(found == expected, "round {round}: other records after a kill");
        for entry in fs::read_dir(&run).expect("read").chain(fs::read_dir(run.join("checkpoints")).expect("read")) {
            let name = entry.expect("an entry").file_name();
            assert!(!name.as_encoded_bytes().starts_with(b"."), "left behind: {}", name.display());
        }
    }
    assert!(in_a_write >= kills / 4, "only {in_a_write} of {killed} kills in a write");
}

#[test]
fn a_run_killed_inside_writes_and_between_them_loses_nothing() {
    kill_and_resume(20);
}

#[test]
#[ignore = "takes a minute"]
fn two_hundred_kills_lose_nothing() {
    kill_and_resume(200);
}
