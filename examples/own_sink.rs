//! Runs a few iterations with a sink of its own: ten lines that receive every event of the run.
//!
//! `cargo run --release -p keisei-examples --bin own_sink`

use anyhow::{Result, ensure};
use std::collections::BTreeMap;
use std::sync::Arc;
use trainer_native::event::{Event, Stamped};
use trainer_native::run::directory::Directory;
use trainer_native::run::{Flow, Run};
use trainer_native::settings::Preset;
use trainer_native::sinks::Sink;

/// Sink that counts games by the reason that ended them.
#[derive(Default)]
struct Endings(BTreeMap<String, u32>);

impl Sink for Endings {
    fn name(&self) -> &'static str {
        "endings"
    }

    fn receive(&mut self, event: &Stamped) -> Result<()> {
        match &event.event {
            Event::GameEnded(game) => *self.0.entry(game.reason.clone()).or_default() += 1,
            Event::RunEnded(_) => println!("{:?}", self.0),
            _ => {}
        }
        Ok(())
    }
}

fn main() -> Result<()> {
    let folder = std::env::temp_dir().join(format!("own-sink-{}", std::process::id()));
    let directory = Directory::of_new_run(Some(&folder));
    let mut run = Run::start(Preset::Tiny.settings(), directory, vec![Box::new(Endings::default())], Arc::default())?;
    while !run.is_over() {
        run.iterate()?;
    }
    ensure!(run.sink_counters().iter().all(|sink| sink.failures == 0), "no sink fails in a clean run");
    print!("{}", run.finish(Flow::GoesOn, &std::env::temp_dir())?);
    Ok(std::fs::remove_dir_all(folder)?)
}

#[test]
fn it_runs() {
    main().expect("the preset learns");
}
