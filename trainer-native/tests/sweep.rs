//! Sweeps from the view of their user: real processes, kills, signals, children that fail.

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Arguments of a sweep of tiny runs.
const TINY: &str = "sweep --preset tiny --set run.threads=1 --plies 128 --games 2";

fn command(folder: &Path, args: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trainer-native"));
    command.current_dir(folder).args(args.split_whitespace()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Checks that the program succeeds; returns what it prints, on standard output and on standard error.
fn check(folder: &Path, args: &str) -> (String, String) {
    let Output { status, stdout, stderr } = command(folder, args).output().unwrap();
    assert_eq!(status.code(), Some(0), "{args}\n{}", text(&stderr));
    (text(&stdout).to_owned(), text(&stderr).to_owned())
}

/// Checks that the program ends with `code` and names each of `parts` on standard error.
fn check_refused(folder: &Path, args: &str, code: i32, parts: &[&str]) {
    let Output { status, stdout, stderr } = command(folder, args).output().unwrap();
    let message = text(&stderr);
    assert_eq!((status.code(), text(&stdout)), (Some(code), ""), "{args}\n{message}");
    assert!(!message.contains("panicked"), "{args}\n{message}");
    for part in parts {
        assert!(message.contains(part), "{args}: no {part:?} in\n{message}");
    }
}

fn json(folder: &Path, sweep: &str) -> Value {
    serde_json::from_slice(&fs::read(folder.join(sweep).join("sweep.json")).unwrap()).unwrap()
}

fn entries(folder: &Path, sweep: &str) -> usize {
    fs::read_to_string(folder.join(sweep).join("journal.jsonl")).map_or(0, |text| text.lines().count())
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < Duration::from_mins(2), "waited two minutes until {what}");
        sleep(Duration::from_millis(2));
    }
}

#[test]
fn trials_are_trained_and_compared() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let over = "--over ppo.clip_coef=0.1..0.3 --over net.blocks={1,2} --strategy random --trials 2 --seeds 2";
    let (table, told) = check(folder, &format!("{TINY} {over} --opponent ab:1 --opponent default --out s"));
    for part in [
        "ppo.clip_coef",
        "net.blocks",
        "95 % interval",
        "vs ab:1",
        "vs default",
        "the intervals hold it",
        "s/sweep.svg",
    ] {
        assert!(table.contains(part), "no {part:?} in\n{table}");
    }
    assert!(
        table.contains("seeds of each to tell that from chance") || table.contains("have the same score"),
        "{table}"
    );
    assert!(told.contains("trial 2, seed 2: score"), "{told}");

    let sweep = json(folder, "s");
    assert_eq!((&sweep["done"], &sweep["seeds"], &sweep["strategy"]), (&true.into(), &2.into(), &"random".into()));
    let rows = sweep["table"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    let mut last = 1.0;
    for row in rows {
        let number = |value: &Value| value.as_f64().unwrap();
        let (score, low, high) = (number(&row["score"]), number(&row["interval"][0]), number(&row["interval"][1]));
        assert!(0.0 <= low && low <= score && score <= high && high <= 1.0 && score <= last, "{row}");
        last = score;
        let seeds: Vec<f64> = row["seeds"].as_array().unwrap().iter().map(number).collect();
        assert!(seeds.len() == 2 && (seeds.iter().sum::<f64>() / 2.0 - score).abs() < 1e-12, "{row}");
        // Two games of each agent against alpha-beta, and against each agent of the default settings but itself.
        let games =
            |i: usize| ["wins", "draws", "losses"].map(|what| row["results"][i][what].as_u64().unwrap()).iter().sum();
        let expected = if row["trial"] == 0 { (4, 4) } else { (4, 8) };
        assert_eq!((games(0), games(1)), expected, "{row}");
    }
    let svg = fs::read_to_string(folder.join("s/sweep.svg")).unwrap();
    assert!(
        svg.starts_with("<svg role=\"img\" aria-label=\"Trials of a sweep over net.blocks, ppo.clip_coef; the best")
    );
    assert_eq!(svg.matches("<polyline").count(), 3 + 3, "a line for each trial and each axis\n{svg}");

    // The values of a trial are in force in its runs, and their seeds differ.
    let trial = rows.iter().find(|row| row["trial"] == 1).unwrap();
    let config = |run: &str| -> toml::Table { fs::read_to_string(folder.join(run)).unwrap().parse().unwrap() };
    let (first, second) = (config("s/trial-001/seed-1/config.toml"), config("s/trial-001/seed-2/config.toml"));
    assert_eq!((first["seed"].as_integer(), second["seed"].as_integer()), (Some(1), Some(2)));
    assert_eq!(first["net"]["blocks"].as_integer(), trial["settings"]["net.blocks"].as_i64());
    assert_eq!(first["run"]["plies"].as_integer(), Some(128));

    // A sweep that is done prints its table again, and its folder takes no other.
    assert_eq!(check(folder, "sweep --resume s").0, table);
    check_refused(folder, &format!("{TINY} {over} --out s"), 1, &["s: holds a sweep already", "--resume s"]);
}

#[test]
fn a_sweep_killed_at_any_entry_goes_on_as_if_it_never_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let args = format!(
        "{TINY} --over ppo.clip_coef=0.1..0.3 --over ppo.epochs={{1,2}} --trials 5 --seeds 1 --opponent default"
    );
    let (table, _) = check(folder, &format!("{args} --out whole"));
    let journal = fs::read(folder.join("whole/journal.jsonl")).unwrap();
    let whole = entries(folder, "whole");
    // The plan; two entries of the default settings' agent, and three of each trial.
    assert_eq!(whole, 1 + 2 + 5 * 3);

    let mut child: Child = command(folder, &format!("{args} --out killed")).spawn().unwrap();
    let mut kills = 0;
    for count in 1..whole {
        let mut ended = false;
        wait_until("the journal grows", || {
            ended = child.try_wait().unwrap().is_some();
            ended || entries(folder, "killed") >= count
        });
        if ended {
            break;
        }
        // At once, or in the middle of a child's work, which goes on without the sweep.
        sleep(Duration::from_millis([0, 30, 120][count % 3]));
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
        if count % 4 == 0 {
            // As if killed within an entry.
            let path = folder.join("killed/journal.jsonl");
            let mut torn = fs::read(&path).unwrap();
            torn.extend(b"{\"played\":{\"agent");
            fs::write(&path, torn).unwrap();
        }
        child = command(folder, "sweep --resume killed").spawn().unwrap();
    }
    let Output { status, stderr, .. } = child.wait_with_output().unwrap();
    assert_eq!(status.code(), Some(0), "{}", text(&stderr));
    assert!(kills > 5, "{kills} kills");
    assert_eq!(text(&fs::read(folder.join("killed/journal.jsonl")).unwrap()), text(&journal));
    assert_eq!(check(folder, "sweep --resume killed").0, table.replace("whole/", "killed/"));
    assert_eq!(json(folder, "killed"), json(folder, "whole"));
}

#[test]
fn the_number_of_jobs_and_the_order_of_ends_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let args =
        format!("{TINY} --over ppo.clip_coef=0.1..0.3 --trials 4 --seeds 2 --opponent default --set run.threads=2");
    check(folder, &format!("{args} --out one"));
    check(folder, &format!("{args} --jobs 2 --out two"));
    assert_eq!(json(folder, "one"), json(folder, "two"));
}

#[cfg(unix)]
#[test]
fn a_signal_stops_the_children_and_the_sweep_goes_on_later() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // Far more plies than it gets to.
    let args = "sweep --preset tiny --plies 100000000 --games 2 --over ppo.clip_coef=0.1..0.3 --trials 1 --seeds 2 --jobs 2 --out s";
    let child = command(folder, args).spawn().unwrap();
    let lines = |seed: u32| {
        let metrics = folder.join(format!("s/trial-000/seed-{seed}/metrics.jsonl"));
        fs::read_to_string(metrics).map_or(0, |text| text.lines().count())
    };
    wait_until("both agents learn", || lines(1) > 0 && lines(2) > 0);
    let pid = rustix::process::Pid::from_raw(child.id() as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    assert_eq!(status.code(), Some(0), "{}", text(&stderr));
    assert!(text(&stdout).contains("stopped; go on with: trainer-native sweep --resume s"), "{}", text(&stdout));
    let saved = lines(1);
    for seed in 1..=2 {
        let run = format!("s/trial-000/seed-{seed}");
        let events = fs::read_to_string(folder.join(&run).join("events.jsonl")).unwrap();
        assert!(events.lines().last().unwrap().contains("\"interrupted\":true"), "{events}");
        check(folder, &format!("checkpoint verify {run}"));
    }
    sleep(Duration::from_millis(200));
    assert_eq!(lines(1), saved, "a child went on");
    assert_eq!(entries(folder, "s"), 1, "nothing is noted as done");
    let mut child = command(folder, "sweep --resume s").spawn().unwrap();
    wait_until("it goes on", || lines(1) > saved);
    check_refused(folder, "sweep --resume s", 1, &["s: another process sweeps here"]);
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_trial_that_fails_is_noted_and_the_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // In the way of the run of trial 2.
    fs::create_dir_all(folder.join("s/trial-002")).unwrap();
    fs::write(folder.join("s/trial-002/seed-1"), "").unwrap();
    // Openings of up to 40 plies do not go with games of 30.
    let args = "--strategy grid --over selfplay.max_plies={30,60,80} --seeds 1 --opponent random --out s";
    let (table, told) = check(folder, &format!("{TINY} {args}"));
    assert!(
        told.contains("trial 1, seed 1: failed: selfplay.max_plies = 30: must be above the random opening"),
        "{told}"
    );
    let sweep = json(folder, "s");
    let of = |trial: u64| sweep["table"].as_array().unwrap().iter().find(|row| row["trial"] == trial).unwrap();
    assert!(of(1)["failed"].as_str().unwrap().contains("max_plies = 30"), "{sweep}");
    assert!(of(2)["failed"].as_str().unwrap().contains("seed-1: cannot create"), "{sweep}");
    assert!(of(3)["score"].is_number() && of(0)["score"].is_number(), "{sweep}");
    assert!(table.lines().any(|line| line.contains("failed") && line.contains("cannot create")), "{table}");
    assert_eq!(sweep["done"], true);

    // If the settings that it starts from fail there is nothing to compare with.
    fs::create_dir_all(folder.join("t/trial-000")).unwrap();
    fs::write(folder.join("t/trial-000/seed-1"), "").unwrap();
    let args = "--over ppo.epochs={1,2} --trials 1 --seeds 1 --out t";
    check_refused(
        folder,
        &format!("{TINY} {args}"),
        1,
        &["the settings that the sweep starts from fail", "cannot create"],
    );
}

#[test]
fn halving_goes_on_with_the_better_trials() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let args = "--strategy halving --trials 4 --eta 2 --plies 256 --over ppo.clip_coef=0.1..0.3 --seeds 1 --out s";
    let args = TINY.replace("--plies 128", args);
    let (table, _) = check(folder, &format!("{args} --opponent random --opponent default"));
    let sweep = json(folder, "s");
    let rows = sweep["table"].as_array().unwrap();
    let budgets = |trials: &dyn Fn(&Value) -> bool| -> Vec<u64> {
        rows.iter().filter(|row| trials(row)).map(|row| row["plies"].as_u64().unwrap()).collect()
    };
    assert_eq!(budgets(&|row| row["trial"] != 0), [256, 128, 64, 64], "{table}");
    assert_eq!(budgets(&|row| row["trial"] == 0), [256], "the default settings are in each rung");
    for row in rows {
        let metrics = folder.join(format!("s/trial-{:03}/seed-1/metrics.jsonl", row["trial"].as_u64().unwrap()));
        let iterations = fs::read_to_string(metrics).unwrap().lines().count() as u64;
        assert_eq!(64 * iterations, row["plies"].as_u64().unwrap(), "resumed and not started anew: {row}");
    }
}

#[test]
fn what_cannot_be_swept_is_refused_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let refused = |args: &str, code: i32, parts: &[&str]| {
        check_refused(folder, &format!("sweep --preset tiny {args}"), code, parts);
    };
    let over = "--over ppo.epochs={1,2}";
    refused("", 1, &["nothing to sweep over", "--over KEY=VALUES"]);
    refused("--over ppo.clip=0.1..0.2", 1, &["ppo.clip: no such setting; the nearest is ppo.clip_coef"]);
    refused("--over ppo.clip_coef=0.1..2", 1, &["ppo.clip_coef = 2: must be from"]);
    refused("--space absent.toml", 1, &["absent.toml: cannot read the space"]);
    refused(&format!("{over} --games 7"), 2, &["--games", "even"]);
    refused(&format!("{over} --seeds 0"), 2, &["--seeds", "from 1"]);
    refused(&format!("{over} --trials 0"), 2, &["--trials", "from 1"]);
    refused(&format!("{over} --strategy grid --trials 3"), 2, &["--trials", "as many trials as points"]);
    refused(&format!("{over} --opponent self"), 2, &["--opponent", "self"]);
    refused(&format!("{over} --opponent greedy --opponent greedy"), 2, &["given twice"]);
    refused(&format!("{over} --opponent nobody.model --out s"), 1, &["--opponent nobody.model: ", "nobody.model"]);
    refused(&format!("{over} --opponent ab:0"), 2, &["--opponent \"ab:0\""]);
    refused(
        &format!("{over} --opponent usi:/nowhere,nodes=1 --out s"),
        1,
        &["--opponent usi:/nowhere,nodes=1: ", "/nowhere"],
    );
    assert!(!folder.join("s/journal.jsonl").exists());
    check_refused(folder, "sweep --resume nowhere", 1, &["nowhere: no sweep there"]);
    check_refused(folder, "sweep --resume nowhere --trials 3", 2, &["cannot be used with"]);
    fs::create_dir(folder.join("bad")).unwrap();
    for (journal, part) in [("", "begin with a plan"), ("hello\n", "line 1: not an entry")] {
        fs::write(folder.join("bad/journal.jsonl"), journal).unwrap();
        check_refused(folder, "sweep --resume bad", 1, &["bad/journal.jsonl", part]);
    }
}

#[test]
fn agents_of_other_sweeps_pass_settings_as_options() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    check(
        folder,
        "train --preset tiny --plies 64 --plain --out r --ppo.clip_coef=0.1 --seed=7 --sinks.curve=False --ppo.learning_rate.from=0.001",
    );
    let config: toml::Table = fs::read_to_string(folder.join("r/config.toml")).unwrap().parse().unwrap();
    assert_eq!((config["seed"].as_integer(), config["sinks"]["curve"].as_bool()), (Some(7), Some(false)));
    assert_eq!(config["ppo"]["clip_coef"].as_float(), Some(0.1));
    assert_eq!(config["ppo"]["learning_rate"]["from"].as_float(), Some(0.001));
    let refused = |args: &str, parts: &[&str]| check_refused(folder, &format!("train --preset tiny {args}"), 1, parts);
    refused("--ppo.clip=0.1", &["ppo.clip: no such setting; the nearest is ppo.clip_coef"]);
    refused("--ppo.clip_coef=2", &["ppo.clip_coef = 2: must be from"]);
    refused("--ppo.clip_coef", &["expected key=value"]);
    refused("--set learning_rate=1", &["learning_rate: no such setting; the nearest is"]);
}
