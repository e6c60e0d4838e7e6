//! `trainer-native checkpoint`, checkpoints of earlier versions, and damage to any file of a run.

use keisei_core::learn::Adaptation;
use keisei_core::random::{Purpose, Stream};
use keisei_play::files::read_model;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use trainer_native::run::checkpoint::{Checkpoint, load_from};
use trainer_native::run::guard::Guard;

/// Runs the program with these arguments; returns its exit code, standard output and standard error.
fn trainer_native(directory: &Path, args: &str) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trainer-native"));
    let Output { status, stdout, stderr } =
        command.current_dir(directory).args(args.split_whitespace()).output().expect("started");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let (code, stdout, stderr) = (status.code().expect("not killed"), text(stdout), text(stderr));
    assert!(!stderr.contains("panicked"), "{args}: {stderr}");
    (code, stdout, stderr)
}

/// Checks that the program succeeds; returns its standard output.
fn check(directory: &Path, args: &str) -> String {
    let (code, stdout, stderr) = trainer_native(directory, args);
    assert_eq!((code, stderr.contains("error")), (0, false), "{args}: {stderr}");
    stdout
}

/// Checks that the program fails with exit code 1 and names each of `parts`; returns its standard output.
fn check_refused(directory: &Path, args: &str, parts: &[&str]) -> String {
    let (code, stdout, stderr) = trainer_native(directory, args);
    assert_eq!(code, 1, "{args}: {stdout}{stderr}");
    for part in parts {
        assert!(stderr.contains(part), "{args}: no {part:?} in {stderr}");
    }
    stdout
}

fn path_of(run: &Path, iteration: u64) -> PathBuf {
    run.join(format!("checkpoints/{iteration:08}.checkpoint"))
}

/// Temporary folder with a finished run `run` of four iterations, of which three checkpoints are left.
fn run() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a temporary folder");
    let settings = "--set selfplay.max_plies=30 --set selfplay.first_opening_plies=25 --set selfplay.envs=16 --set run.keep_checkpoints=3";
    check(directory.path(), &format!("train --plain --preset tiny --iterations 4 {settings} --out run"));
    check(directory.path(), "checkpoint prune run --newest 3");
    let run = directory.path().join("run");
    (directory, run)
}

fn fixture(version: u32) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/checkpoints");
    folder.join(format!("version-{version}.checkpoint"))
}

#[test]
fn a_checkpoint_of_any_version_goes_on() {
    for version in [1, 2, 3, 4] {
        let directory = tempfile::tempdir().expect("a temporary folder");
        let run = directory.path().join("run");
        fs::create_dir_all(run.join("checkpoints")).expect("created");
        fs::copy(fixture(version), path_of(&run, 3)).expect("copied");
        let listed = check(directory.path(), "checkpoint list run");
        assert!(listed.contains("         3            192"), "version {version}: {listed}");
        // The snapshots of version 3 are not among the fixtures.
        let without = if version < 3 { "" } else { " --set league.share=0 --set gate.plies=0" };
        let output = check(directory.path(), &format!("train --plain --resume run --iterations 4{without}"));
        assert!(output.contains("\niterations 4, plies 256, "), "version {version}: {output}");
        let state = load_from(&run.join("checkpoints"), None).expect("written").checkpoint.state;
        assert_eq!((state.done.iterations, state.weights.len()), (4, 11_840), "version {version}");
    }
}

#[test]
fn the_digest_of_a_state_does_not_depend_on_the_format_that_it_is_stored_in() {
    // As the program that wrote version 2 told it; version 1 had other settings.
    let expected = "9f7097706cfef70c041a131b5550762cafe8a9622b3ce3a89924ddc24deb60ab";
    let checkpoint = Checkpoint::load(&fixture(2)).expect("sound");
    assert_eq!(checkpoint.state.digest(), expected);
    let again = Checkpoint::from_bytes(&checkpoint.to_bytes()).expect("sound");
    assert_eq!(again.state.digest(), expected, "stored again");
}

#[test]
fn version_3_has_the_league_the_gate_and_the_average() {
    let state = Checkpoint::load(&fixture(3)).expect("sound").state;
    assert_eq!(state.league.pool.keys().copied().collect::<Vec<_>>(), [1, 2, 3]);
    assert!(state.league.best == Some(1) && state.league.gate.is_some(), "{:?}", state.league);
    assert_eq!(state.average.as_ref().map(|average| average.weights().len()), Some(11_840));
    assert!(state.envs.iter().any(|slot| slot.meeting.is_some()));
}

#[test]
fn version_4_has_what_adapts_and_start_positions() {
    let state = Checkpoint::load(&fixture(4)).expect("sound").state;
    // As the program that wrote it told it.
    assert_eq!(state.digest(), "2d18e46eeb77b0cfaac5cb91bc9e95f85c766fe8fcea4389d6560fc673fd4014");
    assert!(state.starts.len() == 4 && state.adaptation != Adaptation::default(), "{state:?}");
    let older = Checkpoint::load(&fixture(3)).expect("sound").state;
    assert!(older.starts.is_empty() && older.adaptation == Adaptation::default());
}

#[test]
fn a_migrated_state_is_what_this_version_would_have_written_except_for_what_was_not_stored() {
    // Both files are of one run, once by the program that wrote version 1, once by that of version 2.
    let [first, second] = [1, 2].map(|version| Checkpoint::load(&fixture(version)).expect("sound").state);
    assert_eq!((first.done, &first.weights, &first.adam), (second.done, &second.weights, &second.adam));
    assert_eq!((first.envs.len(), &first.guard, &first.alarms), (8, &Guard::default(), &Vec::new()));
    for (old, new) in first.envs.iter().zip(&second.envs) {
        assert_eq!((&old.start, &old.moves, old.started), (&new.start, &new.moves, new.started));
        let notes = new.notes.as_ref().expect("all games are noted");
        assert_eq!(notes.opening as usize + notes.thoughts.len(), new.moves.len());
        assert_eq!(old.notes.is_some(), notes.thoughts.is_empty());
    }
}

#[test]
fn checkpoints_are_listed_shown_pinned_and_deleted() {
    let (directory, run) = run();
    let directory = directory.path();
    let listed = check(directory, "checkpoint list run");
    let lines: Vec<Vec<&str>> = listed.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["iteration", "plies", "run", "time", "age", "size", "state", "pins"], "{listed}");
    for (line, [iteration, plies]) in lines[1..].iter().zip([["2", "256"], ["3", "384"], ["4", "512"]]) {
        assert_eq!((line[0], line[1], *line.last().expect("a state")), (iteration, plies, "ok"), "{listed}");
    }
    assert_eq!(lines.len(), 4, "{listed}");
    assert_eq!(check(directory, "checkpoint verify run"), listed);

    let shown = check(directory, "checkpoint show run");
    let digest = load_from(&run.join("checkpoints"), None).expect("sound").checkpoint.state.digest();
    for part in ["iterations   4\n", "plies        512\n", "state        ok\n", &digest, "[selfplay]\nenvs = 16\n"] {
        assert!(shown.contains(part), "no {part:?} in {shown}");
    }
    assert!(check(directory, "checkpoint show run 3").contains("iterations   3\n"));

    check(directory, "checkpoint pin run 2");
    assert!(check(directory, "checkpoint list run").lines().nth(1).expect("a line").ends_with("ok         pinned"));
    let would = check(directory, "checkpoint prune run --newest 1 --dry-run");
    assert_eq!(would, "would delete run/checkpoints/00000003.checkpoint\n");
    assert!(path_of(&run, 3).exists());
    let deleted = check(directory, "checkpoint prune run --newest 1");
    assert_eq!(deleted, "deleted run/checkpoints/00000003.checkpoint\n");
    assert_eq!([2, 3, 4].map(|iteration| path_of(&run, iteration).exists()), [true, false, true]);
    check(directory, "checkpoint unpin run 2");
    check(directory, "checkpoint prune run --newest 1");
    assert!(!path_of(&run, 2).exists());

    let check = |args: &str, part: &str| drop(check_refused(directory, args, &[part]));
    check("checkpoint list nowhere", "nowhere: no run there");
    check("checkpoint show run 3", "no checkpoint of iteration 3");
    check("checkpoint pin run 3", "no checkpoint of iteration 3; there are: 4");
    check("checkpoint unpin run 4", "the checkpoint of iteration 4 is not pinned");
    check("checkpoint prune run --newest 1 --hours=-1", "--hours -1");
}

#[test]
fn the_model_of_any_checkpoint_is_exported() {
    let (directory, run) = run();
    let folder = directory.path();
    let weights = |name: &str| read_model(&folder.join(name)).expect("written").weights.data().to_vec();
    check(folder, "export --run run --iteration 4 --out last.model");
    assert_eq!(weights("last.model"), weights("run/model.model"));
    check(folder, "export --run run --iteration 3 --out earlier.model");
    let state = Checkpoint::load(&path_of(&run, 3)).expect("sound").state;
    assert_eq!(weights("earlier.model"), state.weights);
    let provenance = read_model(&folder.join("earlier.model")).expect("written").provenance;
    assert_eq!((&*provenance.run, provenance.iteration, provenance.plies), ("run", 3, state.done.plies));
    check_refused(folder, "export --run run --iteration 9 --out none.model", &["run/checkpoints", "9"]);
    assert_eq!(trainer_native(folder, "export --init 1 --iteration 3 --out none.model").0, 2);
}

#[test]
fn the_state_of_each_checkpoint_is_told_and_a_sick_one_is_no_crash_loop() {
    let (directory, run) = run();
    let directory = directory.path();
    let bytes = fs::read(path_of(&run, 3)).expect("read");
    fs::write(path_of(&run, 3), &bytes[..bytes.len() / 2]).expect("written");
    for (number, shown) in [(f32::NAN, "NaN"), (1e30, "1e30")] {
        let mut sick = Checkpoint::from_bytes(&fs::read(path_of(&run, 4)).expect("read")).expect("whole");
        sick.state.weights[5] = number;
        fs::write(path_of(&run, 4), sick.to_bytes()).expect("written");
        let output = check_refused(directory, "checkpoint verify run", &["run: files with a defect: 2"]);
        assert!(output.contains("00000003.checkpoint: damaged: "), "{output}");
        assert!(output.contains(&format!("00000004.checkpoint: sick: weight 5 of 11840 is {shown}")), "{output}");
        assert!(check(directory, "checkpoint show run 4").contains("state        sick: weight 5"));
        check_refused(directory, "checkpoint pin run 4", &["sick: weight 5"]);
    }
    let (code, output, said) = trainer_native(directory, "train --plain --resume run");
    assert_eq!(code, 0, "{said}");
    assert!(output.contains("\niterations 4, "), "{output}");
    assert!(said.contains("skipped a sick checkpoint: run/checkpoints/00000004.checkpoint: weight 5"), "{said}");
    assert!(said.contains("skipped a damaged checkpoint: run/checkpoints/00000003.checkpoint: "), "{said}");
    // Their owner can still look at them.
    assert!(run.join("checkpoints/00000004.checkpoint.aside").exists());
    check(directory, "checkpoint verify run");
}

#[cfg(unix)]
#[test]
fn a_checkpoint_without_permission_is_not_called_damaged() {
    use std::os::unix::fs::PermissionsExt;
    let (directory, run) = run();
    let path = path_of(&run, 4);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).expect("set");
    // Permissions do not restrict root.
    if fs::read(&path).is_err() {
        let output = check_refused(directory.path(), "checkpoint verify run", &["files with a defect: 1"]);
        assert!(output.contains("00000004.checkpoint: unreadable: permission denied"), "{output}");
    }
}

#[test]
fn what_became_of_other_files_is_said_at_a_resume() {
    let (directory, run) = run();
    let check = |name: &str, change: fn(String) -> String, part: &str| {
        let path = run.join(name);
        let text = fs::read_to_string(&path).expect("read");
        fs::write(&path, change(text)).expect("written");
        let (code, _, said) = trainer_native(directory.path(), "train --plain --resume run");
        assert_eq!(code, 0, "{said}");
        assert!(said.contains(part), "{name}: {said}");
    };
    check(
        "config.toml",
        |text| text.replace("seed = 1", "seed = 7"),
        "config.toml was edited (seed), which changes nothing",
    );
    check("config.toml", |text| text + "# a note\n", "run/config.toml: has more than the ");
    check(
        "metrics.jsonl",
        |text| text.lines().skip(1).map(|line| line.to_owned() + "\n").collect(),
        "run/metrics.jsonl: has ",
    );
}

#[test]
fn new_settings_of_a_resumed_run_outlast_a_kill() {
    let (directory, run) = run();
    // The budget is spent, so this process saves nothing but the settings.
    check(directory.path(), "train --plain --resume run --set ppo.epochs=2");
    let loaded = load_from(&run.join("checkpoints"), None).expect("sound");
    assert!(loaded.checkpoint.state.config.contains("epochs = 2\n"));
    check(directory.path(), "checkpoint verify run");
}

/// All files of the run on which a resume or a program that reads it depends; the last events come after the last checkpoint.
fn files(run: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in [run.to_owned(), run.join("checkpoints"), run.join("games")] {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let is_left_out = ["lock", "curve.svg", "log.txt", "events.jsonl"].iter().any(|name| path.ends_with(name));
            if path.is_file() && !is_left_out {
                files.push(path);
            }
        }
    }
    files
}

/// Truncates each file of a run at 50 places and flips a bit at `flips`: it is named, and the newest other checkpoint is used.
fn check_damage(flips: usize) {
    use clap::Parser;
    use trainer_native::commands::checkpoint::{self, CheckpointArgs};
    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: CheckpointArgs,
    }
    let (_directory, run) = run();
    let args = Cli::try_parse_from(["checkpoint", "verify", run.to_str().expect("UTF-8")]).expect("arguments").args;
    let verify = || {
        let said = std::cell::RefCell::new(String::new());
        let print = |text: &str| {
            said.borrow_mut().push_str(text);
            Ok(())
        };
        let is_sound = checkpoint::run(&args, print).is_ok();
        (is_sound, said.into_inner())
    };
    let (is_sound, said) = verify();
    assert!(is_sound, "{said}");
    let files = files(&run);
    let names: Vec<String> =
        files.iter().map(|path| path.file_name().expect("a name").to_string_lossy().into_owned()).collect();
    for expected in
        ["config.toml", "metrics.jsonl", "model.model", "games.record", "00000004.checkpoint", "00000004.record"]
    {
        assert!(names.iter().any(|name| name == expected), "no {expected} in {names:?}");
    }
    let mut stream = Stream::new(3, Purpose::Shuffle, 0, 0);
    for (path, name) in files.iter().zip(&names) {
        let whole = fs::read(path).expect("read");
        let check = |damaged: &[u8], what: &dyn std::fmt::Display| {
            fs::write(path, damaged).expect("written");
            let (is_sound, said) = verify();
            assert!(!is_sound && said.lines().any(|line| line.contains(name.as_str())), "{name}, {what}: {said}");
            let expected = if name == "00000004.checkpoint" { 3 } else { 4 };
            let loaded = load_from(&run.join("checkpoints"), None).expect("others are whole");
            assert_eq!(loaded.checkpoint.state.done.iterations, expected, "{name}, {what}");
            assert_eq!(loaded.skipped.len() as u64, 4 - expected, "{name}, {what}");
        };
        for place in 0..50 {
            let length = whole.len() * place / 50;
            check(&whole[..length], &format_args!("cut to {length}"));
        }
        for _ in 0..flips {
            let bit = stream.below(8 * whole.len());
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            check(&damaged, &format_args!("bit {bit}"));
        }
        fs::write(path, whole).expect("written");
    }
    assert!(verify().0);
}

#[test]
fn damage_to_any_file_is_named() {
    check_damage(60);
}

#[test]
#[ignore = "takes minutes"]
fn damage_at_a_thousand_places_of_each_file_is_named() {
    check_damage(1000);
}
