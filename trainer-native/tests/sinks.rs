//! Sinks: read back with their own software, and what a run costs where they misbehave.
//!
//! The tests with that software are ignored unless asked for; `cargo xtask test` installs it from
//! `tests/python/sinks-requirements.txt` and names its Python in `SINKS_PYTHON`. See `tests/python/sinks.py`.

use anyhow::{Result, bail};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};
use trainer_native::event::Stamped;
use trainer_native::metrics::METRICS;
use trainer_native::run::directory::Directory;
use trainer_native::run::{Flow, Run};
use trainer_native::settings::{Preset, Settings};
use trainer_native::sinks::{Sink, SinkCounters};

/// Reads back what one sink was told.
fn check(sink: &str) {
    let python = std::env::var_os("SINKS_PYTHON").expect("SINKS_PYTHON names a Python with the software of the sinks");
    let folder = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/python/sinks.py");
    let groups: BTreeMap<&str, &str> = METRICS.iter().map(|metric| (metric.key, metric.group)).collect();
    let mut command = Command::new(python);
    command.arg(script).arg(sink).arg(env!("CARGO_BIN_EXE_trainer-native")).arg(folder.path());
    let Output { status, stdout, stderr } =
        command.env("KEISEI_METRIC_GROUPS", serde_json::to_string(&groups).unwrap()).output().unwrap();
    println!("{}", String::from_utf8_lossy(&stdout));
    assert!(status.success(), "{sink}\n{}", String::from_utf8_lossy(&stderr));
}

#[cfg(feature = "tensorboard")]
#[test]
#[ignore = "needs the software of the sinks: `cargo xtask test --only sinks`"]
fn tensorboard_reads_each_iteration_once() {
    check("tensorboard");
}

#[cfg(feature = "prometheus")]
#[test]
#[ignore = "needs the software of the sinks: `cargo xtask test --only sinks`"]
fn prometheus_reads_the_newest_iteration() {
    check("prometheus");
}

#[cfg(feature = "mlflow")]
#[test]
#[ignore = "needs the software of the sinks: `cargo xtask test --only sinks`"]
fn mlflow_has_each_iteration_once_even_if_its_server_was_away() {
    check("mlflow");
}

#[cfg(feature = "wandb")]
#[test]
#[ignore = "needs the software of the sinks: `cargo xtask test --only sinks`"]
fn wandb_has_each_iteration_once_in_its_offline_files() {
    check("wandb");
}

#[cfg(feature = "store-s3")]
#[test]
#[ignore = "needs the software of the sinks: `cargo xtask test --only sinks`"]
fn s3_has_the_files_of_a_run_that_goes_on_elsewhere() {
    check("store");
}

#[cfg(all(feature = "mlflow", feature = "store", feature = "wandb", feature = "prometheus"))]
#[test]
#[ignore = "needs the software of the sinks: `cargo xtask test --only sinks`"]
fn a_run_is_the_same_with_all_sinks_and_with_none() {
    check("all");
}

/// Sink that misbehaves at each event.
struct Bad(&'static str, fn() -> Result<()>);

impl Sink for Bad {
    fn name(&self) -> &str {
        self.0
    }

    fn receive(&mut self, _: &Stamped) -> Result<()> {
        self.1()
    }

    fn flush(&mut self) -> Result<()> {
        self.1()
    }
}

/// Digest of a whole run, and the counters of its sinks just before its end.
fn run(settings: &Settings, sinks: Vec<Box<dyn Sink>>) -> (String, Vec<SinkCounters>) {
    let folder = tempfile::tempdir().unwrap();
    let directory = Directory::of_new_run(Some(&folder.path().join("run")));
    let mut run = Run::start(settings.clone(), directory, sinks, std::sync::Arc::default()).unwrap();
    while !run.is_over() {
        assert_eq!(run.iterate().unwrap(), Flow::GoesOn);
    }
    let counters = run.sink_counters();
    let summary = run.finish(Flow::GoesOn, folder.path()).unwrap();
    let digest = summary.lines().find_map(|line| line.strip_prefix("digest ")).unwrap().to_owned();
    (digest, counters)
}

#[test]
fn sinks_that_fail_hang_and_panic_cost_a_run_nothing_but_their_counters() {
    let mut settings = Preset::Tiny.settings();
    settings.run.plies = 2048;
    settings.sinks.pause = 0.01;
    settings.sinks.queue = 64;
    let (digest, counters) = run(&settings, Vec::new());
    assert!(counters.iter().all(|sink| sink.failures + sink.dropped == 0), "{counters:?}");
    let hang = || loop {
        std::thread::park();
    };
    let bad: Vec<Box<dyn Sink>> = vec![
        Box::new(Bad("fails", || bail!("no network"))),
        Box::new(Bad("hangs", hang)),
        Box::new(Bad("panics", || panic!("a defect of the sink"))),
    ];
    let (with_bad, counters) = run(&settings, bad);
    assert_eq!(with_bad, digest);
    let (bad, good) = counters.split_at(3);
    assert!(bad[0].failures > 0 && bad[2].failures > 0 && bad[1].dropped > 0, "{bad:?}");
    assert!(bad.iter().all(|sink| sink.taken == 0), "{bad:?}");
    assert!(good.iter().all(|sink| sink.failures + sink.dropped == 0), "{good:?}");
}
