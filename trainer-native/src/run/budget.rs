//! Budget: the plies at which a run ends. Schedules follow plies, so that a run does not depend on the clock.

use crate::settings::Settings;
use crate::trainer::Trainer;
use anyhow::Result;
use std::time::{Duration, Instant};

/// Longest measurement of the speed, and its greatest share of the budget.
const LONGEST: Duration = Duration::from_secs(15);
const SHARE: f64 = 0.02;

/// Speed of a run on this machine.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Speed {
    /// Plies per second, evaluations included.
    pub plies_per_second: f64,
    /// What it was measured over.
    pub measured: Duration,
}

/// Measures the speed of a run with these settings by some iterations of another run, which are thrown away, and one
/// evaluation if the run will have any.
///
/// # Errors
/// If the learner does not start or fails.
pub fn measure(settings: &Settings) -> Result<Speed> {
    let _span = tracing::info_span!("measure").entered();
    let time = LONGEST.min(Duration::from_secs_f64(60.0 * SHARE * settings.run.minutes));
    let mut trainer = Trainer::fresh(settings.clone())?;
    let begin = Instant::now();
    // The first iteration warms caches, clocks and threads up: it counts only if there is time for no other.
    let mut seconds = trainer.iterate(0.0)?.seconds_with_every_sample();
    let mut iterations = 1.0;
    if begin.elapsed() < time {
        (seconds, iterations) = (0.0, 0.0);
        while begin.elapsed() < time {
            seconds += trainer.iterate(0.0)?.seconds_with_every_sample();
            iterations += 1.0;
        }
    }
    let mut seconds_per_ply = seconds / (iterations * settings.iteration_plies() as f64);
    let every = settings.run.evaluate_plies;
    if every > 0 && seconds_per_ply * (every as f64) < 60.0 * settings.run.minutes {
        trainer.settings.run.evaluate_games = settings.run.evaluate_games.min(8);
        let evaluation = trainer.evaluate();
        let games = settings.run.evaluate_games as f64 / evaluation.games as f64;
        seconds_per_ply += evaluation.seconds * games / every as f64;
    }
    Ok(Speed { plies_per_second: 1.0 / seconds_per_ply, measured: begin.elapsed() })
}

/// Plies of whole iterations that take about `minutes` at this speed, at least those of one iteration.
pub fn plies_in(minutes: f64, speed: &Speed, settings: &Settings) -> u64 {
    let iteration = settings.iteration_plies();
    let iterations = (60.0 * minutes * speed.plies_per_second / iteration as f64).round() as u64;
    iterations.max(1).saturating_mul(iteration)
}

/// Number of plies for a person, such as `7.2 million`.
pub fn plies_in_words(plies: u64) -> String {
    match plies {
        0..10_000 => format!("{plies}"),
        10_000..1_000_000 => format!("{} thousand", plies / 1000),
        _ => format!("{:.1} million", plies as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Preset;

    #[test]
    fn minutes_become_whole_iterations() {
        let settings = Preset::Tiny.settings();
        let speed = |plies_per_second| Speed { plies_per_second, measured: Duration::ZERO };
        assert_eq!(plies_in(1.0, &speed(1000.0), &settings), 938 * 64);
        assert_eq!(plies_in(1e-9, &speed(1000.0), &settings), 64);
        assert_eq!(plies_in(1e9, &speed(f64::INFINITY), &settings), u64::MAX);
    }

    #[test]
    fn plies_are_said_as_people_say_them() {
        assert_eq!(
            [7, 9999, 10_000, 999_999, 7_240_000].map(plies_in_words),
            ["7", "9999", "10 thousand", "999 thousand", "7.2 million"]
        );
    }
}
