//! Learns for a few iterations and prints the losses.
//!
//! `cargo run --release -p keisei-examples --bin train`

use anyhow::Result;
use trainer_native::settings::Preset;
use trainer_native::trainer::Trainer;

/// Length of the run.
const ITERATIONS: u32 = 10;

fn main() -> Result<()> {
    let mut trainer = Trainer::fresh(Preset::Tiny.settings())?;
    for iteration in 0..ITERATIONS {
        // Schedules depend on the part of the run that is done.
        let report = trainer.iterate(f64::from(iteration) / f64::from(ITERATIONS))?;
        println!(
            "iteration {}: {} games ended, entropy {:.3}, value loss {:.3}, approx_kl {:.4}",
            iteration + 1,
            report.collected.games(),
            report.collected.mean_entropy(),
            report.update.losses.value_loss,
            report.update.losses.approx_kl,
        );
    }
    println!("{} plies, {} weights", trainer.done.plies, trainer.weights.data().len());
    Ok(())
}

#[test]
fn it_runs() {
    main().expect("the preset learns");
}
