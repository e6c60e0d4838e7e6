//! Runs with a league, a gate and averaged weights: they survive kills bit for bit, and missing snapshots are named.

use keisei_core::format::Model;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use trainer_native::run::checkpoint::{State, load_from};

/// Tiny runs of short games, so that many end, with everything on.
const GAMES: &str =
    "--preset tiny --set selfplay.envs=16 --set selfplay.max_plies=30 --set selfplay.first_opening_plies=25";
const LEAGUE: &str =
    "--set league.share=0.5 --set league.snapshots=4 --set gate.plies=384 --set gate.games=4 --set ppo.ema=0.9";

/// Command of a trainer in `directory`.
fn trainer(directory: &Path, args: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trainer-native"));
    command.current_dir(directory).args(args.split_whitespace());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the program; returns its exit code, standard output and standard error.
fn run(directory: &Path, args: &str) -> (i32, String, String) {
    let Output { status, stdout, stderr } = trainer(directory, args).output().expect("started");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let (stdout, stderr) = (text(stdout), text(stderr));
    assert!(!stderr.contains("panicked"), "{args}: {stderr}");
    (status.code().expect("not killed"), stdout, stderr)
}

/// Checks that the program succeeds; returns its standard output and standard error.
fn check(directory: &Path, args: &str) -> (String, String) {
    let (code, stdout, stderr) = run(directory, args);
    assert_eq!(code, 0, "{args}: {stderr}");
    (stdout, stderr)
}

fn digest(output: &str) -> &str {
    output.lines().find_map(|line| line.strip_prefix("digest ")).expect("a digest")
}

fn state(run: &Path) -> State {
    load_from(&run.join("checkpoints"), None).expect("a sound checkpoint").checkpoint.state
}

/// Names of the snapshots' files.
fn snapshots(run: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(run.join("league")).expect("a folder");
    entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name")).collect()
}

/// Checks that the files of the run's snapshots are those that its checkpoints need.
fn check_snapshots(directory: &Path, name: &str) {
    let checkpoints = fs::read_dir(directory.join(name).join("checkpoints")).expect("a folder");
    let mut needed = BTreeSet::new();
    for entry in checkpoints {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "checkpoint") {
            let header = trainer_native::run::checkpoint::Header::peek(&path).expect("a header");
            needed.extend(header.snapshots.into_iter().map(|file| file.name));
        }
    }
    assert_eq!(snapshots(&directory.join(name)), needed);
    check(directory, &format!("checkpoint verify {name}"));
}

#[test]
fn a_run_with_a_league_that_is_stopped_or_killed_goes_on_as_if_it_never_was() {
    let directory = tempfile::tempdir().expect("a temporary folder");
    let directory = directory.path();
    let (mut whole_digest, mut last) = (String::new(), None);
    for threads in [1, 2] {
        let settings = format!("{GAMES} {LEAGUE} --set run.threads={threads}");
        let (whole, said) = check(directory, &format!("train --plain {settings} --iterations 24 --out whole{threads}"));
        assert!(said.contains("gate of iteration 6: ") && said.contains("against the best, iteration"), "{said}");
        assert!(said.contains(" pool of "), "{said}");
        let final_state = state(&directory.join(format!("whole{threads}")));
        assert!(final_state.envs.iter().filter(|slot| slot.meeting.is_some()).count() > 2, "nobody meets the pool");
        assert!(final_state.league.pool.values().any(|score| score.games > 5.0), "{:?}", final_state.league.pool);
        assert!(final_state.league.gate.is_some() && final_state.average.is_some());
        check_snapshots(directory, &format!("whole{threads}"));
        if threads == 1 {
            digest(&whole).clone_into(&mut whole_digest);
        }
        assert_eq!(digest(&whole), whole_digest, "threads");

        // Half of it, then the other half with the other number of threads. The budget is that of the whole in both, for schedules.
        let half = format!("half{threads}");
        let begun = format!("train --plain {settings} --iterations 24 --out {half}");
        let mut child = trainer(directory, &begun).spawn().expect("started");
        let twelfth = directory.join(&half).join("checkpoints/00000012.checkpoint");
        while !twelfth.exists() && child.try_wait().expect("waited").is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().expect("killed");
        child.wait().expect("ended");
        let resumed = check(directory, &format!("train --plain --resume {half} --set run.threads={}", 3 - threads)).0;
        assert_eq!(digest(&resumed), whole_digest, "killed after half of it, {threads} threads");
        check_snapshots(directory, &half);

        // Killed again and again.
        let killed = format!("killed{threads}");
        let mut args = format!("train --plain {settings} --iterations 24 --out {killed}");
        for delay in [40, 90, 25, 130, 60, 75].map(|millis| millis * threads) {
            let mut child = trainer(directory, &args).spawn().expect("started");
            std::thread::sleep(Duration::from_millis(delay));
            child.kill().expect("killed");
            let said = child.wait_with_output().expect("ended").stderr;
            let said = String::from_utf8_lossy(&said);
            assert!(!said.contains("skipped") && !said.contains("cannot be used"), "{said}");
            let checkpoints = directory.join(&killed).join("checkpoints");
            if checkpoints.exists() && load_from(&checkpoints, None).is_ok() {
                args = format!("train --plain --resume {killed}");
            }
        }
        let resumed = check(directory, &args).0;
        assert_eq!(digest(&resumed), whole_digest, "killed, {threads} threads");
        check_snapshots(directory, &killed);
        let model = |name: &str, file: &str| {
            let bytes = fs::read(directory.join(name).join(file)).expect("read");
            Model::from_bytes(&bytes).expect("a model").weights
        };
        for file in ["best.model", "model.model"] {
            assert_eq!(model(&killed, file), model(&format!("whole{threads}"), file), "{file}");
        }
        last = Some((final_state, model(&killed, "model.model"), model(&killed, "best.model")));
    }
    let (state, model, best) = last.expect("two runs");
    assert_eq!(model.data(), state.average.as_ref().expect("an average").weights(), "models have the averaged weights");
    assert_ne!(model.data(), state.weights);
    let name = format!("whole2/league/{:08}.model", state.league.best.expect("a best"));
    let snapshot = Model::from_bytes(&fs::read(directory.join(name)).expect("read")).expect("a model");
    assert_eq!(snapshot.weights, best);
}

#[test]
fn a_snapshot_that_is_gone_or_changed_is_named_with_what_to_do() {
    let directory = tempfile::tempdir().expect("a temporary folder");
    let directory = directory.path();
    check(directory, &format!("train --plain {GAMES} {LEAGUE} --iterations 24 --out run"));
    let folder = directory.join("run/league");
    let league = state(&directory.join("run")).league;
    let refused = |name: &str, parts: &[&str]| {
        let (code, _, said) = run(directory, "train --plain --resume run --iterations 26");
        assert_eq!(code, 1, "{said}");
        for part in parts.iter().chain(&[name, "--from-iteration"]) {
            assert!(said.contains(part), "no {part:?} in {said}");
        }
        let (code, _, said) = run(directory, "checkpoint verify run");
        assert!(code == 1 && said.contains("files with a defect"), "{said}");
    };
    let opponent = league.pool.keys().find(|&&iteration| league.best != Some(iteration)).expect("in the pool");
    let name = format!("{opponent:08}.model");
    let bytes = fs::read(folder.join(&name)).expect("read");
    fs::remove_file(folder.join(&name)).expect("removed");
    refused(&name, &["an opponent in the pool", "is gone", "--set league.share=0"]);
    let mut changed = bytes.clone();
    changed[bytes.len() / 2] ^= 1;
    fs::write(folder.join(&name), changed).expect("written");
    refused(&name, &["an opponent in the pool", "are not those that were written"]);
    fs::write(folder.join(&name), &bytes).expect("written");

    let challenger = league.gate.expect("begun").challenger;
    let name = format!("{challenger:08}.model");
    let kept = fs::read(folder.join(&name)).expect("read");
    fs::remove_file(folder.join(&name)).expect("removed");
    refused(&name, &["gate", "--set gate.plies=0"]);
    fs::write(folder.join(&name), kept).expect("written");

    // Without the league and the gate, the run needs none of them.
    fs::remove_dir_all(&folder).expect("removed");
    let off = "--set league.share=0 --set gate.plies=0";
    let (_, said) = check(directory, &format!("train --plain --resume run --iterations 26 {off}"));
    assert!(said.contains("league.share changes from 0.5 to 0"), "{said}");
    let state = state(&directory.join("run"));
    assert_eq!((state.done.iterations, state.league.pool.len(), state.league.files.len()), (26, 0, 0));
    assert!(state.envs.iter().all(|slot| slot.meeting.is_none()));
}

#[test]
fn a_run_without_a_league_is_not_changed_by_its_settings() {
    let directory = tempfile::tempdir().expect("a temporary folder");
    let directory = directory.path();
    let digest_of =
        |args: &str| digest(&check(directory, &format!("train --plain {GAMES} --iterations 6 {args}")).0).to_owned();
    let plain = digest_of("--out plain");
    let off = "--set league.share=0 --set league.snapshots=3 --set league.weighting=uniform --set gate.games=8 --set ppo.ema=0";
    assert_eq!(digest_of(&format!("{off} --out off")), plain);
    assert!(!directory.join("off/league").exists() && !directory.join("off/best.model").exists());

    // A gate and an average watch the training and do not touch it.
    let watched = digest_of("--set gate.plies=256 --set gate.games=2 --set ppo.ema=0.5 --out watched");
    assert_ne!(watched, plain);
    let [plain, watched] = ["plain", "watched"].map(|name| state(&directory.join(name)));
    assert_eq!((plain.weights, plain.adam, plain.envs), (watched.weights, watched.adam, watched.envs));
    assert!(watched.league.best.is_some() && watched.league.pool.is_empty());
}

#[test]
fn a_run_that_goes_back_takes_other_snapshots_and_keeps_the_old_ones() {
    let directory = tempfile::tempdir().expect("a temporary folder");
    let directory = directory.path();
    let settings = format!("{GAMES} --set league.share=0.5 --set league.snapshots=4 --set run.keep_checkpoints=20");
    check(directory, &format!("train --plain {settings} --iterations 8 --out run"));
    let bytes = |name: &str| fs::read(directory.join("run/league").join(name)).expect("read");
    let before = bytes("00000008.model");
    let back = "train --plain --resume run --from-iteration 5 --set ppo.epochs=2";
    let (_, said) = check(directory, back);
    assert!(said.contains("set aside: run/checkpoints/00000008.checkpoint.aside"), "{said}");
    assert_ne!(bytes("00000008.model"), before);
    assert_eq!(bytes("00000008.model.aside"), before);
    check(directory, "checkpoint verify run");
}
