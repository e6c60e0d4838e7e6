//! Runs survive kills, signals, damaged files, a full disk and a second trainer: tests with real processes and files.

use keisei_core::format::Model;
use keisei_core::format::record;
use keisei_core::net::NetOptions;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Command of a trainer of tiny runs in `directory`.
fn trainer(directory: &Path, args: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trainer-native"));
    command.current_dir(directory).arg("train").args(args.split_whitespace()).arg("--plain");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Checks that the program succeeds; returns its standard output and standard error.
fn check(directory: &Path, args: &str) -> (String, String) {
    let Output { status, stdout, stderr } = trainer(directory, args).output().unwrap();
    assert_eq!(status.code(), Some(0), "{args}\n{}", text(&stderr));
    (text(&stdout).to_owned(), text(&stderr).to_owned())
}

/// Checks that the program ends with `code` and names each of `parts` on standard error.
fn check_refused(directory: &Path, args: &str, code: i32, parts: &[&str]) {
    let Output { status, stderr, .. } = trainer(directory, args).output().unwrap();
    let message = text(&stderr);
    assert_eq!(status.code(), Some(code), "{args}\n{message}");
    assert!(!message.contains("panicked"), "{args}\n{message}");
    for part in parts {
        assert!(message.contains(part), "{args}: no {part:?} in\n{message}");
    }
}

/// Rest of the line that begins with `name`.
fn field<'a>(output: &'a str, name: &str) -> &'a str {
    output.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("no {name:?} in\n{output}")).trim()
}

fn digest(output: &str) -> String {
    let digest = field(output, "digest ");
    assert_eq!(digest.len(), 64, "{digest}");
    digest.to_owned()
}

/// The checkpoints of a run, oldest first.
fn checkpoints(run: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(run.join("checkpoints")) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "checkpoint"));
    paths.sort();
    paths
}

fn wait_until(what: &str, done: impl Fn() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < Duration::from_mins(1), "waited a minute until {what}");
        sleep(Duration::from_millis(2));
    }
}

fn wait_for_a_checkpoint(run: &Path) {
    wait_until("there is a checkpoint", || !checkpoints(run).is_empty());
}

fn metrics(run: &Path) -> Vec<serde_json::Value> {
    lines(&run.join("metrics.jsonl"))
}

/// Events of one kind that a run has written.
fn events(run: &Path, kind: &str) -> Vec<serde_json::Value> {
    let mut events = lines(&run.join("events.jsonl"));
    events.retain(|event| event["event"] == kind);
    events
}

fn lines(path: &Path) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    // The last line of a run in progress may be incomplete.
    text.split_inclusive('\n')
        .filter(|line| line.ends_with('\n'))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Checks that each iteration has one line, in order, and that no step was skipped, no write failed and no policy differed.
fn check_metrics(run: &Path, iterations: u64) {
    check_metrics_of_the_run(run, iterations);
    for line in metrics(run) {
        assert_eq!(line["sink_failures"], 0, "{line}");
    }
}

/// The same where a sink may fail.
fn check_metrics_of_the_run(run: &Path, iterations: u64) {
    let lines = metrics(run);
    let found: Vec<u64> = lines.iter().map(|line| line["iteration"].as_u64().unwrap()).collect();
    assert_eq!(found, (1..=iterations).collect::<Vec<u64>>());
    for line in &lines {
        assert_eq!(line["skipped"], 0, "{line}");
        assert!(line["first_ratio_error"].as_f64().unwrap() < 1e-5, "{line}");
    }
}

/// Names of all files of a run; incomplete ones are hidden.
fn names(run: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for folder in [run.to_owned(), run.join("checkpoints"), run.join("games")] {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            names.push(entry.unwrap().file_name().into_string().unwrap());
        }
    }
    names
}

fn kill(child: &Child, signal: &str) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

#[cfg(unix)]
#[test]
fn a_run_killed_at_any_instant_goes_on_as_if_it_never_stopped() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    for seed in [1, 2] {
        let settings = format!("--preset tiny --iterations 12 --set seed={seed}");
        let whole = check(directory, &format!("{settings} --out whole{seed}")).0;
        check_metrics(&directory.join(format!("whole{seed}")), 12);

        let name = format!("killed{seed}");
        let run = directory.join(&name);
        let mut child = trainer(directory, &format!("{settings} --out {name}")).spawn().unwrap();
        wait_for_a_checkpoint(&run);
        // Delays without a pattern, from "at once" to the length of a few iterations.
        for delay in [0, 23, 61, 7, 38].map(|millis| millis * seed) {
            sleep(Duration::from_millis(delay));
            child.kill().unwrap();
            let said = child.wait_with_output().unwrap().stderr;
            assert!(!text(&said).contains("damaged"), "a kill damaged a checkpoint: {}", text(&said));
            check_files_are_whole(&run);
            child = trainer(directory, &format!("--resume {name}")).spawn().unwrap();
        }
        child.wait().unwrap();
        let (output, said) = check(directory, &format!("--resume {name}"));
        assert_eq!(digest(&output), digest(&whole), "seed {seed}");
        assert!(!said.contains("damaged"), "a kill damaged a checkpoint: {said}");
        check_metrics(&run, 12);
        check_files_are_whole(&run);
        assert!(names(&run).iter().all(|name| !name.starts_with('.')), "left behind: {:?}", names(&run));
    }
}

/// Checks that a reader of a run in progress, or after a kill, finds complete files under their names.
fn check_files_are_whole(run: &Path) {
    Model::from_bytes(&fs::read(run.join("model.model")).unwrap()).unwrap();
    for entry in fs::read_dir(run.join("games")).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "record") {
            record::from_bytes(&fs::read(&path).unwrap()).unwrap();
        }
    }
}

#[test]
fn threads_and_budget_do_not_change_the_work() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    // Constant schedules, so that the budget does not change them.
    let constant = "--set ppo.ent_coef.to=0.03 --set ppo.learning_rate.from=0.0015 --set ppo.learning_rate.to=0.0015 --set estimation.prior_weight.to=0.9";
    let digest_of = |args: &str| digest(&check(directory, args).0);
    let one = digest_of(&format!("--preset tiny --iterations 4 --set run.threads=1 {constant} --out one"));
    for threads in [2, 3, 16] {
        let args = format!("--preset tiny --iterations 4 --set run.threads={threads} {constant} --out t{threads}");
        assert_eq!(digest_of(&args), one, "{threads} threads");
    }
    digest_of(&format!("--preset tiny --iterations 2 --set run.threads=3 {constant} --out two"));
    assert_eq!(digest_of("--resume two --iterations 4 --set run.threads=2"), one);
    // A run that has spent its budget has nothing to do.
    assert_eq!(digest_of("--resume two"), one);
    check_metrics(&directory.join("two"), 4);
    assert_ne!(digest_of("--preset tiny --iterations 4 --set seed=2 --out other"), one);
}

#[test]
fn every_lever_of_learning_goes_on_from_a_checkpoint_and_depends_on_no_thread() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let constant = "--set ppo.ent_coef.to=0.03 --set ppo.learning_rate.from=0.0015 --set ppo.learning_rate.to=0.0015 --set estimation.prior_weight.to=0.9";
    let digest_of = |args: &str| digest(&check(directory, args).0);
    // Long random openings, so that there are mates and games that end.
    let long = "--set selfplay.envs=16 --set selfplay.horizon=32 --set selfplay.max_plies=300 --set selfplay.first_opening_plies=200";
    let settings = format!("--preset tiny {long} --set ppo.minibatch=128 --set run.checkpoint_plies=512 {constant}");
    digest_of(&format!("{settings} --iterations 6 --out base"));
    // A digest differs by the settings alone; what was learnt must differ too.
    let learnt = |run: &str| metrics(&directory.join(run)).pop().unwrap()["policy_loss"].clone();
    let base = learnt("base");
    // By the clock the prior's weight sinks; by the explained variance, which has not grown yet, it stays.
    digest_of(&format!("{settings} --set estimation.prior_weight.to=0.1 --iterations 6 --out sinking"));
    let sinking = learnt("sinking");
    assert_ne!(sinking, base);
    let levers = [
        "selfplay.mate_plies=3 ppo.mate_coef=1",
        "selfplay.start_share=0.7",
        "selfplay.mirror_share=0.5",
        "selfplay.past_positions=4",
        "selfplay.mate_lessons=3 ppo.mate_coef=2",
        "estimation.prior_explained=0.3 estimation.prior_weight.to=0.1",
        "ppo.update_kl=0.00001",
        "ppo.entropy_floor=1",
        "ppo.kl_coef=0.2 ppo.epochs=2",
        "ppo.advantage_share=0.4",
        "ppo.warmup_plies=8000",
    ];
    let all = levers.join(" ");
    for (number, lever) in levers.iter().copied().chain([&*all]).enumerate() {
        let set = lever.split(' ').fold(String::new(), |set, setting| format!("{set} --set {setting}"));
        let whole = digest_of(&format!("{settings}{set} --iterations 6 --set run.threads=1 --out whole{number}"));
        let without = if lever.contains("prior_weight") { &sinking } else { &base };
        assert_ne!(learnt(&format!("whole{number}")), *without, "{lever}");
        digest_of(&format!("{settings}{set} --iterations 3 --set run.threads=3 --out part{number}"));
        assert_eq!(digest_of(&format!("--resume part{number} --iterations 6 --set run.threads=2")), whole, "{lever}");
        check_metrics(&directory.join(format!("part{number}")), 6);
    }
    let last = metrics(&directory.join(format!("whole{}", levers.len()))).pop().unwrap();
    let number = |key: &str| last[key].as_f64().unwrap();
    assert!(number("mates") > 0.0 && number("past_loss") > 0.0, "{last}");
    assert!(number("ent_coef") > 0.03 && number("learning_rate") < 0.0015 && number("prior_weight") <= 0.9, "{last}");
    // Switched off again, a run goes on without what it had adapted.
    let off: String = ["ppo.update_kl=0", "ppo.entropy_floor=0", "ppo.warmup_plies=0", "selfplay.start_share=0"]
        .map(|setting| format!(" --set {setting}"))
        .concat();
    digest_of(&format!("--resume part{} --iterations 7{off}", levers.len()));
    let last = metrics(&directory.join(format!("part{}", levers.len()))).pop().unwrap();
    let near = |key: &str, expected: f64| assert!((last[key].as_f64().unwrap() - expected).abs() < 1e-6, "{last}");
    near("ent_coef", 0.03);
    near("learning_rate", 0.0015);
}

#[test]
fn optional_layers_are_trained_saved_exported_and_played_with() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let constant = "--set ppo.ent_coef.to=0.03 --set ppo.learning_rate.from=0.0015 --set ppo.learning_rate.to=0.0015 --set estimation.prior_weight.to=0.9";
    let layers = "--set net.se_ratio=0.5 --set net.pool_hidden=3 --set net.score_hidden=5";
    let evaluation = "--set run.evaluate_plies=256 --set run.evaluate_games=2";
    let settings = format!("--preset tiny {constant} {layers} {evaluation}");
    let whole = check(directory, &format!("{settings} --iterations 4 --out whole")).0;
    check(directory, &format!("{settings} --iterations 2 --out two"));
    let resumed = check(directory, "--resume two --iterations 4").0;
    assert_eq!(digest(&resumed), digest(&whole));

    let run = directory.join("two");
    check_metrics(&run, 4);
    let lines = metrics(&run);
    assert!(lines.iter().all(|line| line["score_loss"].as_f64().unwrap() > 0.0), "{lines:?}");
    let evaluations = events(&run, "evaluation");
    assert_eq!(evaluations.len(), 1, "{evaluations:?}");
    assert_eq!((&evaluations[0]["iteration"], &evaluations[0]["games"]), (&4.into(), &2.into()));
    let model = Model::from_bytes(&fs::read(run.join("model.model")).unwrap()).unwrap();
    let expected = NetOptions { se_hidden: 4, pool_hidden: 3, score_hidden: 5 };
    assert_eq!(model.spec().options, expected);

    // Another coefficient of the score loss gives other weights.
    let other = format!("{settings} --set ppo.score_coef=0 --iterations 4 --out other");
    assert_ne!(digest(&check(directory, &other).0), digest(&whole));
    check_refused(directory, "--resume two --iterations 5 --set net.score_hidden=0", 1, &["weights in the checkpoint"]);
}

#[test]
fn damaged_checkpoints_are_reported_and_skipped() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let whole = check(directory, "--preset tiny --iterations 4 --out run").0;
    let run = directory.join("run");
    // Beside the newest three stay the first ones of each doubling of the iterations.
    let files = checkpoints(&run).split_off(2);
    assert_eq!(files.len(), 3, "run.keep_checkpoints of the preset");

    let bytes = fs::read(&files[2]).unwrap();
    fs::write(&files[2], &bytes[..bytes.len() / 2]).unwrap();
    let mut bytes = fs::read(&files[1]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&files[1], bytes).unwrap();
    let (output, said) = check(directory, "--resume run");
    assert_eq!(digest(&output), digest(&whole));
    for name in ["00000003.checkpoint", "00000004.checkpoint"] {
        assert!(said.contains("skipped a damaged checkpoint") && said.contains(name), "{said}");
    }
    check_metrics(&run, 4);

    for file in checkpoints(&run) {
        fs::write(file, b"KEISEICP").unwrap();
    }
    check_refused(directory, "--resume run", 1, &["error: run/checkpoints: no checkpoint there is whole", "00000004"]);
    check_refused(directory, "--preset tiny --out run", 1, &["run: holds a run already", "--resume run"]);
}

#[test]
fn what_cannot_be_done_is_refused_with_its_reason() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    fs::write(directory.join("file"), b"").unwrap();
    fs::write(directory.join("bad.toml"), b"[ppo]\nclip = 0.1\n").unwrap();
    let check = |args: &str, code: i32, parts: &[&str]| check_refused(directory, args, code, parts);
    check("--resume", 1, &["runs/latest: no run there"]);
    check("--resume nowhere", 1, &["nowhere: no run there"]);
    check("--resume --preset tiny", 2, &["--resume", "--preset", "cannot be used with"]);
    check("--resume run --out other", 2, &["--resume", "--out", "cannot be used with"]);
    check("--preset huge", 2, &["huge", "tiny, cpu, gpu, quick, overnight"]);
    check("--minutes 5 --iterations 2", 2, &["--minutes", "--iterations", "cannot be used with"]);
    check("--resume-or-start", 2, &["--out"]);
    check("--fast", 2, &["--fast"]);
    check("--iterations -3", 2, &["-3"]);
    check("--preset tiny --minutes=-1", 1, &["run.minutes = -1: must be from 0"]);
    check("--preset tiny --minutes=-1", 1, &["error: --minutes -1: run.minutes = -1"]);
    check("--preset tiny --minutes nan", 1, &["run.minutes", "NaN"]);
    check("--preset tiny --set ppo.clip=0.1", 1, &["--set ppo.clip=0.1", "ppo.clip: no such setting"]);
    check("--config bad.toml", 1, &["bad.toml", "ppo.clip: no such setting"]);
    check("--config absent.toml", 1, &["absent.toml: cannot read"]);
    check("--preset tiny --out file/run", 1, &["file/run: cannot create"]);
    check("--preset tiny --out file", 1, &["file"]);
    assert!(!directory.join("runs").exists(), "a refused run leaves nothing behind");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let locked = directory.join("locked");
        fs::create_dir(&locked).unwrap();
        fs::set_permissions(&locked, fs::Permissions::from_mode(0o500)).unwrap();
        // File permissions do not restrict root.
        if fs::write(locked.join("probe"), b"").is_err() {
            check("--preset tiny --out locked", 1, &["locked/lock: cannot create"]);
            check("--preset tiny --out locked/run", 1, &["locked/run: cannot create"]);
        }
    }
}

#[test]
fn settings_that_do_not_fit_the_checkpoint_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    check(directory, "--preset tiny --iterations 1 --out run");
    let check = |set: &str, part: &str| check_refused(directory, &format!("--resume run --set {set}"), 1, &[part]);
    check("net.channels=16", "weights in the checkpoint");
    check("selfplay.envs=9", "the checkpoint holds 8 games, selfplay.envs is 9");
    check("selfplay.horizons=9", "selfplay.horizons: no such setting");
    check("selfplay.horizon=0", "selfplay.horizon = 0");
}

#[cfg(unix)]
#[test]
fn a_second_trainer_is_refused_and_ctrl_c_saves_everything() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    for signal in ["-INT", "-TERM"] {
        let name = format!("run{signal}");
        let run = directory.join(&name);
        // Few checkpoints, so that only the last one can hold the last iteration.
        let args = format!("--preset tiny --iterations 1000000 --set run.checkpoint_plies=0 --out {name}");
        let child = trainer(directory, &args).spawn().unwrap();
        wait_for_a_checkpoint(&run);
        wait_until("two iterations are done", || metrics(&run).len() >= 2);
        check_refused(directory, &format!("--resume {name}"), 1, &["another process trains here"]);
        check_refused(directory, &format!("--preset tiny --out {name}"), 1, &["another process trains here"]);
        kill(&child, signal);
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        assert_eq!(status.code(), Some(0), "{}", text(&stderr));
        let output = text(&stdout);
        assert!(output.starts_with("stopped by a signal; everything is saved\n"), "{output}");
        assert!(output.contains(&format!("train --resume {name}")), "{output}");
        let iterations: u64 = field(output, "iterations ").split(',').next().unwrap().parse().unwrap();
        check_metrics(&run, iterations);
        assert!(checkpoints(&run).last().unwrap().ends_with(format!("{iterations:08}.checkpoint")));
        // With the budget lowered to the work done, the run ends at once in the same state.
        let resumed = check(directory, &format!("--resume {name} --iterations {iterations}")).0;
        assert_eq!(digest(&resumed), digest(output));
    }
}

#[cfg(unix)]
#[test]
fn a_budget_of_time_goes_on_where_it_stopped() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let run = directory.join("run");
    // The run has some three seconds; it is killed in their middle.
    let mut trainer = trainer(directory, "--preset tiny --minutes 0.05 --out run");
    let mut child = trainer.stderr(Stdio::null()).spawn().unwrap();
    wait_until("the second half begins", || {
        metrics(&run).last().is_some_and(|line| line["progress"].as_f64().unwrap() >= 0.4)
    });
    child.kill().unwrap();
    child.wait().unwrap();
    check(directory, "--resume run");
    let lines = metrics(&run);
    let column = |name: &str| lines.iter().map(|line| line[name].as_f64().unwrap()).collect::<Vec<f64>>();
    for name in ["seconds", "progress"] {
        assert!(column(name).is_sorted(), "{name} goes back: {:?}", column(name));
    }
    assert!(column("learning_rate").is_sorted_by(|a, b| a >= b), "the schedule starts again");
}

/// Trainer with a limit on the size of files in place of a full disk: a write fails in the middle.
#[cfg(unix)]
fn trainer_on_a_full_disk(directory: &Path, bytes: u64, args: &str) -> Output {
    let shell = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" train --plain {args}", bytes / 512);
    let program = env!("CARGO_BIN_EXE_trainer-native");
    Command::new("sh").current_dir(directory).args(["-c", &shell, program]).output().unwrap()
}

#[cfg(unix)]
#[test]
fn a_full_disk_does_not_end_a_run_and_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let run = directory.join("run");
    check(directory, "--preset tiny --iterations 2 --out run");
    let kept = checkpoints(&run);
    let size = fs::metadata(kept.last().unwrap()).unwrap().len();

    // A limit too small for a checkpoint, also in the folder for rescue: the run goes on to its end, and says what is lost.
    let resume = "--resume run --iterations 4 --rescue aside";
    let Output { status, stderr, .. } = trainer_on_a_full_disk(directory, size / 2, resume);
    assert_eq!(status.code(), Some(1), "{}", text(&stderr));
    for part in ["no checkpoint could be written, the run goes on", "cannot be written", "could not be rescued"] {
        assert!(text(&stderr).contains(part), "{part}: {}", text(&stderr));
    }
    assert_eq!(checkpoints(&run), kept, "the good ones stay");
    assert!(names(&run).iter().all(|name| !name.starts_with('.')), "{:?}", names(&run));

    // A limit large enough for a checkpoint, but not for another line of metrics.
    let limit = (size / 512 + 20) * 512;
    let line = |padding: &str| format!("{{\"iteration\":1,\"padding\":\"{padding}\"}}\n");
    let full = line(&"x".repeat(limit as usize - line("").len() - 100));
    fs::write(run.join("metrics.jsonl"), &full).unwrap();
    let Output { status, stdout, stderr } = trainer_on_a_full_disk(directory, limit, "--resume run --iterations 4");
    assert_eq!(status.code(), Some(0), "{}", text(&stderr));
    assert!(text(&stderr).contains("jsonl failed, the run goes on: run/metrics.jsonl"), "{}", text(&stderr));
    assert!(text(&stdout).contains("failures of sinks 2"), "{}", text(&stdout));
    assert!(checkpoints(&run).last().unwrap().ends_with("00000004.checkpoint"));
    assert_eq!(fs::read_to_string(run.join("metrics.jsonl")).unwrap(), full, "no half line stays");
}

#[cfg(unix)]
#[test]
fn a_folder_that_goes_away_is_noticed_and_the_run_is_rescued() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let run = directory.join("run");
    let args = "--preset tiny --iterations 1000000 --out run --rescue aside";
    let child = trainer(directory, args).spawn().unwrap();
    wait_until("there is an iteration", || !metrics(&run).is_empty());
    fs::rename(&run, directory.join("renamed")).unwrap();
    wait_until("some iterations are done", || metrics(&directory.join("renamed")).len() > 5);
    kill(&child, "-INT");
    let Output { status, stderr, .. } = child.wait_with_output().unwrap();
    assert_eq!(status.code(), Some(1), "{}", text(&stderr));
    assert!(text(&stderr).contains("the folder of the run is no longer there"), "{}", text(&stderr));
    assert!(text(&stderr).contains("train --resume aside/keisei-rescue-run"), "{}", text(&stderr));
    assert!(!run.exists(), "nothing is written where another run may be");
    let iteration = metrics(&directory.join("renamed")).len() as u64;
    let found = checkpoints(&directory.join("aside/keisei-rescue-run"));
    assert!(found[0].ends_with(format!("{iteration:08}.checkpoint")), "{found:?}");
    check(directory, &format!("--resume aside/keisei-rescue-run --iterations {}", iteration + 1));
}

#[cfg(unix)]
#[test]
fn a_message_that_nobody_reads_does_not_end_a_run() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let program = env!("CARGO_BIN_EXE_trainer-native");
    let shell = "\"$0\" train --plain --preset tiny --iterations 40 --out run 2>&1 >summary | head -1";
    let output = Command::new("sh").current_dir(directory).args(["-c", shell, program]).output().unwrap();
    assert!(output.status.success());
    check_metrics_of_the_run(&directory.join("run"), 40);
    assert!(fs::read_to_string(directory.join("summary")).unwrap().contains("digest "));
    let log = fs::read_to_string(directory.join("run/log.txt")).unwrap();
    assert!(log.contains(" budget: ") && log.contains("plain failed, the run goes on"), "{log}");
}

#[test]
fn the_budget_comes_first_and_a_longer_one_says_what_schedules_do() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let said = check(directory, "--preset tiny --minutes 0.02 --out run").1;
    assert!(said.starts_with("budget: 0.02 minutes\n"), "{said}");
    let plies = said.split("--plies ").nth(1).unwrap().split(' ').next().unwrap();
    // The stored settings run again do the same work.
    let again = check(directory, "--config run/config.toml --out again").0;
    let repeated = check(
        directory,
        &format!("--preset tiny --plies {plies} --out repeated --set run.minutes=0.02 --set run.plies={plies}"),
    )
    .0;
    assert_eq!(digest(&again), digest(&check(directory, "--resume run").0));
    assert_eq!(digest(&again), digest(&repeated));
    let said = check(directory, "--preset tiny --out tiny").1;
    assert!(said.starts_with("budget: 256 plies\n"), "{said}");
    let said = check(directory, "--resume tiny --plies 512 --set ppo.clip_coef=0.1").1;
    assert!(said.contains("schedules go from 100 % to 50 % of the run: ppo.learning_rate 0.0001 → 0.0013"), "{said}");
    assert!(said.contains("ppo.clip_coef changes from 0.2 to 0.1"), "{said}");
    // What is accepted and does not do what it seems to is said.
    let config = fs::read_to_string(directory.join("tiny/config.toml")).unwrap();
    fs::write(directory.join("tiny/config.toml"), config.replace("clip_coef = 0.1", "clip_coef = 0.3")).unwrap();
    let said = check(directory, "--resume tiny --set ppo.minibatch=100 --set run.threads=99").1;
    for part in ["config.toml was edited (ppo.clip_coef), which changes nothing", "each epoch is one step", "99 on "] {
        assert!(said.contains(part), "{part}: {said}");
    }
    // A scheduler's command both starts and resumes.
    for iterations in [2, 3] {
        let args = format!("--preset tiny --out job --resume-or-start --iterations {iterations}");
        let output = check(directory, &args).0;
        assert_eq!(field(&output, "iterations ").split(',').next(), Some(iterations.to_string().as_str()));
    }
}
