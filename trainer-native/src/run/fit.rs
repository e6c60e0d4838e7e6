//! Fit to the machine: the number of games found by measuring, where the settings leave it open.

use super::{card, memory};
use crate::settings::Settings;
use crate::trainer::Trainer;
use anyhow::Result;
use std::time::{Duration, Instant};

/// Numbers of games that are tried.
const TRIED: [usize; 8] = [32, 64, 128, 256, 512, 1024, 2048, 4096];

/// Speed, as a share of the best, at which fewer games are as good: they give newer samples in the same time.
const AS_GOOD: f64 = 0.97;

/// Gradient steps in an epoch where the minibatch is left open, as many as those of the presets.
const STEPS: usize = 8;

/// Time spent on a number of games once it is warm.
const TIME: Duration = Duration::from_millis(1500);

/// The settings with the number of games that is fastest here, and a minibatch in proportion; `say` is told of the choice.
///
/// # Errors
/// If the learner does not start or fails, or no number of games fits into the memory.
pub fn fit(settings: &Settings, mut say: impl FnMut(String)) -> Result<Settings> {
    if settings.selfplay.envs > 0 {
        return Ok(with_games(settings, settings.selfplay.envs));
    }
    let _span = tracing::info_span!("measure").entered();
    say("selfplay.envs is auto: measuring how many games at once are fastest here".into());
    let mut speeds: Vec<(usize, f64)> = Vec::new();
    for games in TRIED {
        let settings = with_games(settings, games);
        let fits = settings.validate().and_then(|()| memory::check(&settings, memory::available()));
        let fits = fits.and_then(|_| card::check(&settings));
        if let Err(error) = fits {
            if speeds.is_empty() {
                return Err(error);
            }
            break;
        }
        speeds.push((games, plies_per_second(settings)?));
        // Once more games are slower twice in a row, which noise is not likely to do, still more are not tried.
        let enough = AS_GOOD * best(&speeds);
        if speeds.len() > 2 && speeds.iter().rev().take(2).all(|&(_, speed)| speed < enough) {
            break;
        }
    }
    let games = choose(&speeds);
    let list: Vec<String> = speeds.iter().map(|(games, speed)| format!("{games}: {speed:.0}")).collect();
    let fitted = with_games(settings, games);
    say(format!(
        "selfplay.envs is {games}, ppo.minibatch {}; plies a second by games: {}",
        fitted.ppo.minibatch,
        list.join(", ")
    ));
    Ok(fitted)
}

/// The smallest number of games that is about as fast as the fastest.
fn choose(speeds: &[(usize, f64)]) -> usize {
    let enough = AS_GOOD * best(speeds);
    speeds.iter().find(|&&(_, speed)| speed >= enough).map_or(TRIED[0], |&(games, _)| games)
}

fn best(speeds: &[(usize, f64)]) -> f64 {
    speeds.iter().fold(0.0, |best: f64, &(_, speed)| best.max(speed))
}

fn with_games(settings: &Settings, games: usize) -> Settings {
    let mut settings = settings.clone();
    settings.selfplay.envs = games;
    if settings.ppo.minibatch == 0 {
        settings.ppo.minibatch = (games * settings.selfplay.horizon / STEPS).max(1);
    }
    settings
}

fn plies_per_second(settings: Settings) -> Result<f64> {
    let mut trainer = Trainer::fresh(settings)?;
    trainer.iterate(0.0)?;
    let (begin, first) = (Instant::now(), trainer.done.plies);
    let mut seconds = 0.0;
    while begin.elapsed() < TIME {
        seconds += trainer.iterate(0.0)?.seconds_with_every_sample();
    }
    Ok((trainer.done.plies - first) as f64 / seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Preset;

    #[test]
    fn the_fewest_games_that_are_about_as_fast_are_chosen() {
        assert_eq!(choose(&[(32, 500.0), (64, 980.0), (128, 1000.0), (256, 900.0)]), 64);
        assert_eq!(choose(&[(32, 500.0)]), 32);
    }

    #[test]
    fn what_is_given_stays() {
        let mut settings = Preset::Tiny.settings();
        assert!(!settings.is_open());
        settings.ppo.minibatch = 0;
        assert!(settings.is_open());
        let fitted = fit(&settings, |text| panic!("nothing is measured: {text}")).expect("fitted");
        assert_eq!((fitted.selfplay.envs, fitted.ppo.minibatch), (8, 8));
    }
}
