//! Worth of visits: matches of each number of visits against the one before.

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, bail};
use keisei_core::search::Settings;
use keisei_play::contender::Contender;
use keisei_play::executor::ModelExecutor;
use keisei_play::files::read_model;
use keisei_play::matches::{DEFAULT_MAX_PLIES, Match};
use keisei_play::rating::Tally;
use keisei_play::search_player::SearchPlayer;

/// Temperature of the choice by visits, and of the raw policy, so that games differ.
const TEMPERATURE: f32 = 0.15;

/// Plays `games` games of each neighbouring pair of `visits` and prints a table; 1 is the raw policy.
pub fn measure(model: &Path, visits: &[u32], games: usize, threads: usize) -> Result<()> {
    if games == 0 || !games.is_multiple_of(2) {
        bail!("--games must be even: every opening is played with both colours");
    }
    let model = read_model(model)?;
    let contender = |visits: u32| {
        // The raw policy is at its own temperature and without help from the search for mate.
        let raw = Settings {
            policy_temperature: 1.0,
            root_mate: keisei_core::search::MateLimits { plies: 0, nodes: 0 },
            ..Settings::default()
        };
        let settings = if visits == 1 { raw } else { Settings::default() };
        let name = if visits == 1 { "raw policy".to_owned() } else { format!("{visits} visits") };
        let (network, settings) = (ModelExecutor::f32(&model), Settings { visits, ..settings });
        Contender::from(SearchPlayer::new(&name, &model, network, settings, TEMPERATURE))
    };
    println!(
        "\n{} #{}, {games} games each, temperature {TEMPERATURE}:\n",
        model.provenance.run, model.provenance.iteration
    );
    println!("| | games | won | drawn | lost | score | Elo | 95 % | s |\n|---|---:|---:|---:|---:|---:|---:|---|---:|");
    for pair in visits.windows(2) {
        let (weaker, stronger) = (contender(pair[0]), contender(pair[1]));
        let started = Instant::now();
        let played = Match { pairs: games / 2, seed: 1, max_plies: DEFAULT_MAX_PLIES, threads }.play(
            &stronger,
            &weaker,
            &|_| (),
        );
        let Tally { wins, draws, losses } = played.tally();
        let (elo, (low, high)) = played.elo();
        println!(
            "| {} against {} | {games} | {wins} | {draws} | {losses} | {:.3} | {elo:+.0} | {low:+.0} to {high:+.0} | {:.0} |",
            stronger.name(),
            weaker.name(),
            played.tally().score(),
            started.elapsed().as_secs_f64()
        );
    }
    Ok(())
}
