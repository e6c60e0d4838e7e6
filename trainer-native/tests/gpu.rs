//! Runs on a GPU, or on a driver that plays one: what they say of its memory, what they transfer, and how they end where it fails.
//!
//! What is measured of a process is measured in one of its own: this program itself, which runs only the test [`child`].

#![cfg(feature = "wgpu")]

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use burn::backend::wgpu::{RuntimeOptions, WgpuDevice, graphics::AutoGraphicsApi, init_setup};
use keisei_core::encoding::{Actions, Features};
use keisei_core::evaluator::Batch;
use keisei_core::learn::{Adam, Coefficients, LearnError, Minibatch, Rollout, StepRules};
use keisei_core::net::{NetSpec, Weights};
use keisei_core::random::{Purpose, Stream};
use trainer_native::learner::{Device, Precision, Traffic};
use trainer_native::run::Run;
use trainer_native::run::card::Needs;
use trainer_native::run::checkpoint::load_from;
use trainer_native::run::directory::Directory;
use trainer_native::settings::{Preset, Settings};
use trainer_native::trainer::Trainer;

/// What the child does.
const CASE: &str = "GPU_TEST_CASE";

#[test]
#[ignore = "run by the other tests, as another process"]
fn child() {
    let Ok(case) = std::env::var(CASE) else { return };
    let words: Vec<&str> = case.split(' ').collect();
    match words[..] {
        ["needs", channels, blocks, envs, minibatch] => {
            needs([channels, blocks, envs, minibatch].map(|number| number.parse().expect("a number")));
        }
        ["steps", steps] => steps_keep_their_memory(steps.parse().expect("a number")),
        ["traffic"] => traffic(),
        ["exhausted"] => exhausted(),
        ["lost"] => lost(),
        [what @ ("passes" | "minibatches"), times] => repeated(what, times.parse().expect("a number")),
        _ => panic!("no case {case:?}"),
    }
}

/// What the child prints in this case; it must succeed.
fn in_a_process_of_its_own(case: &str) -> String {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program)
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env(CASE, case)
        .output()
        .expect("started");
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    assert!(output.status.success(), "{case}: {out}\n{err}");
    println!("{out}");
    out
}

/// Settings of a small run on the GPU.
fn settings(channels: u16, blocks: u16, envs: usize, minibatch: usize) -> Settings {
    let mut settings = Preset::Tiny.settings();
    settings.run.device = Device::Wgpu;
    settings.run.threads = 2;
    (settings.net.channels, settings.net.blocks) = (channels, blocks);
    (settings.selfplay.envs, settings.selfplay.horizon, settings.ppo.minibatch) = (envs, 2, minibatch);
    // Each epoch to its end.
    (settings.ppo.epochs, settings.ppo.target_kl) = (2, f32::MAX);
    settings
}

/// Bytes that tensors take, and that the runtime holds for them.
fn memory() -> [u64; 2] {
    Device::Wgpu.memory().expect("the device tells").expect("it has a memory of its own")
}

fn needs([channels, blocks, envs, minibatch]: [usize; 4]) {
    let settings = settings(channels as u16, blocks as u16, envs, minibatch);
    let estimated = Needs::of(&settings);
    let mut trainer = Trainer::fresh(settings).expect("a GPU");
    for _ in 0..3 {
        trainer.iterate(0.0).expect("the device does not fail");
    }
    let [taken, held] = memory();
    let card = Device::Wgpu.card().expect("a GPU").expect("it has a memory of its own");
    let total = estimated.total(card.largest);
    let share = total as f64 / held as f64;
    println!("C{channels} N{blocks}, {envs} games, minibatch {minibatch}: {estimated:?}");
    println!("estimated {total}, held {held}, in tensors now {taken}: {share:.2}");
    assert!((0.5..2.0).contains(&share), "{share}");
}

#[test]
fn a_gpus_memory_is_what_the_estimate_says() {
    for case in ["needs 16 1 64 64", "needs 32 4 128 128", "needs 64 2 64 32"] {
        in_a_process_of_its_own(case);
    }
}

/// Memory of a run that takes so many gradient steps.
fn steps_keep_their_memory(steps: usize) {
    let mut trainer = Trainer::fresh(settings(8, 1, 16, 8)).expect("a GPU");
    let (mut done, mut early) = (0, None);
    while done < steps {
        done += trainer.iterate(0.0).expect("the device does not fail").update.steps;
        let [taken, held] = memory();
        if done.is_multiple_of(100) || done >= steps || early.is_none() && done > steps / 4 {
            println!("step {done}: tensors take {:.3} MB, {:.3} MB are held", taken as f64 / 1e6, held as f64 / 1e6);
        }
        if done > steps / 4 {
            let early = *early.get_or_insert([taken, held]);
            assert!(
                taken <= early[0] + (64 << 10) && held <= early[1] + early[1] / 50,
                "{taken} {held}, not {early:?}"
            );
        }
    }
}

#[test]
fn a_gpus_memory_stays_the_same() {
    in_a_process_of_its_own("steps 80");
}

#[test]
#[ignore = "takes minutes"]
fn a_gpus_memory_stays_the_same_over_a_thousand_steps() {
    in_a_process_of_its_own("steps 1000");
}

/// Transfers of iterations: one up and one down for a ply of a group of games, none down inside an epoch.
fn traffic() {
    let mut settings = settings(8, 1, 16, 8);
    settings.selfplay.horizon = 4;
    let mut trainer = Trainer::fresh(settings.clone()).expect("a GPU");
    trainer.iterate(0.0).expect("the device does not fail");
    let before = Traffic::so_far();
    let report = trainer.iterate(0.0).expect("the device does not fail");
    let found = Traffic::so_far().since(before);
    println!("{found:?}");
    let (groups, minibatches) = (Device::GROUPS as u64, report.update.steps as u64);
    assert_eq!(minibatches, 16, "2 epochs of 64 plies, 8 a minibatch");
    // A pass for each ply and one for the rows' ends; the weights of each evaluator.
    let [passes, evaluators] = [groups * 5, groups];
    // Weights with moments, decisions, the rollout; each minibatch.
    assert_eq!(found.uploads, passes + evaluators + 3 + minibatches);
    // Results of each epoch; weights with moments.
    assert_eq!(found.reads, passes + 2 + 1);
}

#[test]
fn a_gpu_is_waited_for_once_an_epoch() {
    in_a_process_of_its_own("traffic");
}

/// So many forward passes or minibatches of 16 positions by C16 N4. Started by hand with cubecl's log of launches on, twice, it gives the launches
/// of one as a difference, see `benches/results`.
fn repeated(what: &str, times: usize) {
    const POSITIONS: usize = 16;
    let (features, actions) = (Features::Attack96, Actions::Dest2187);
    let spec = NetSpec { channels: 16, blocks: 4, ..NetSpec::for_encodings(features, actions) };
    let mut weights = Weights::init(&spec, 1).expect("a valid network");
    let rollout = Rollout::of_random_games(POSITIONS, actions, Stream::new(1, Purpose::Sampling, 0, 0));
    let mut learner = Device::Wgpu.learner(features, actions, Precision::F32, 1).expect("a GPU");
    let before = Traffic::so_far();
    if what == "passes" {
        let mut batch = Batch::new();
        rollout
            .steps
            .iter()
            .for_each(|step| batch.push(step.observation, rollout.legal_of(step.legal).iter().copied()));
        let mut evaluator = learner.evaluator(&weights);
        for _ in 0..times {
            evaluator.evaluate(&batch).expect("the device does not fail");
        }
    } else {
        let slots: Vec<usize> = (0..POSITIONS).collect();
        let minibatch = Minibatch { rollout: &rollout, slots: &slots, advantages: &rollout.advantages, past: &[] };
        let (clip_coef, vf_coef, ent_coef) = (0.2, 1.0, 0.01);
        let [past_coef, score_coef, kl_coef, mate_coef] = [0.0; 4];
        let scale = 1.0 / POSITIONS as f32;
        let coefficients =
            Coefficients { clip_coef, vf_coef, past_coef, score_coef, ent_coef, kl_coef, mate_coef, scale };
        let (learning_rate, max_grad_norm) = (1e-4, 1.0);
        let rules = StepRules { learning_rate, max_grad_norm, target_kl: f32::INFINITY, ratio_limit: f64::INFINITY };
        let mut adam = Adam::new(weights.data().len());
        let mut descent = learner.descent(&mut weights, &mut adam);
        for _ in 0..times {
            descent.step(&minibatch, &coefficients, &rules).expect("the device does not fail");
        }
        assert_eq!(descent.results().expect("the device does not fail").len(), times);
    }
    println!("{times} {what}: {:?}", Traffic::so_far().since(before));
}

/// A minibatch for which the device has no memory, as it comes without the check at the start.
fn exhausted() {
    let card = Device::Wgpu.card().expect("a GPU").expect("it has a memory of its own");
    let games = (card.largest as usize / (81 * 4 * 1152)).next_power_of_two() * 2;
    let mut settings = settings(128, 1, games, games);
    settings.selfplay.horizon = 1;
    let mut trainer = Trainer::fresh(settings).expect("a GPU");
    match trainer.iterate(0.0).err() {
        Some(LearnError::OutOfMemory(reason)) => println!("{reason}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_gpu_without_enough_memory_is_an_error() {
    let said = in_a_process_of_its_own("exhausted");
    assert!(said.contains("the GPU has not enough memory: can't allocate buffer of size"), "{said}");
}

/// A card that is lost in mid-run.
fn lost() {
    let setup = init_setup::<AutoGraphicsApi>(&WgpuDevice::default(), RuntimeOptions::default());
    let folder = tempfile::tempdir().expect("a folder");
    let directory = Directory::of_new_run(Some(&folder.path().join("run")));
    let mut run = Run::start(settings(8, 1, 8, 8), directory, Vec::new(), Arc::default()).expect("started");
    run.iterate().expect("the card is there");
    setup.device.destroy();
    let error = run.iterate().err().expect("the card is lost");
    println!("{error:#}");
    let checkpoint = load_from(&folder.path().join("run/checkpoints"), None).expect("a whole one").checkpoint;
    assert_eq!(checkpoint.state.done.iterations, 1);
}

#[test]
fn a_gpu_that_is_lost_ends_the_run_with_a_whole_checkpoint() {
    let said = in_a_process_of_its_own("lost");
    assert!(
        said.contains("its checkpoint of iteration 1 is whole: go on with") && said.contains(": the GPU"),
        "{said}"
    );
}

fn train(folder: &Path, arguments: &[&str], driver: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trainer-native"));
    command.current_dir(folder).args([
        "train",
        "--plain",
        "--preset",
        "tiny",
        "--out",
        "run",
        "--set",
        "run.device=wgpu",
    ]);
    command.args(arguments);
    if let Some(driver) = driver {
        command.env("VK_ICD_FILENAMES", driver).env("VK_DRIVER_FILES", driver);
    }
    command.output().expect("started")
}

fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

#[test]
fn a_gpu_run_says_what_memory_it_will_need_and_one_that_needs_too_much_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = train(folder.path(), &["--iterations", "1"], None);
    let said = text(&output);
    assert!(output.status.success(), "{said}");
    assert_eq!(said.matches("the run will need about 0.0").count(), 1, "{said}");
    assert!(said.contains("of the GPU's memory of ") && said.contains("weights and optimiser"), "{said}");
    std::fs::remove_dir_all(folder.path().join("run")).expect("it was there");

    let large = ["--set", "selfplay.envs=32768", "--set", "net.channels=256", "--set", "ppo.minibatch=131072"];
    let output = train(folder.path(), &large, None);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("the run would need about ") && said.contains("ppo.minibatch = "), "{said}");
    assert!(!said.contains("panicked") && !folder.path().join("run").exists(), "{said}");
}

#[test]
fn a_gpu_that_is_not_there_is_an_error_before_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = train(folder.path(), &[], Some("/nonexistent"));
    let said = text(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("no GPU: wgpu finds no adapter") && !said.contains("panicked"), "{said}");
    assert!(!folder.path().join("run").exists(), "{said}");
}

#[test]
fn a_gpu_learns_in_the_precisions_that_it_has() {
    for precision in [Precision::F32, Precision::F16] {
        let settings = Settings {
            run: trainer_native::settings::RunSection { precision, ..settings(8, 1, 8, 8).run },
            ..settings(8, 1, 8, 8)
        };
        let mut trainer = match Trainer::fresh(settings) {
            Ok(trainer) => trainer,
            Err(error) => {
                assert!(precision != Precision::F32 && error.to_string().contains("does not compute in it"), "{error}");
                continue;
            }
        };
        let report = trainer.iterate(0.0).expect("the device does not fail");
        let tolerance = precision.ratio_tolerance().alarm;
        assert!(report.update.steps == 4 && report.update.first_ratio_error < tolerance, "{:?}", report.update);
    }
}
