//! Ranks train together as one would alone: as threads of one process, and (feature `mpi`) as processes under `mpirun`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use trainer_native::run::checkpoint::{State, load_from};

/// Tiny runs of short games, so that many end; every checkpoint stays.
const GAMES: &str = "--preset tiny --set selfplay.envs=10 --set selfplay.max_plies=30 --set selfplay.first_opening_plies=25 \
                     --set run.threads=2 --set run.keep_checkpoints=100";

/// The same of long games, of which some end by the rules: there are mates and results to learn from.
const LONG: &str = "--set selfplay.horizon=32 --set selfplay.max_plies=300 --set selfplay.first_opening_plies=200 --set ppo.minibatch=128";

/// Schedules that do not depend on the budget.
const CONSTANT: &str = "--set ppo.ent_coef.to=0.03 --set ppo.learning_rate.from=0.0015 --set ppo.learning_rate.to=0.0015 --set estimation.prior_weight.to=0.9";

/// What ranks have to agree on beyond the gradient: which samples are kept, who is met, where games begin, what adapts.
const LEVERS: &str = "--set league.share=0.5 --set selfplay.start_share=0.5 --set selfplay.past_positions=2 --set ppo.advantage_share=0.6 \
                      --set ppo.update_kl=0.001 --set ppo.ema=0.9 --set selfplay.mate_plies=1";

/// Command in `directory`.
fn command(directory: &Path, words: &str) -> Command {
    let mut words = words.split_whitespace();
    let mut command = Command::new(words.next().unwrap());
    command.current_dir(directory).args(words).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn train(args: &str) -> String {
    format!("{} train --plain {args}", env!("CARGO_BIN_EXE_trainer-native"))
}

/// Checks that the command succeeds; returns its standard output and standard error.
fn check(directory: &Path, words: &str) -> (String, String) {
    let Output { status, stdout, stderr } = command(directory, words).output().unwrap();
    let [stdout, stderr] = [stdout, stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert_eq!(status.code(), Some(0), "{words}\n{stdout}\n{stderr}");
    (stdout, stderr)
}

/// Checks that the command fails and names each of `parts` on standard error.
fn check_refused(directory: &Path, words: &str, parts: &[&str]) {
    let Output { status, stderr, .. } = command(directory, words).output().unwrap();
    let message = String::from_utf8(stderr).unwrap();
    assert_ne!(status.code(), Some(0), "{words}\n{message}");
    assert!(!message.contains("panicked"), "{words}\n{message}");
    for part in parts {
        assert!(message.contains(part), "{words}: no {part:?} in\n{message}");
    }
}

fn digest(output: &str) -> &str {
    output.lines().find_map(|line| line.strip_prefix("digest ")).unwrap_or_else(|| panic!("no digest in\n{output}"))
}

fn state(run: &Path) -> State {
    load_from(&run.join("checkpoints"), None).unwrap().checkpoint.state
}

fn metrics(run: &Path) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The checkpoints of a run, oldest first.
fn checkpoints(run: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(run.join("checkpoints")) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "checkpoint"));
    paths.sort();
    paths
}

#[test]
fn ranks_give_the_same_bits_each_time_and_all_of_the_work() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let run = |ranks: usize, name: &str, more: &str| {
        check(
            directory,
            &train(&format!("{GAMES} {CONSTANT} {more} --iterations 8 --set run.ranks={ranks} --out {name}")),
        )
    };
    let (one, _) = run(1, "one", LEVERS);
    let (two, said) = run(2, "two", LEVERS);
    assert!(said.contains("rank 0 of 2, each a thread: 5 + 5 of 10"), "{said}");
    assert_eq!(digest(&run(2, "again", &format!("{LEVERS} --set run.threads=5")).0), digest(&two));
    let (three, said) = run(3, "three", LEVERS);
    assert!(said.contains("rank 0 of 3, each a thread: 3 + 3 + 4 of 10"), "{said}");
    assert!(digest(&one) != digest(&two) && digest(&two) != digest(&three), "sums in another order round otherwise");
    let [of_one, of_two] = ["one", "two"].map(|name| metrics(&directory.join(name)));
    // Before the first update the weights are the same, and so are all games: their moves depend on no rank.
    for key in
        ["plies", "games", "games_ended", "results", "reasons", "length_mean", "opening_diversity", "samples", "mates"]
    {
        assert_eq!(of_one[0][key], of_two[0][key], "{key}");
    }
    for key in ["normalized_entropy", "top_probability", "brier", "explained_variance", "mates_drawn"] {
        let [one, two] = [&of_one[0][key], &of_two[0][key]].map(|number| number.as_f64().unwrap());
        assert!((one - two).abs() < 1e-6 * one.abs().max(1.0), "{key}: {one} and {two}");
    }
    for line in &of_two {
        assert_eq!((&line["skipped"], &line["sink_failures"]), (&0.into(), &0.into()));
        assert!(
            line["first_ratio_error"].as_f64().unwrap() < 1e-5 && line["longest_wait_seconds"].as_f64().unwrap() > 0.0
        );
    }
    assert!(of_two.iter().any(|line| line["pool_games"].as_u64().unwrap() > 0), "nobody was met");
    let [long, again] = [2, 5].map(|threads| {
        let name = format!("long{threads}");
        let more = format!("{LEVERS} {LONG} --iterations 4 --set run.threads={threads}");
        let output = check(directory, &train(&format!("{GAMES} {CONSTANT} {more} --set run.ranks=2 --out {name}"))).0;
        let lines = metrics(&directory.join(name));
        assert!(lines.iter().any(|line| line["past_loss"].as_f64().unwrap() > 0.0), "no result was learnt");
        assert!(lines.iter().any(|line| line["mates"].as_f64().unwrap() > 0.0), "no mate was proved");
        digest(&output).to_owned()
    });
    assert_eq!(long, again);
    assert_eq!(state(&directory.join("two")).envs.len(), 10);
}

#[test]
fn ranks_go_on_from_a_checkpoint_and_another_number_of_them_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let settings = format!("{GAMES} {CONSTANT} {LEVERS} --set run.ranks=2");
    let (whole, _) = check(directory, &train(&format!("{settings} --iterations 8 --out whole")));
    check(directory, &train(&format!("{settings} --iterations 4 --out two")));
    for copy in ["one", "three"] {
        check(directory, &format!("cp -r two {copy}"));
    }
    let (resumed, said) = check(directory, &train("--resume two --iterations 8"));
    assert_eq!(digest(&resumed), digest(&whole));
    assert!(!said.contains("run.ranks changes"), "{said}");
    for (name, ranks, shares) in [("one", 1, "10 of 10"), ("three", 3, "3 + 3 + 4 of 10")] {
        let before = state(&directory.join(name));
        let (resumed, said) =
            check(directory, &train(&format!("--resume {name} --iterations 8 --set run.ranks={ranks}")));
        let told = format!("run.ranks changes from 2 to {ranks}: the games are shared out anew, {shares}");
        assert!(said.contains(&told), "{said}");
        assert_ne!(digest(&resumed), digest(&whole));
        let after = state(&directory.join(name));
        assert_eq!((after.done.iterations, after.envs.len()), (8, 10));
        // The games of the checkpoint went on: none of the slots began anew.
        assert!(after.envs.iter().zip(&before.envs).all(|(after, before)| after.started >= before.started));
        assert!(metrics(&directory.join(name)).iter().all(|line| line["skipped"] == 0));
    }
    // Of a whole run with one rank nothing has changed by there being others.
    let alone = GAMES.replace("--set run.threads=2", "");
    let (one, said) = check(directory, &train(&format!("{alone} {CONSTANT} --iterations 2 --out alone")));
    assert!(!said.contains("rank 0"), "{said}");
    assert!(!digest(&one).is_empty() && metrics(&directory.join("alone"))[1]["longest_wait_seconds"] == 0.0);
}

#[cfg(unix)]
#[test]
fn ranks_killed_at_any_instant_go_on_as_if_they_never_stopped() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let settings = format!("{GAMES} {LEVERS} --set run.ranks=2 --iterations 12");
    let (whole, _) = check(directory, &train(&format!("{settings} --out whole")));
    let mut child = command(directory, &train(&format!("{settings} --out killed"))).spawn().unwrap();
    let begin = std::time::Instant::now();
    while checkpoints(&directory.join("killed")).is_empty() {
        assert!(begin.elapsed().as_secs() < 60, "no checkpoint");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    for delay in [0, 23, 91, 7] {
        std::thread::sleep(std::time::Duration::from_millis(delay));
        child.kill().unwrap();
        child.wait().unwrap();
        child = command(directory, &train("--resume killed")).spawn().unwrap();
    }
    child.wait().unwrap();
    assert_eq!(digest(&check(directory, &train("--resume killed")).0), digest(&whole));
}

#[test]
fn what_ranks_cannot_do_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let refused = |args: &str, parts: &[&str]| check_refused(directory, &train(args), parts);
    refused("--preset tiny --set run.ranks=0", &["run.ranks = 0: must be from 1"]);
    refused("--preset tiny --set run.ranks=9", &["selfplay.envs = 8: must be at least 1 for each of run.ranks = 9"]);
    refused(
        "--preset tiny --set run.ranks=2 --set gate.plies=100",
        &["gate.plies = 100: must be 0 with run.ranks = 2, a gate needs a run of one rank"],
    );
}

#[cfg(not(feature = "mpi"))]
#[test]
fn a_process_of_an_mpi_job_is_refused_by_a_program_without_mpi() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = command(directory.path(), &train("--preset tiny --iterations 1"));
    let Output { status, stderr, .. } = command.env("OMPI_COMM_WORLD_SIZE", "2").output().unwrap();
    let message = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(1), "{message}");
    assert!(
        message.contains("this is one of 2 processes (OMPI_COMM_WORLD_SIZE)") && message.contains("--features mpi")
    );
}

/// The same as processes, under the system's `mpirun`.
#[cfg(feature = "mpi")]
mod mpi {
    use super::*;
    use std::process::Child;
    use std::thread::sleep;
    use std::time::{Duration, Instant};

    /// Command under `mpirun` with so many processes, more than there may be cores.
    fn mpirun(processes: usize, words: &str) -> String {
        format!("mpirun --allow-run-as-root --oversubscribe --bind-to none -np {processes} {words}")
    }

    /// Processes that train in `directory`, by their ranks.
    fn processes(directory: &Path) -> Vec<(usize, u32)> {
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let Ok(pid) = entry.file_name().to_string_lossy().parse() else { continue };
            let is_ours = fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == directory);
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            let mut variables =
                environment.split(|&byte| byte == 0).filter_map(|variable| str::from_utf8(variable).ok());
            let rank = variables.find_map(|variable| variable.strip_prefix("OMPI_COMM_WORLD_RANK=")?.parse().ok());
            if let (true, Some(rank)) = (is_ours, rank) {
                found.push((rank, pid));
            }
        }
        found.sort_unstable();
        found
    }

    fn signal(pid: u32, name: &str) {
        assert!(Command::new("kill").args([name, &pid.to_string()]).status().unwrap().success());
    }

    fn wait_until(what: &str, done: impl Fn() -> bool) {
        let begin = Instant::now();
        while !done() {
            assert!(begin.elapsed() < Duration::from_mins(2), "waited two minutes until {what}");
            sleep(Duration::from_millis(5));
        }
    }

    /// A long run of two processes, of which some iterations are done.
    fn long_run(directory: &Path, more: &str) -> (Child, Vec<(usize, u32)>) {
        let run =
            train(&format!("{GAMES} {CONSTANT} --set run.checkpoint_plies=1 --iterations 100000 {more} --out run"));
        let child = command(directory, &mpirun(2, &run)).spawn().unwrap();
        wait_until("there are checkpoints", || checkpoints(&directory.join("run")).len() > 3);
        let processes = processes(directory);
        assert_eq!(processes.iter().map(|&(rank, _)| rank).collect::<Vec<_>>(), [0, 1]);
        (child, processes)
    }

    /// What the run said, once it has ended without success and left a checkpoint that verifies and that a run goes on from.
    fn ended(directory: &Path, child: Child) -> String {
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        let said = [stdout, stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        assert_ne!(status.code(), Some(0), "{said}");
        check(directory, &format!("{} checkpoint verify run", env!("CARGO_BIN_EXE_trainer-native")));
        let done = state(&directory.join("run")).done.iterations;
        let (_, again) = check(directory, &train(&format!("--resume run --iterations {} --set run.ranks=2", done + 2)));
        assert!(!again.contains("damaged"), "{again}");
        said
    }

    #[test]
    fn mpi_processes_give_the_bits_of_threads() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        for ranks in [2, 3] {
            let settings = format!("{GAMES} {CONSTANT} {LEVERS} {LONG}");
            let threads = train(&format!("{settings} --iterations 4 --set run.ranks={ranks} --out threads{ranks}"));
            let (threads, _) = check(directory, &threads);
            let evaluated = "--set run.evaluate_plies=320 --set run.evaluate_games=2";
            let whole = train(&format!("{settings} {evaluated} --iterations 4 --out mpi{ranks}"));
            let (whole, said) = check(directory, &mpirun(ranks, &whole));
            assert_eq!(digest(&whole), digest(&threads), "{ranks} ranks");
            assert_eq!(whole.matches("digest ").count(), 1, "rank 0 alone tells: {whole}");
            assert!((whole + &said).contains(&format!("rank 0 of {ranks}, each a process")), "{said}");
            check(directory, &mpirun(ranks, &train(&format!("{settings} --iterations 2 --out part{ranks}"))));
            // What processes began, threads and processes end in the same way.
            check(directory, &format!("cp -r part{ranks} copy{ranks}"));
            let (resumed, _) = check(directory, &train(&format!("--resume copy{ranks} --iterations 4")));
            assert_eq!(digest(&resumed), digest(&threads), "{ranks} ranks, resumed as threads");
            let resume = train(&format!("--resume part{ranks} --iterations 4"));
            assert_eq!(
                digest(&check(directory, &mpirun(ranks, &resume)).0),
                digest(&threads),
                "{ranks} ranks, resumed"
            );
        }
        let (_, said) = check(directory, &mpirun(3, &train("--resume part2 --iterations 5")));
        assert!(said.contains("run.ranks changes from 2 to 3"), "{said}");
    }

    #[test]
    fn mpi_processes_that_differ_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        let [first, second] =
            [1, 2].map(|seed| train(&format!("--preset tiny --iterations 2 --set seed={seed} --out run")));
        let both = format!("{} : -np 1 {second}", mpirun(1, &first));
        check_refused(directory, &both, &["rank 1 has other settings than rank 0: seed is 2 there and 1 here"]);
        let broken = train("--preset tiny --iterations 2 --config absent.toml --out run");
        let both = format!("{} : -np 1 {broken}", mpirun(1, &first));
        check_refused(directory, &both, &["rank 1: absent.toml: cannot read"]);
        assert!(!directory.join("run").exists(), "a refused run leaves nothing behind");
        let other = train("--preset tiny --iterations 2 --set run.ranks=3 --out run");
        check_refused(directory, &mpirun(2, &other), &["run.ranks = 3: this is a job of 2 processes"]);
        let torch = format!("mpirun --allow-run-as-root --oversubscribe -x WORLD_SIZE=4 -np 2 {first}");
        check_refused(directory, &torch, &["rank 0 of 2: its environment has WORLD_SIZE=4"]);
        let alone = format!("env WORLD_SIZE=2 RANK=0 {first}");
        check_refused(directory, &alone, &["this is one of 2 processes (WORLD_SIZE), which MPI does not know of"]);
    }

    #[test]
    fn a_killed_mpi_process_ends_the_run_which_is_whole() {
        for killed in [1, 0] {
            let directory = tempfile::tempdir().unwrap();
            let directory = directory.path();
            let (child, processes) = long_run(directory, "");
            signal(processes[killed].1, "-KILL");
            let said = ended(directory, child);
            assert!(said.contains(&format!("process rank {killed}")), "{said}");
        }
    }

    #[test]
    fn an_mpi_process_that_hangs_is_named_and_ends_the_run_which_is_saved() {
        for hung in [1, 0] {
            let directory = tempfile::tempdir().unwrap();
            let directory = directory.path();
            let (child, processes) = long_run(directory, "--set run.rank_patience=5");
            signal(processes[hung].1, "-STOP");
            let said = ended(directory, child);
            assert!(said.contains(&format!("rank {hung}: it has not answered for 5 s")), "{said}");
        }
    }

    #[test]
    fn a_signal_ends_mpi_processes_with_everything_saved() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        let (child, processes) = long_run(directory, "");
        signal(processes[0].1, "-TERM");
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        let said = [stdout, stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        assert_eq!(status.code(), Some(0), "{said}");
        assert!(said.contains("stopped by a signal; everything is saved"), "{said}");
    }
}
